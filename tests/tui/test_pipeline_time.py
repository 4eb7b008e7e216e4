"""The remaining time of a pipeline: from how long its jobs take, never from their number."""

from __future__ import annotations

import json
import os
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from dashboards import NOW, opened, screen_text

from data_contracts.run import RunRecord, State, append_event, run_folder, write_record
from tui import clock

HERE = socket.gethostname()
PIPELINE = "20261123T115000-run-00000a"


def write(workspace: Path, run_id: str, job: str, state: State, begun: int, took: int = 0) -> None:
    """A run that began `begun` seconds before the present and took `took`."""
    start = NOW - timedelta(seconds=begun)
    ended = None if state == "running" else (start + timedelta(seconds=took)).isoformat()
    record = RunRecord(
        run_id=run_id, job=job, config={}, state=state, started=start.isoformat(), ended=ended,
        host=HERE, pid=os.getpid(), package_version="0.1.0",
    )  # fmt: skip
    write_record(workspace, record)


def step(number: int, job: str) -> str:
    return f"{PIPELINE}-{number:04d}-{job}"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten minutes into a pipeline: extract and one of two trainings are done."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    jobs = ("extract", "train-task", "train-task", "aggregate")
    plan = {"steps": {f"{i}.h5": {"run_id": step(i, job)} for i, job in enumerate(jobs)}}
    receipts = tmp_path / ".pipeline" / "receipts"
    receipts.mkdir(parents=True)
    for done in (0, 1):
        (receipts / f"{done}.h5").touch()
    (receipts.parent / "plan.json").write_text(json.dumps(plan))
    write(tmp_path, PIPELINE, "run", "running", 600)
    for done in (1, 2):
        append_event(run_folder(tmp_path, PIPELINE), "progress", what="run", done=done, total=4,
                     unit="jobs")  # fmt: skip
    write(tmp_path, step(0, "extract"), "extract", "succeeded", 600, 20)
    write(tmp_path, step(1, "train-task"), "train-task", "succeeded", 580, 400)
    write(tmp_path, step(2, "train-task"), "train-task", "running", 180)
    return tmp_path


async def pipeline_line(workspace: Path) -> str:
    async with opened(workspace, (140, 30), page="jobs") as pilot:
        await pilot.pause()
        return next(line for line in screen_text(pilot).splitlines() if " run  " in line)


async def test_no_time_is_named_while_a_job_is_to_come_that_never_ran(workspace: Path) -> None:
    line = await pipeline_line(workspace)
    assert "████░░░░ 2/4" in line
    assert "left" not in line


async def test_the_time_is_that_of_jobs_of_the_same_kind(workspace: Path) -> None:
    write(workspace, "20261122T100000-aggregate-00000b", "aggregate", "succeeded", 90_000, 300)
    # 220 s of the training and 300 s of aggregate, one after the other.
    assert "2/4  8:40 left" in await pipeline_line(workspace)
