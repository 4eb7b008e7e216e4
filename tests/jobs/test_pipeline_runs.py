"""Whole runs of `cxr run` by the real engine, and what happens when things go wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chain import environment
from pipelines import JOBS, MODEL, call, planned, settings, words
from served import served

from data_contracts.catalog import contracts
from data_contracts.run import RunRecord, now, read_events, read_runs, run_folder
from data_contracts.store import verify
from jobs._cli import run
from jobs._pipeline import watch


def jobs_run(workspace: Path) -> list[str]:
    return [r.job for r in read_runs(workspace) if r.job != "run"]


def digests(workspace: Path) -> dict[str, str]:
    found = [p for c in contracts().values() for p in c.find(workspace)]
    return {p.relative_to(workspace).as_posix(): verify(p).digest for p in found}


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A pipeline that has run, in a folder whose name needs care."""
    folder = tmp_path_factory.mktemp("pipeline")
    return folder / "wörk space", call(settings(folder), folder / "wörk space")


@pytest.fixture(scope="module")
def cxr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A quick `cxr` for the pipelines that follow."""
    with served(tmp_path_factory.mktemp("served")) as command:
        yield command


@pytest.fixture
def copy(whole: tuple[Path, object], tmp_path: Path) -> Path:
    ignore = shutil.ignore_patterns("runs", ".locks", ".pipeline")
    return shutil.copytree(whole[0], tmp_path / "copy", ignore=ignore)


def test_the_whole_pipeline(whole: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    workspace, result = whole
    assert result.returncode == 0, result.stderr
    assert jobs_run(workspace) == JOBS
    assert {r.state for r in read_runs(workspace)} == {"succeeded"}
    assert "AUROC" in result.stdout
    assert f"report: {workspace / 'report' / 'report.html'}" in result.stdout
    for job in JOBS:
        assert f"started {job}" in result.stderr
        assert f"done {job}" in result.stderr
    assert all(line.startswith("cxr run: ") for line in result.stderr.splitlines())
    (pipeline,) = (r.run_id for r in read_runs(workspace) if r.job == "run")
    events = read_events(run_folder(workspace, pipeline))
    progress = [(e["done"], e["total"]) for e in events if e["event"] == "progress"]
    assert (progress[0], progress[-1]) == ((0, len(JOBS)), (len(JOBS), len(JOBS)))


def test_a_second_run_does_nothing(copy: Path, tmp_path: Path, cxr: Path) -> None:
    os.utime(copy / "cohort" / "cohort.parquet")
    result = call(settings(tmp_path), copy, cxr=cxr)
    assert result.returncode == 0, result.stderr
    assert "everything is up to date" in result.stderr
    assert jobs_run(copy) == []


def test_a_changed_setting_redoes_what_depends_on_it(
    copy: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], cxr: Path
) -> None:
    file = settings(tmp_path, train_task={"epochs": 2})
    assert planned(capfd, *words(file, copy)) == {
        "train-task mortality main": "changed: epochs",
        "explain mortality main": "follows train-task mortality main",
        "aggregate": "follows explain mortality main and 1 more",
    }
    file = settings(tmp_path, aggregate={"replicates": 120})
    assert planned(capfd, *words(file, copy)) == {"aggregate": "changed: replicates"}
    before = digests(copy)
    assert call(file, copy, cxr=cxr).returncode == 0
    assert jobs_run(copy) == ["aggregate"]
    kept = {p: d for p, d in before.items() if not p.startswith("summary/")}
    assert kept.items() <= digests(copy).items()


def test_what_turns_out_the_same_is_not_done_again(copy: Path, tmp_path: Path, cxr: Path) -> None:
    (copy / "cohort" / "flow.parquet").unlink()
    result = call(settings(tmp_path), copy, cxr=cxr)
    assert result.returncode == 0, result.stderr
    assert "done extract" in result.stderr
    assert "up to date train-task mortality main" in result.stderr


def test_a_failed_branch_stops_only_what_needs_it(copy: Path, tmp_path: Path, cxr: Path) -> None:
    (copy / MODEL / "attributions-gradcam-test.h5").unlink()
    result = call(settings(tmp_path), copy, "--tasks", "nonsense,mortality", cxr=cxr)
    (failed,) = [r for r in read_runs(copy) if r.state == "failed" and r.job != "run"]
    assert result.returncode == failed.exit_code
    assert failed.job == "train-task"
    assert f"failed train-task nonsense main (exit {failed.exit_code}): {failed.message}" in (
        result.stderr
    )
    assert "done explain mortality main" in result.stderr
    last = result.stderr.splitlines()[-1]
    assert "failed: train-task nonsense main; 2 more did not run" in last


@pytest.fixture
def running(copy: Path, tmp_path: Path, cxr: Path) -> Iterator[subprocess.Popen[str]]:
    """A pipeline in whose course a training has just begun."""
    shutil.rmtree(copy / MODEL)
    process = subprocess.Popen(
        [cxr, *words(settings(tmp_path), copy)], env=environment(copy), text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr
    while "started train-task" not in process.stderr.readline():
        assert process.poll() is None
    yield process
    process.kill()
    process.communicate()


def training(workspace: Path) -> int:
    (pid,) = [r.pid for r in read_runs(workspace) if r.job == "train-task"]
    return pid


def ends(pid: int, seconds: float = 30) -> bool:
    """Whether a process ends within the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_killed_it_takes_its_jobs_along_and_goes_on(
    whole: tuple[Path, object], running: subprocess.Popen[str], copy: Path, tmp_path: Path,
    cxr: Path,
) -> None:  # fmt: skip
    running.kill()
    assert ends(training(copy))
    assert [r.state for r in read_runs(copy) if r.job == "train-task"] == ["interrupted"]
    result = call(settings(tmp_path), copy, cxr=cxr)
    assert result.returncode == 0, result.stderr
    assert digests(copy) == digests(whole[0])


