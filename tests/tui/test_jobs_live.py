"""The page Jobs on real processes: launched, watched, cancelled and started again by keys."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dashboards import opened, write_run
from textual.pilot import Pilot

from data_contracts import run as runs
from data_contracts.run import RunRecord
from jobs import _engines
from jobs._engines import process
from jobs._engines._request import Options
from jobs._registry import find_jobs
from tui.app import Dashboard
from tui.jobs.log_text import LogText
from tui.jobs.page import JobsPage
from tui.jobs.run_rows import RunRows
from tui.launch.screen import LaunchScreen
from tui.shared.dialogs import Question
from tui.shared.messages import OpenLaunch
from tui.shared.table import Row

#: Enough to be caught at work.
MANY = 5000


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    """An empty workspace; what still runs there in the end is killed."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    yield folder
    for record in runs.read_runs(folder):
        if record.engine_id and (pid := process._pid(record)) not in (None, os.getpid()):
            os.kill(int(pid or 0), signal.SIGKILL)


def submit(workspace: Path, subjects: int) -> str:
    spec = find_jobs()["synthesize"]
    settings: dict[str, Any] = {"subjects": subjects, "size": 64, "workers": 1}
    config = spec.config(**settings, workspace=workspace)
    return _engines.submit(_engines.plan(spec, config, Options()))[0]


def table_of(pilot: Pilot[None]) -> RunRows:
    page = pilot.app.screen
    assert isinstance(page, JobsPage)
    return page.query_one(RunRows)


def top(pilot: Pilot[None]) -> tuple[str, ...]:
    """The cells of the newest run after the mark."""
    shown = table_of(pilot).shown
    return shown[0].cells[1:] if shown else ("", "", "", "", "", "")


async def until(pilot: Pilot[None], true: Callable[[], object]) -> None:
    """Wait until the page shows it; the time limit of the test ends a wait in vain."""
    while not true():
        await pilot.pause(0.05)


def record_of(workspace: Path, run_id: str) -> RunRecord:
    return runs.read_record(runs.run_folder(workspace, run_id))


async def test_a_run_is_seen_from_its_launch_to_its_end(workspace: Path) -> None:
    write_run(workspace, 100_000, "extract")
    async with opened(workspace, page="jobs") as pilot:
        settings = {"subjects": 300, "size": 64, "workers": 1}
        pilot.app.post_message(OpenLaunch("synthesize", settings))
        await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen))
        screen = pilot.app.screen
        while pilot.app.screen is screen:
            await pilot.press("ctrl+l")
            await pilot.pause(0.05)
        await until(pilot, lambda: "%" in top(pilot)[3])
        assert top(pilot)[:2] == ("▸ running", "synthesize")
        await until(pilot, lambda: top(pilot)[:2] == ("✓ succeeded", "synthesize"))
        log = pilot.app.screen.query_one(LogText)
        await until(pilot, lambda: any(" images to " in line for line in log.lines))
        record = runs.read_runs(workspace)[-1]
        assert record.config["subjects"] == 300


async def test_a_run_is_cancelled_by_keys(workspace: Path) -> None:
    run_id = submit(workspace, MANY)
    async with opened(workspace, page="jobs") as pilot:
        await until(pilot, lambda: "%" in top(pilot)[3])
        await pilot.press("c")
        assert isinstance(pilot.app.screen, Question)
        await pilot.press("y")
        await until(pilot, lambda: top(pilot)[0] == "■ cancelled")
        record = record_of(workspace, run_id)
        assert (record.state, record.exit_code) == ("cancelled", 75)
        assert process._pid(record) is None
        await until(
            pilot, lambda: any("is cancelled" in n.message for n in pilot.app._notifications)
        )
        assert not table_of(pilot).stopping


async def test_cancelling_holds_nothing_up(workspace: Path) -> None:
    """While a run that hears nothing is given time to end, the page goes on."""
    run_id = submit(workspace, MANY)
    async with opened(workspace, page="jobs") as pilot:
        await until(pilot, lambda: "%" in top(pilot)[3])
        os.kill(record_of(workspace, run_id).pid, signal.SIGSTOP)
        await pilot.press("c", "y")
        await until(pilot, lambda: top(pilot)[0] == "◌ stopping")
        await pilot.press("3", "2")
        assert top(pilot)[0] == "◌ stopping"
        os.kill(record_of(workspace, run_id).pid, signal.SIGCONT)
        await until(pilot, lambda: top(pilot)[0] == "■ cancelled")


async def test_a_run_is_started_again_by_keys(workspace: Path) -> None:
    run_id = submit(workspace, MANY)
    _engines.cancel(workspace, run_id)
    async with opened(workspace, page="jobs") as pilot:
        assert top(pilot)[0] == "■ cancelled"
        await pilot.press("r")
        await until(pilot, lambda: len(table_of(pilot).shown) == 2)
        new = table_of(pilot).shown[0].key
        await until(pilot, lambda: at(pilot).key == new)
        await until(pilot, lambda: "%" in top(pilot)[3])
        first, again = record_of(workspace, run_id), record_of(workspace, new)
        assert again.config == first.config
        assert again.engine == "process"


def at(pilot: Pilot[None]) -> Row:
    row = table_of(pilot).current
    assert row is not None
    return row


async def test_what_cannot_be_started_again_is_an_error(workspace: Path) -> None:
    run_id = submit(workspace, MANY)
    _engines.cancel(workspace, run_id)
    record = record_of(workspace, run_id)
    record.config["subjects"] = -1
    runs.write_record(workspace, record)
    async with opened(workspace, page="jobs") as pilot:
        await pilot.press("r")
        app = pilot.app
        assert isinstance(app, Dashboard)
        await until(pilot, lambda: app.errors)
        assert "no longer accepts these settings (subjects)" in app.errors[0]
        assert len(table_of(pilot).shown) == 1


async def test_a_run_that_ended_meanwhile_is_no_longer_cancelled(workspace: Path) -> None:
    run_id = submit(workspace, MANY)
    async with opened(workspace, page="jobs") as pilot:
        await until(pilot, lambda: top(pilot)[0] == "▸ running")
        await pilot.press("c")
        _engines.cancel(workspace, run_id)
        await pilot.press("y")
        app = pilot.app
        assert isinstance(app, Dashboard)
        await until(pilot, lambda: app.errors)
        assert "already ended (cancelled)" in app.errors[0]
