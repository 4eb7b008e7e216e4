"""The dashboard in a browser: who is let in, and what a real browser sees."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from dashboards import write_workspace
from refusals import Refuse

from data_contracts.run import read_runs

if TYPE_CHECKING:
    from playwright.sync_api import Page

CXR = Path(sys.executable).with_name("cxr")
TOKEN = "a-token-of-the-test"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def serving(workspace: Path, port: int) -> Iterator[str]:
    """The address of a server; it is stopped by Ctrl-C."""
    args = [str(CXR), "dashboard", "--serve", f"--port={port}", f"--workspace={workspace}"]
    env = os.environ | {"CXR_DASHBOARD_TOKEN": TOKEN}
    with subprocess.Popen(args, stderr=subprocess.PIPE, text=True, env=env) as server:
        assert server.stderr is not None
        try:
            line = server.stderr.readline()
            yield next(word for word in line.split() if word.startswith("http"))
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == 0


def answer(url: str, **headers: str) -> tuple[int, dict[str, str]]:
    """Status and headers of a page, redirects not followed."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=20) as got:
            return got.status, dict(got.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers)


def test_only_the_token_opens_the_page(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, port) as url:
        bare = f"http://127.0.0.1:{port}/"
        cookie = f"cxr-dashboard-{port}={TOKEN}"
        assert url == f"{bare}?token={TOKEN}"
        assert answer(bare)[0] == 403
        assert answer(f"{bare}?token=wrong")[0] == 403
        assert answer(f"{bare}ws", Cookie="cxr-dashboard=wrong")[0] == 403
        status, headers = answer(url)
        assert (status, headers["Location"]) == (303, "/")
        assert "HttpOnly" in headers["Set-Cookie"]
        status, headers = answer(bare, Cookie=cookie)
        assert status == 200
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        # Another site's page in the same browser, which sends the cookie along.
        assert answer(f"{bare}ws", Cookie=cookie, Origin="http://elsewhere.example")[0] == 403
        assert answer(bare, Cookie=cookie, Host="elsewhere.example")[0] == 403


def test_other_addresses_need_a_token_of_ones_own(refuse: Refuse) -> None:
    assert "--token" in refuse(["dashboard", "--serve", "--host", "0.0.0.0"], 2)


def test_flags_of_serving_need_serve(refuse: Refuse) -> None:
    assert "--port requires --serve" in refuse(["dashboard", "--port", "8001"], 2)


def test_a_port_in_use_is_named(refuse: Refuse) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"--port {port}" in refuse(["dashboard", "--serve", "--port", port], 2)


def test_without_a_terminal_it_names_the_browser(refuse: Refuse) -> None:
    assert "--serve" in refuse(["dashboard"], 2)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium")
def test_a_browser_launches_a_job_and_sees_it_finish(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    workspace = tmp_path / "workspace"
    write_workspace(workspace)
    quiet = [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update",
    ]  # fmt: skip
    with serving(workspace, free_port()) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=quiet)
        try:
            page = browser.new_page(viewport={"width": 900, "height": 600})
            requested: list[str] = []
            page.on("request", lambda request: requested.append(request.url))
            page.goto(url)
            page.wait_for_selector("body.-first-byte")
            for key in ("2", "n", "Enter", "Tab", "6", "0", "Control+l"):
                before = page.screenshot()
                page.keyboard.press(key)
                until(partial(differs, page, before))
                # There is no telling from outside that a form is ready for the next key.
                page.wait_for_timeout(1000)
            until(lambda: [r.state for r in read_runs(workspace)] == ["succeeded"])
            page.keyboard.press("1")
            page.keyboard.press("q")
            page.wait_for_selector("body.-closed")
            assert page.title() == "cxr: workspace"
            assert "Jobs go on without it" in page.inner_text("#closed")
            assert {urlsplit(address).netloc for address in requested} <= {urlsplit(url).netloc, ""}
        finally:
            browser.close()
    (run,) = read_runs(workspace)
    assert (run.job, run.config["subjects"]) == ("synthesize", 60)


def differs(page: Page, before: bytes) -> bool:
    return page.screenshot() != before


def until(predicate: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not predicate():
        assert time.monotonic() < end
        time.sleep(0.2)
