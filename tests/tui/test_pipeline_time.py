"""The remaining time of a pipeline: from how long its jobs take, never from their number."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from dashboards import NOW, opened, screen_text

from data_contracts.run import RunRecord, State, append_event, run_folder, write_record
from tui import clock
from tui.workspace.progress import seconds_left

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


def write_plan(
    workspace: Path, steps: Sequence[tuple[str, str, int, Iterable[int]]], done: Iterable[int] = ()
) -> None:
    """The plan of `PIPELINE`: job, control, threads, and numbers of the steps before it."""
    planned, targets = {}, []
    for i, (job, control, threads, needs) in enumerate(steps):
        planned[f"{i}.h5"] = {
            "run_id": step(i, job), "threads": threads,
            "command": f"cxr {job} --control={control} --seed=0 > {i}.out",
            # What others need is the second of two files.
            "inputs": [f"receipts/{n}.parquet" for n in needs],
        }  # fmt: skip
        targets += [f"receipts/{i}.h5", f"receipts/{i}.parquet"]
    receipts = workspace / ".pipeline" / "receipts"
    receipts.mkdir(parents=True)
    for number in done:
        (receipts / f"{number}.h5").touch()
    (receipts.parent / "plan.json").write_text(json.dumps({"targets": targets, "steps": planned}))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten minutes into a pipeline: extract and one of two trainings are done."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    jobs = ("extract", "train-task", "train-task", "aggregate")
    write_plan(tmp_path, [(job, "none", 2, range(i)) for i, job in enumerate(jobs)], done=(0, 1))
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


#: A pipeline of two threads as it ran, 88 s long: job, control, threads, steps before it, and the
#: seconds of its start and its length.
RECORDED = (
    ("synthesize", "none", 2, (), 2, 4), ("extract", "none", 2, (0,), 6, 0),
    ("preprocess", "none", 2, (1,), 6, 2), ("train-task", "none", 1, (2,), 9, 19),
    ("train-task", "permuted-labels", 1, (2,), 52, 16), ("train-task", "none", 1, (2,), 9, 20),
    ("train-task", "none", 1, (2,), 28, 17), ("train-task", "none", 1, (2,), 29, 18),
    ("explain", "none", 1, (3,), 46, 5), ("explain", "none", 1, (4,), 68, 4),
    ("explain", "none", 1, (5,), 50, 5), ("explain", "none", 1, (6,), 55, 5),
    ("explain", "none", 1, (7,), 47, 4), ("aggregate", "none", 2, range(8, 13), 73, 14),
)  # fmt: skip
LENGTH = 88


def record(number: int, run_id: str, now: int) -> RunRecord:
    """A step of the recorded pipeline as it is `now`, in seconds after the pipeline's start."""
    job, control, *_, begun, took = RECORDED[number]
    start, is_over = NOW + timedelta(seconds=begun), begun + took <= now
    return RunRecord(
        run_id=run_id, job=job, config={"control": control} if job == "train-task" else {},
        state="succeeded" if is_over else "running", started=start.isoformat(),
        ended=(start + timedelta(seconds=took)).isoformat() if is_over else None,
    )  # fmt: skip


@pytest.mark.parametrize("now", range(10, 85, 5))
def test_a_recorded_pipeline_is_told_its_time_within_a_fifth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: int
) -> None:
    """Serial steps at its start and end, trainings side by side; it has run once before."""
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(seconds=now))
    write_plan(tmp_path, [entry[:4] for entry in RECORDED])
    numbers = range(len(RECORDED))
    earlier = [record(i, f"earlier-{i:04d}-{RECORDED[i][0]}", LENGTH) for i in numbers]
    own = [record(i, step(i, RECORDED[i][0]), now) for i in numbers if RECORDED[i][4] <= now]
    pipeline = RunRecord(PIPELINE, "run", {}, "running", NOW.isoformat())
    seconds = seconds_left(tmp_path, pipeline, [pipeline, *own, *earlier], {})
    assert seconds == pytest.approx(LENGTH - now, rel=0.2, abs=5)


def test_a_network_that_is_not_trained_is_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    write_plan(tmp_path, [("train-task", "random-init", 1, ())])
    pipeline = RunRecord(PIPELINE, "run", {}, "running", NOW.isoformat())
    records = [record(3, "earlier-0000-train-task", LENGTH)]
    assert seconds_left(tmp_path, pipeline, records, {}) is None
