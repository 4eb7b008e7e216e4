"""How a pipeline follows the queue of a Slurm cluster, by a stand-in for its commands."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pipelines import settings, words

from data_contracts import run as runs
from data_contracts.errors import Unreachable
from data_contracts.run import RunRecord
from jobs._cli import run
from jobs._engines.slurm.job_names import pipeline_prefix
from jobs._pipeline import slurm_queue
from jobs._record import Recorder


class Cluster:
    """Answers `squeue` in the format that is asked for, and forgets what is cancelled."""

    def __init__(self) -> None:
        self.jobs: dict[str, tuple[str, str]] = {}
        """Name and state by id."""
        self.called: list[str] = []
        self.answers = True

    def call(self, words: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.called.append(" ".join(words))
        if not self.answers:
            return subprocess.CompletedProcess(words, 1, "", "squeue: error: Unable to contact")
        if words == ["scancel", *(w for w in words if w in self.jobs)]:
            self.jobs = {i: job for i, job in self.jobs.items() if i not in words}
        form = next((w for w in words if w.startswith("--format=")), "")
        what = {"--format=%i|%j": 0, "--format=%i|%T": 1, "": 0}[form]
        lines = "".join(f"{i}|{job[what]}\n" for i, job in self.jobs.items())
        return subprocess.CompletedProcess(words, 0, lines, "")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    cluster = Cluster()
    monkeypatch.setattr(slurm_queue, "call", cluster.call)
    return cluster


def test_what_a_killed_pipeline_left_is_ended_and_nothing_else(
    cluster: Cluster, tmp_path: Path
) -> None:
    ours, others = (pipeline_prefix(p, "an-earlier-run") for p in (tmp_path, tmp_path / "other"))
    cluster.jobs = {"2_1": (f"{ours}_a", "RUNNING"), "7": (f"{others}_a", "RUNNING"),
                    "8": ("mine", "PENDING"), "9": (f"{ours}_b", "PENDING")}  # fmt: skip
    slurm_queue.end_leftovers(Recorder(tmp_path, "run", {}))
    assert sorted(cluster.jobs) == ["7", "8"]
    assert cluster.called[1:3] == ["scancel --signal=TERM --full 2_1 9", "scancel 2_1 9"]


def test_a_cluster_that_does_not_answer_is_told_before_anything_is_laid_out(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.answers = False
    with pytest.raises(Unreachable, match="Slurm does not answer"):
        slurm_queue.end_leftovers(Recorder(tmp_path, "run", {}))


class Executor:
    """What the engine hears of its jobs."""

    run_uuid = "cxr-1_2"

    def __init__(self) -> None:
        self.heard: dict[str, str] = {}

    def report_job_success(self, job: Any) -> None:
        self.heard[job.external_jobid] = "success"

    def report_job_error(self, job: Any, msg: str, aux_logs: list[str]) -> None:
        assert aux_logs
        self.heard[job.external_jobid] = msg


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    plugin = pytest.importorskip("snakemake_executor_plugin_slurm")
    # Set back after the test, as everything that is patched.
    monkeypatch.setattr(plugin.Executor, "check_active_jobs", None)
    monkeypatch.chdir(tmp_path)
    slurm_queue.follow_queue(tmp_path)
    check = plugin.Executor.check_active_jobs

    def look(*ids: str) -> tuple[dict[str, str], list[str]]:
        executor = Executor()
        jobs = [
            SimpleNamespace(
                external_jobid=i, aux={"slurm_logfile": Path("log")},
                job=SimpleNamespace(params=SimpleNamespace(run_id=f"run-{i}")),
            ) for i in ids
        ]  # fmt: skip

        async def all_of() -> list[str]:
            return [job.external_jobid async for job in check(executor, jobs)]

        return executor.heard, asyncio.run(all_of())

    return look


def test_jobs_are_awaited_until_the_queue_says_how_they_have_ended(
    cluster: Cluster, look: Any
) -> None:
    states = {"1": "PENDING", "2_1": "RUNNING", "3": "COMPLETED", "4": "TIMEOUT"}
    cluster.jobs = {i: ("cxr-1_2", state) for i, state in states.items()}
    heard, awaited = look(*states)
    assert heard == {"3": "success", "4": "Slurm job 4 ended as TIMEOUT"}
    assert awaited == ["1", "2_1"]


def test_an_executor_still_in_the_making_is_left_alone(
    cluster: Cluster, look: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Executor, "run_uuid")
    assert look() == ({}, [])
    assert not cluster.called


def test_no_job_is_forgotten_while_the_cluster_is_away(
    cluster: Cluster, look: Any, tmp_path: Path
) -> None:
    cluster.answers = False
    assert look("1", "2") == ({}, ["1", "2"])
    assert "does not answer" in (tmp_path / slurm_queue.UNANSWERED).read_text()
    cluster.answers = True
    cluster.jobs = {"1": ("cxr-1_2", "RUNNING"), "2": ("cxr-1_2", "RUNNING")}
    assert look("1", "2") == ({}, ["1", "2"])
    assert not (tmp_path / slurm_queue.UNANSWERED).exists()


def test_what_the_queue_has_forgotten_is_judged_by_its_record(
    cluster: Cluster, look: Any, tmp_path: Path
) -> None:
    for run_id, state in {"run-1": "succeeded", "run-2": "failed", "run-3": "running"}.items():
        record = RunRecord(run_id, "extract", {}, state, runs.now())  # type: ignore[arg-type]
        runs.write_record(tmp_path, record)
    heard, awaited = look("1", "2", "3", "4")
    assert heard == {"1": "success", "2": "Slurm job 2 ended as FAILED",
                     "4": "Slurm job 4 ended as CANCELLED"}  # fmt: skip
    assert awaited == ["3"]


@pytest.mark.parametrize("letter", ["$", '"', "'", "%", "`", "\\"])
def test_a_path_that_the_plugin_would_spoil_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, letter: str
) -> None:
    pytest.importorskip("snakemake_executor_plugin_slurm")
    (tmp_path / "sbatch").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    workspace = tmp_path / f"a{letter}b"
    assert run(words(settings(tmp_path), workspace, "--engine", "slurm")) == 2
    assert f"does not support {letter!r} in a path" in capfd.readouterr().err
    assert not workspace.exists()
