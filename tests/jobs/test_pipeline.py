"""`cxr run`: the plan, a whole run by the real engine, and what happens when things go wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from chain import CXR, environment

from data_contracts.catalog import contracts
from data_contracts.run import read_runs
from data_contracts.store import verify
from jobs._cli import run
from jobs._pipeline.command import PipelineConfig
from jobs._pipeline.plan import steps_of
from jobs._pipeline.resources import Share, shares
from jobs._pipeline.settings import read_settings

SOURCE = "{workspace}/synthetic/source"
SETTINGS: dict[str, Any] = {
    "tasks": ["mortality"],
    "cores": 2,
    "synthesize": {"subjects": 60, "size": 64},
    "extract": {"mimic-iv": f"{SOURCE}/mimic-iv", "mimic-cxr": f"{SOURCE}/mimic-cxr"},
    "preprocess": {"root": f"{SOURCE}/mimic-cxr", "size": 32},
    "train-task": {
        "architecture": "resnet18", "weights": "none", "output_stride": 16, "epochs": 1,
        "device": "cpu",
    },
    "explain": {"device": "cpu"},
    "aggregate": {"replicates": 100},
}  # fmt: skip
JOBS = ["synthesize", "extract", "preprocess", "train-task", "explain", "aggregate"]
MODEL = Path("models/mortality/main")


def settings(folder: Path, **changes: Any) -> Path:
    """A file of settings; `changes` by section, joined with it."""
    content = dict(SETTINGS)
    for key, value in changes.items():
        name = key.replace("_", "-")
        content[name] = SETTINGS.get(name, {}) | value if isinstance(value, dict) else value
    path = folder / f"settings-{len(list(folder.iterdir()))}.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def words(file: Path, workspace: Path, *more: str) -> list[str]:
    return ["run", "--config", str(file), "--workspace", str(workspace), *more]


def call(file: Path, workspace: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [CXR, *words(file, workspace, *more)], env=environment(workspace), text=True,
        capture_output=True, timeout=240, check=False,
    )  # fmt: skip


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


@pytest.fixture
def copy(whole: tuple[Path, object], tmp_path: Path) -> Path:
    ignore = shutil.ignore_patterns("runs", ".locks", ".pipeline")
    return shutil.copytree(whole[0], tmp_path / "copy", ignore=ignore)


def planned(capfd: pytest.CaptureFixture[str], *arguments: str) -> dict[str, str]:
    """The table of a dry run: the reason by job."""
    assert run([*arguments, "--dry-run"]) == 0
    lines = capfd.readouterr().out.splitlines()[1:-1]
    cells = [[c.strip() for c in line.split("  ") if c.strip()] for line in lines]
    return {job: reason for job, _, reason in cells}


def test_a_dry_run_tells_every_job_and_writes_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace = tmp_path / "workspace"
    more = ("--tasks", "mortality,gender", "--seeds", "0,1", "--shards", "2")
    plan = planned(capfd, *words(settings(tmp_path), workspace, *more))
    models = ["gender main", "gender seed1", "mortality main", "mortality seed1"]
    assert sorted(plan) == sorted([
        "synthesize", "extract", "preprocess 1/2", "preprocess 2/2", "aggregate",
        *(f"{job} {model}" for job in ("train-task", "explain") for model in models),
    ])  # fmt: skip
    assert set(plan.values()) == {"not made yet"}
    assert not workspace.exists()


def test_a_target_takes_along_what_it_needs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    more = ("--tasks", "mortality,gender", "models/gender/main/model.h5")
    plan = planned(capfd, *words(settings(tmp_path), tmp_path / "workspace", *more))
    assert list(plan) == ["synthesize", "extract", "preprocess", "train-task gender main"]
    plan = planned(capfd, *words(settings(tmp_path), tmp_path / "workspace", "preprocess"))
    assert list(plan) == ["synthesize", "extract", "preprocess"]


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


def test_a_second_run_does_nothing(copy: Path, tmp_path: Path) -> None:
    os.utime(copy / "cohort" / "cohort.parquet")
    result = call(settings(tmp_path), copy)
    assert result.returncode == 0, result.stderr
    assert "everything is up to date" in result.stderr
    assert jobs_run(copy) == []


def test_a_changed_setting_redoes_what_depends_on_it(
    copy: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
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
    assert call(file, copy).returncode == 0
    assert jobs_run(copy) == ["aggregate"]
    kept = {p: d for p, d in before.items() if not p.startswith("summary/")}
    assert kept.items() <= digests(copy).items()


def test_what_turns_out_the_same_is_not_done_again(copy: Path, tmp_path: Path) -> None:
    (copy / "cohort" / "flow.parquet").unlink()
    result = call(settings(tmp_path), copy)
    assert result.returncode == 0, result.stderr
    assert "done extract" in result.stderr
    assert "up to date train-task mortality main" in result.stderr


def test_a_failed_branch_stops_only_what_needs_it(copy: Path, tmp_path: Path) -> None:
    (copy / MODEL / "attributions.h5").unlink()
    result = call(settings(tmp_path), copy, "--tasks", "nonsense,mortality")
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
def running(copy: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A pipeline in whose course a training has just begun."""
    shutil.rmtree(copy / MODEL)
    process = subprocess.Popen(
        [CXR, *words(settings(tmp_path), copy)], env=environment(copy), text=True,
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


def goes(pid: int, seconds: float = 30) -> bool:
    """Whether a process ends within the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_killed_it_takes_its_jobs_along_and_goes_on(
    whole: tuple[Path, object], running: subprocess.Popen[str], copy: Path, tmp_path: Path
) -> None:
    running.kill()
    assert goes(training(copy))
    result = call(settings(tmp_path), copy)
    assert result.returncode == 0, result.stderr
    assert digests(copy) == digests(whole[0])


def test_a_killed_job_is_named(
    running: subprocess.Popen[str], copy: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    os.kill(training(copy), signal.SIGKILL)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "lost train-task mortality main: it was killed" in said
    assert "failed: train-task mortality main; 2 more did not run" in said
    assert "train-task mortality main" in planned(capfd, *words(settings(tmp_path), copy))


def test_two_at_once_and_an_interruption(
    running: subprocess.Popen[str], copy: Path, tmp_path: Path
) -> None:
    second = call(settings(tmp_path), copy)
    assert second.returncode == 75
    assert "is being written by `cxr run` " in second.stderr
    pid = training(copy)
    running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 75
    assert said.splitlines()[-1].endswith("interrupted; run the same command to go on")
    assert goes(pid, 0.1)


@pytest.mark.parametrize(
    ("changes", "more", "complaint"),
    [
        ({"train_task": {"epoch": 2}}, (), "unknown key train-task.epoch; did you mean train-task"),
        ({"train_tusk": {"epochs": 2}}, (), "unknown key train-tusk; did you mean train-task?"),
        ({"train_task": {"epochs": "many"}}, (), "train-task.epochs: Input should be a valid int"),
        ({"train_task": {"task": "gender"}}, (), "train-task.task is set by --tasks"),
        ({"explain": {"workspace": "x"}}, (), "explain.workspace is no setting; use --workspace"),
        ({"aggregate": "fast"}, (), "aggregate: want a section"),
        ({"train_task": {"weights": "${NOWHERE}"}}, (), "train-task.weights: $NOWHERE is not set"),
        ({}, ("--tasks", "a,a"), "--tasks a,a names one twice"),
        ({}, ("agregate",), "unknown target agregate; did you mean aggregate?"),
        ({}, ("--enigne", "slurm"), "--engine"),
        ({}, ("--seeds", "x"), "seeds"),
    ],
)
def test_bad_settings_are_refused_before_anything_starts(
    changes: dict[str, Any], more: tuple[str, ...], complaint: str, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    workspace = tmp_path / "workspace"
    assert run(words(settings(tmp_path, **changes), workspace, *more)) == 2
    shown = capfd.readouterr().err.strip()
    assert complaint in shown
    assert shown.count("\n") == 0
    assert not workspace.exists()


def test_a_cluster_that_is_not_installed_says_how_to_get_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs._pipeline.resources.find_spec", lambda _: None)
    assert run(words(settings(tmp_path), tmp_path / "workspace", "--engine", "slurm")) == 2
    assert "pip install 'cxr[cluster]'" in capfd.readouterr().err


def test_jobs_side_by_side_get_a_gpu_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    program = [sys.executable, "-m", "jobs._pipeline.gpu", str(tmp_path), "sh", "-c"]
    script = "echo $CUDA_VISIBLE_DEVICES; read line"

    def start() -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen([*program, script], stdin=pipe, stdout=pipe, text=True)

    def told(process: subprocess.Popen[str]) -> str:
        assert process.stdout
        return process.stdout.readline().strip()

    with start() as first:
        assert told(first) == "3"
        with start() as second:
            assert told(second) == "5"
            second.communicate("end")
        first.communicate("end")
    with start() as third:
        assert told(third) == "3"
        third.communicate("end")


def test_trainings_share_the_cores_or_the_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = PipelineConfig(
        config=settings(tmp_path, train_task={"device": "auto"}),
        workspace=tmp_path / "workspace", tasks="a,b", cores=6,
    )  # fmt: skip
    config, sections = read_settings(flags)
    steps = steps_of(config, sections)
    for gpus, threads in (("", 3), ("0", 6), ("0,1", 3), ("0,1,2,3", 3)):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
        share = shares(config, steps)
        assert share["train-task a main"] == Share(threads, gpus=int(bool(gpus)))
        assert share["explain a main"].gpus == 0
        assert share["aggregate"] == Share(6, gpus=0)


def test_what_nothing_makes_must_be_there(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["run", "aggregate", "--workspace", str(tmp_path / "workspace")]) == 3
    assert "cohort.parquet does not exist" in capfd.readouterr().err


def test_shards_of_another_number_are_refused(
    copy: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(words(settings(tmp_path), copy, "--shards", "2")) == 3
    assert "images-1-of-1.h5 is none of this pipeline's shards" in capfd.readouterr().err


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