def test_a_killed_job_is_named(
    running: subprocess.Popen[str], copy: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    os.kill(training(copy), signal.SIGKILL)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "lost train-task mortality main: killed (possibly out of memory)" in said
    assert "failed: train-task mortality main; 2 more did not run" in said
    assert "train-task mortality main" in planned(capfd, *words(settings(tmp_path), copy))


def test_a_cancelled_job_is_no_fault_of_the_program(
    running: subprocess.Popen[str], copy: Path
) -> None:
    (run_id,) = [r.run_id for r in read_runs(copy) if r.job == "train-task"]
    assert run(["cancel", run_id, "--workspace", str(copy)]) == 0
    _, said = running.communicate(timeout=60)
    assert running.returncode == 75
    assert "run the same command to resume" in said.splitlines()[-1]


def test_a_job_that_was_cancelled_by_force_is_not_called_killed() -> None:
    record = RunRecord("a", "train-task", {}, "cancelled", now(), ended=now())
    assert watch._ending("train-task mortality main", record) == (
        "cancelled train-task mortality main"
    )


def test_two_at_once_and_an_interruption(
    running: subprocess.Popen[str], copy: Path, tmp_path: Path, cxr: Path
) -> None:
    second = call(settings(tmp_path), copy, cxr=cxr)
    assert second.returncode == 75
    assert "is being written by `cxr run` " in second.stderr
    pid = training(copy)
    running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 75
    assert said.splitlines()[-1].endswith("interrupted; run the same command to resume")
    assert ends(pid, 0.1)
    assert [r.state for r in read_runs(copy) if r.job == "train-task"] == ["interrupted"]


def test_shards_of_another_number_are_refused(
    copy: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(words(settings(tmp_path), copy, "--shards", "2")) == 3
    assert "images-1-of-1.h5 is not one of this pipeline's shards" in capfd.readouterr().err


def test_the_plan_for_the_engine_holds_no_patient(whole: tuple[Path, object]) -> None:
    import polars as pl

    plan = json.loads((whole[0] / ".pipeline" / "plan.json").read_text(encoding="utf-8"))
    assert len(plan["steps"]) == len(JOBS)
    cohort = pl.read_parquet(whole[0] / "cohort" / "cohort.parquet")
    names = {*cohort["subject_id"], *cohort["study_id"], *cohort["image_id"]}
    for path in (whole[0] / ".pipeline").rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not any(name in text for name in names), path
