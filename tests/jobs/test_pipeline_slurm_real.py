"""`cxr run --engine slurm` on a real cluster: of this node alone, if no other answers."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from chain import environment
from chain import words as step_words
from forked import start
from pipelines import SETTINGS, words
from served import served
from slurm_cluster import begin_again, slurm_cluster

from data_contracts.catalog import contracts
from data_contracts.run import read_events, read_runs, run_folder
from data_contracts.store import verify
from jobs import _engines
from jobs._cli import run

PROFILE = {
    "jobs": 10, "seconds-between-status-checks": 1, "slurm-array-jobs": "preprocess",
    "default-resources": {"mem_mb": 0, "runtime": 60},
}  # fmt: skip
#: A network that takes long enough to be stopped in its course.
TRAINING = SETTINGS["train-task"] | {"architecture": "resnet18", "epochs": 5, "patience": 0}


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with slurm_cluster(tmp_path_factory.mktemp("slurm")):
        yield


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A drawn collection and its cohort, in a folder whose name needs care."""
    workspace = tmp_path / "Räume für alle"
    for step in ("synthesize", "extract"):
        assert run([*step_words(step, workspace)[1:], "--workspace", str(workspace)]) == 0
    return workspace


@pytest.fixture
def cxr(tmp_path: Path) -> Iterator[Path]:
    with served(tmp_path) as command:
        yield command


@pytest.fixture
def pipeline(tmp_path: Path, workspace: Path, cxr: Path) -> Callable[[], subprocess.Popen[str]]:
    sections = {k: SETTINGS[k] for k in ("extract", "preprocess")} | {"train-task": TRAINING}
    file, profile = tmp_path / "settings.yaml", tmp_path / "profile"
    file.write_text(yaml.safe_dump({"tasks": "mortality", "shards": 2, "cores": 1, **sections}))
    profile.mkdir()
    (profile / "config.yaml").write_text(yaml.safe_dump(PROFILE))
    flags = words(file, workspace, "--engine", "slurm", "--profile", str(profile), "train-task")

    def begin() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [cxr, *flags], env=environment(workspace), text=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    return begin


def queue(form: str) -> str:
    words = ["squeue", "--array", "--noheader", f"--format={form}"]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout


def until(seen: Callable[[], str | None], process: subprocess.Popen[str]) -> str:
    """What `seen` returns once it does, while the process goes."""
    while not (found := seen()):
        if process.poll() is not None:
            raise AssertionError(process.communicate()[1])
        time.sleep(0.1)
    return found


def found(pattern: str, form: str) -> Callable[[], str | None]:
    """Looks for a job in the queue: the first group of the pattern."""

    def look() -> str | None:
        match = re.search(pattern, queue(form))
        return match and match[1]

    return look


def digests(workspace: Path) -> dict[str, str]:
    paths = [p for c in contracts().values() for p in c.find(workspace)]
    return {p.relative_to(workspace).as_posix(): verify(p).digest for p in paths}


def reference(workspace: Path, tmp_path: Path) -> dict[str, str]:
    """What the same jobs make of the same collection when nothing comes between."""
    other = tmp_path / "reference"
    shutil.copytree(workspace / "synthetic", other / "synthetic")
    source = other / "synthetic" / "source"
    given = {"mimic-iv": source / "mimic-iv", "mimic-cxr": source / "mimic-cxr"}
    shards = [
        {"root": source / "mimic-cxr", "size": 48, "shard": f"{i}/2", "workers": 1} for i in (1, 2)
    ]
    steps: list[tuple[str, dict[str, Any]]] = [
        ("extract", given),
        *(("preprocess", shard) for shard in shards),
        ("train-task", {"task": "mortality", **TRAINING}),
    ]
    for job, flags in steps:
        line = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
        running = start([job, *line, "--workspace", str(other)], tmp_path / "told")
        assert running.end() == 0, running.told.read_text()
    return digests(other)


# Eighty seconds on a quiet machine, twice that on a busy one.
@pytest.mark.timeout(900)
def test_a_shard_cancelled_a_training_requeued_and_the_same_result(
    workspace: Path, tmp_path: Path, pipeline: Callable[[], subprocess.Popen[str]]
) -> None:
    first = pipeline()
    shard = until(found(r"(\d+_2)\|RUNNING", "%i|%T"), first)
    subprocess.run(["scancel", shard], check=True, timeout=30)
    said = first.communicate(timeout=400)[1]
    assert first.returncode == 1, said
    # The engine numbers the elements of its array as it likes.
    (done,) = re.findall(r"done (preprocess \d/2)", said)
    assert f"2 of 3 jobs did not run: Slurm job {shard} ended as CANCELLED" in said
    assert "started train-task" not in said

    second = pipeline()
    job = until(found(r"(\d+)\|rule_train_task", "%i|%k"), second)
    run_id = until(lambda: next((r.run_id for r in read_runs(workspace) if r.job == "train-task"),
                                None), second)  # fmt: skip
    events = run_folder(workspace, run_id)

    def batches(state: int) -> list[int]:
        """Progress of the training after it has begun for the n-th time."""
        begun, done = 0, []
        for event in read_events(events):
            begun += event["event"] == "state" and event["state"] == "running"
            if begun == state and event["event"] == "progress" and "train" in event["what"]:
                done.append(event["done"])
        return done

    until(lambda: "yes" if max(batches(1), default=0) >= 2 else None, second)
    # The queue knows the job by the name that follows from its run id.
    assert _engines.state(workspace, run_id).state == "running"
    subprocess.run(["scontrol", "requeue", job], check=True, timeout=30)
    begin_again(job)
    said = second.communicate(timeout=400)[1]
    assert second.returncode == 0, said
    assert f"started {done}" not in said
    assert "started again train-task mortality main" in said
    assert "done train-task mortality main" in said
    shown = subprocess.run(["scontrol", "show", "job", job], capture_output=True, text=True,
                           check=True, timeout=30).stdout  # fmt: skip
    assert "Restarts=1" in shown
    states = [e["state"] for e in read_events(events) if e["event"] == "state"]
    assert states == ["running", "interrupted", "running", "succeeded"]
    assert batches(2)[0] >= 2
    # By these any process can cancel what the pipeline has put into the queue.
    engines = {r.job: (r.engine, r.engine_id) for r in read_runs(workspace)}
    assert engines["train-task"] == ("slurm", job)
    assert engines["run"][0] == "process"
    assert digests(workspace) == reference(workspace, tmp_path)
