"""The dashboard as it is used: in tmux, on the workspace of a finished chain."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_contracts.run import read_runs

CXR = Path(sys.executable).with_name("cxr")

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")


class Tmux:
    """A terminal of 80 × 24 in a tmux server of its own."""

    def __init__(self, folder: Path) -> None:
        self._args = ["tmux", "-S", str(folder / "socket"), "-f", "/dev/null"]

    def __call__(self, *args: str) -> str:
        done = subprocess.run([*self._args, *args], text=True, capture_output=True, check=False)
        return done.stdout

    def press(self, *keys: str) -> None:
        self("send-keys", *keys)

    def sees(self, *texts: str, seconds: float = 40) -> str:
        """The screen, as soon as it holds every text."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            screen = self("capture-pane", "-p")
            if all(text in screen for text in texts):
                return screen
            time.sleep(0.1)
        raise AssertionError(f"want {texts} on:\n{screen}")

    def loses(self, text: str, seconds: float = 40) -> None:
        """Wait until the screen no longer holds a text."""
        end = time.monotonic() + seconds
        while text in (screen := self("capture-pane", "-p")):
            assert time.monotonic() < end, f"{text} stays on:\n{screen}"
            time.sleep(0.1)


@pytest.fixture
def tmux(copy: Path, tmp_path: Path) -> Iterator[Tmux]:
    """The dashboard on a copy of a finished chain."""
    terminal, settings = Tmux(tmp_path), tmp_path / "settings.yaml"
    settings.touch()
    terminal(
        "new-session", "-d", "-x", "80", "-y", "24", "-e", f"CXR_DASHBOARD={settings}",
        f"exec {CXR} dashboard --workspace {copy}",
    )  # fmt: skip
    yield terminal
    terminal("kill-server")


def test_every_page_by_its_key(tmux: Tmux) -> None:
    tmux.sees("Evidence shared with mortality", "synthesize", "aggregate", "current")
    for key, texts in {
        "2": ("No runs in this workspace yet",),
        "3": ("mortality", "insurance"),
        "4": ("mortality", "▀"),
        "5": ("in the source", "images"),
        "6": ("cohort/cohort.parquet", "contract"),
    }.items():
        tmux.press(key)
        tmux.sees(*texts)
    tmux.press("?")
    tmux.sees("Artifact: help", "Esc closes")
    tmux.press("Escape")
    tmux.loses("Esc closes")
    tmux.press("3")
    tmux.sees("mortality")
    tmux.press("/")
    tmux.press("insur")
    tmux.loses("mortality")


def test_sigterm_gives_the_terminal_back(tmux: Tmux, copy: Path) -> None:
    tmux.sees("aggregate")
    command = f"{CXR} dashboard --workspace {copy} & echo PID $!; fg; echo CODE $?; read x"
    tmux("respawn-pane", "-k", f"bash -mc '{command}'")
    pid = re.search(r"PID (\d+)", tmux.sees("PID"))
    assert pid
    tmux.sees("aggregate")
    os.kill(int(pid[1]), signal.SIGTERM)
    screen = tmux.sees("CODE 75")
    assert "cxr dashboard: interrupted; run the same command to resume" in screen
    assert "Traceback" not in screen


def test_a_launched_job_outlives_the_terminal(tmux: Tmux, copy: Path) -> None:
    tmux.sees("aggregate")
    tmux.press("2")
    tmux.press("n")
    tmux.sees("choose a job", "synthesize")
    tmux.press("Enter")
    tmux.sees("subjects", "cxr submit synthesize")
    tmux.press("Tab")
    tmux.press("80")
    tmux.press("Tab")
    tmux.press("64")
    tmux.sees("--size=64", "--subjects=80", "Launch 1 run")
    tmux.press("C-l")
    tmux.sees("running", "synthesize")
    # The server's end hangs up the terminal: SIGHUP to the dashboard.
    tmux("kill-server")
    (run,) = read_runs(copy)
    assert run.state == "running"
    end = time.monotonic() + 60
    while read_runs(copy)[0].state == "running" and time.monotonic() < end:
        time.sleep(0.1)
    assert read_runs(copy)[0].state == "succeeded"
    assert (copy / "synthetic" / "source" / "mimic-cxr").is_dir()
