"""Stopped in the middle of each job: nothing half-written, and the same command goes on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from chain import COMMANDS, words
from forked import Moment, Running, start

from data_contracts.catalog import contracts
from data_contracts.model import MODEL
from data_contracts.run import read_runs
from data_contracts.store import read_header, verify
from jobs._registry import find_jobs

#: When to strike, by step; one task stands for all.
MOMENTS: dict[str, list[Moment]] = {
    "synthesize": [("progress", 1), ("flush", 2)],
    "extract": [("flush", 1), ("flush", 3)],
    "preprocess": [("progress", 1), ("flush", 1), ("flush", 2)],
    "train-task mortality": [("progress", 1), ("flush", 3)],
    "explain mortality": [("progress", 1), ("flush", 1)],
    "aggregate": [("progress", 1), ("flush", 2)],
}
LAST_WORDS = "interrupted; run the same command to resume"


def test_every_job_is_struck() -> None:
    assert {step.split()[0] for step in MOMENTS} == set(find_jobs())
    assert set(MOMENTS) <= set(COMMANDS)


def command(step: str, workspace: Path, *more: str) -> list[str]:
    return [*words(step, workspace)[1:], "--workspace", str(workspace), "--force", *more]


def digests(workspace: Path, step: str) -> dict[str, str]:
    """Digest of every artifact that the step's job writes; each is verified."""
    spec = find_jobs()[step.split()[0]]
    return {
        path.relative_to(workspace).as_posix(): verify(path).digest
        for contract in spec.writes
        for path in contract.find(workspace)
    }


def everything_is_whole(workspace: Path) -> None:
    for contract in contracts().values():
        for path in contract.find(workspace):
            verify(path)


def runs_again_to(before: dict[str, str], step: str, workspace: Path, told: Path) -> None:
    """The step's command ends in the artifacts of `before`, on one core too; nothing is left."""
    again = start(command(step, workspace), told)
    os.sched_setaffinity(again.pid, list(os.sched_getaffinity(again.pid))[:1])
    assert again.end() == 0, told.read_text()
    assert digests(workspace, step) == before
    assert {p.name for p in workspace.rglob(".*")} == {".locks"}


@pytest.mark.parametrize("step", MOMENTS)
def test_a_killed_job_runs_again_to_the_same_result(copy: Path, tmp_path: Path, step: str) -> None:
    before = digests(copy, step)
    for moment in MOMENTS[step]:
        struck = start(command(step, copy), tmp_path / "told", [signal.SIGKILL], moment)
        assert struck.end() == -signal.SIGKILL, struck.told.read_text()
        assert read_runs(copy)[-1].state == "lost"
        everything_is_whole(copy)
    runs_again_to(before, step, copy, tmp_path / "told")


def was_interrupted(workspace: Path, step: str, struck: Running) -> None:
    """It ends in 75, says so in one line besides its progress, and in its record."""
    code, told = struck.end(), struck.told.read_text()
    assert code == 75, told
    *progress, last = told.splitlines()
    assert last == f"cxr {step.split()[0]}: {LAST_WORDS}"
    assert LAST_WORDS not in "".join(progress)
    assert "Traceback" not in told
    record = read_runs(workspace)[-1]
    assert (record.state, record.exit_code, record.message) == ("interrupted", 75, LAST_WORDS)
    everything_is_whole(workspace)


@pytest.mark.parametrize("step", MOMENTS)
def test_a_signal_ends_in_75_and_the_same_command_goes_on(
    copy: Path, tmp_path: Path, step: str
) -> None:
    before = digests(copy, step)
    moment = ("record", 2) if step == "extract" else ("progress", 1)
    number = signal.SIGINT if step in ("synthesize", "explain mortality") else signal.SIGTERM
    struck = start(command(step, copy), tmp_path / "told", [number], moment)
    was_interrupted(copy, step, struck)
    runs_again_to(before, step, copy, tmp_path / "told")


@pytest.mark.parametrize("step", ["synthesize", "preprocess"])
def test_a_signal_to_the_whole_group_is_left_to_the_parent(
    copy: Path, tmp_path: Path, step: str
) -> None:
    before = digests(copy, step)
    words = [w for w in command(step, copy, "--workers=2") if w not in ("--workers", "1")]
    for number in (signal.SIGTERM, signal.SIGINT):
        struck = start(words, tmp_path / "told", [number], ("progress", 1), group=True)
        was_interrupted(copy, step, struck)
    runs_again_to(before, step, copy, tmp_path / "told")


#: Options with which validation worsens after the first epoch.
WORSENING = ["--epochs=3", "--patience=0", "--learning-rate=0.01", "--seed=2"]


def test_a_training_that_gets_worse_keeps_its_best_epoch(copy: Path, tmp_path: Path) -> None:
    step, told = "train-task mortality", tmp_path / "told"
    words = [w for w in command(step, copy) if w not in ("--force", "--epochs", "1")] + WORSENING
    assert start(words, told).end() == 0, told.read_text()
    before, model = digests(copy, step), MODEL.path(copy, task="mortality", name="main")
    assert read_header(model).attributes["epoch"] == 2
    for path in model.parent.iterdir():
        path.unlink()
    # A checkpoint is flushed at the end of each epoch, and when asked to stop.
    for number, moment in ((signal.SIGKILL, ("flush", 2)), (signal.SIGTERM, ("flush", 2))):
        struck = start(words, told, [number], moment)
        assert struck.end() == (-signal.SIGKILL if number == signal.SIGKILL else 75)
    assert start(words, told).end() == 0, told.read_text()
    assert "resuming at epoch" in told.read_text()
    assert digests(copy, step) == before


def test_impatience_is_heard_once(copy: Path, tmp_path: Path) -> None:
    words = command("synthesize", copy)
    struck = start(words, tmp_path / "told", [signal.SIGINT] * 4, ("progress", 1))
    was_interrupted(copy, "synthesize", struck)
