"""The plan of `cxr run`: what is to be done, by which settings, with which share of the machine."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from pipelines import planned, settings, words

from jobs._cli import run
from jobs._pipeline.config import PipelineConfig
from jobs._pipeline.folder import Folder, complaint
from jobs._pipeline.plan import steps_of
from jobs._pipeline.resources import Resources, resources_of
from jobs._pipeline.run_plan import _fault
from jobs._pipeline.settings import read_settings
from jobs._pipeline.watch import Outcome


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
    assert set(plan.values()) == {"does not exist yet"}
    assert not workspace.exists()


def test_seeds_and_controls_are_models_with_names(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    more = ("--seeds", "0,1,2", "--controls", "permuted-labels,random-init")
    plan = planned(capfd, *words(settings(tmp_path), tmp_path / "workspace", *more))
    names = ["main", "seed1", "seed2", "permuted-labels", "random-init"]
    trained = [job.split()[-1] for job in plan if job.startswith("train-task")]
    explained = [job.split()[-1] for job in plan if job.startswith("explain")]
    assert sorted(trained) == sorted(explained) == sorted(names)


def test_models_are_data_and_a_list_is_an_axis(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    models = {"main": {}, "deep": {"architecture": "resnet34", "seed": 5}}
    explain = {"method": ["gradcam", "layercam"]}
    file = settings(tmp_path, explain=explain)
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"models": models}))
    config, sections = read_settings(PipelineConfig(config=file, workspace=tmp_path / "ws"))
    steps = {step.name: step for step in steps_of(config, sections)}
    deep = steps["train-task mortality deep"].config
    assert (getattr(deep, "architecture", ""), getattr(deep, "seed", 0)) == ("resnet34", 5)
    assert getattr(steps["train-task mortality main"].config, "architecture", "") == "squeezenet1_1"
    maps = "models/mortality/deep/attributions-layercam-test.h5"
    assert steps["explain mortality deep layercam"].outputs == (maps,)
    # The summary takes the maps of one method, and every model.
    read = steps["aggregate"].inputs
    assert "models/mortality/deep/attributions-gradcam-test.h5" in read
    assert maps not in read
    assert {f"models/mortality/{name}/predictions.parquet" for name in models} <= {*read}


def test_a_model_may_be_of_one_task_and_flags_replace_the_models_of_the_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    models = {"main": {}, "null": {"control": "permuted-labels", "task": "mortality"}}
    file = settings(tmp_path)
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"models": models}))
    given = words(file, tmp_path / "workspace", "--tasks", "mortality,gender")
    plan = planned(capfd, *given)
    names = ["gender main", "mortality main", "mortality null"]
    for job in ("train-task", "explain"):
        assert sorted(n for n in plan if n.startswith(job)) == [f"{job} {n}" for n in names]
    plan = planned(capfd, *given, "--seeds", "0,1")
    assert "train-task gender seed1" in plan
    assert "train-task mortality null" not in plan


@pytest.mark.parametrize(
    ("changes", "more", "complaint"),
    [
        ({"models": {"main": {"epoch": 2}}}, (), "unknown key train-task.epoch; did you mean"),
        ({"models": {"null": {"task": "mortalty"}}}, (), "models.null is of the task mortalty"),
        ({"models": {"main": {}}, "seeds": [0, 1]}, (), "models names the models"),
        ({}, ("--controls", "permuted"), "train-task.control: Input should be"),
        ({"models": {"a/b": {}}}, (), "train-task.name"),
    ],
)
def test_bad_models_are_refused(
    changes: dict[str, Any], more: tuple[str, ...], complaint: str, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    file = settings(tmp_path)
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | changes))
    assert run(words(file, tmp_path / "workspace", *more)) == 2
    shown = capfd.readouterr().err.strip()
    assert complaint in shown
    assert shown.count("\n") == 0


def test_a_plan_takes_as_long_as_it_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    begun = time.monotonic()
    more = ("--shards", "5000", "preprocess")
    plan = planned(capfd, *words(settings(tmp_path), tmp_path / "workspace", *more))
    assert list(plan)[1:3] == ["extract", "preprocess 1/5000"]
    assert len(plan) == 5002
    # One second or two; it was fifteen and more when every step was held against every other.
    assert time.monotonic() - begun < 8


def test_a_target_takes_along_what_it_needs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    more = ("--tasks", "mortality,gender", "models/gender/main/model.h5")
    plan = planned(capfd, *words(settings(tmp_path), tmp_path / "workspace", *more))
    assert list(plan) == ["synthesize", "extract", "preprocess", "train-task gender main"]
    plan = planned(capfd, *words(settings(tmp_path), tmp_path / "workspace", "preprocess"))
    assert list(plan) == ["synthesize", "extract", "preprocess"]


@pytest.mark.parametrize(
    ("changes", "more", "complaint"),
    [
        ({"train_task": {"epoch": 2}}, (), "unknown key train-task.epoch; did you mean train-task"),
        ({"train_tusk": {"epochs": 2}}, (), "unknown key train-tusk; did you mean train-task?"),
        ({"train_task": {"epochs": "many"}}, (), "train-task.epochs: Input should be a valid int"),
        ({"train_task": {"task": "gender"}}, (), "train-task.task is set by --tasks"),
        ({"extract": {"inspect": True}}, (), "extract.inspect is not a setting; use --inspect"),
        (
            {"explain": {"workspace": "x"}},
            (),
            "explain.workspace is not a setting; use --workspace",
        ),
        ({"aggregate": "fast"}, (), "aggregate: want a section"),
        ({"train_task": {"weights": "${NOWHERE}"}}, (), "train-task.weights: $NOWHERE is not set"),
        ({}, ("--tasks", "a,a"), "--tasks a,a has duplicates"),
        ({}, ("--seeds", "0,1,01"), "the model seed1 is named twice"),
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
        share = resources_of(config, steps)
        assert share["train-task a main"] == Resources(threads, gpus=int(bool(gpus)))
        assert share["explain a main"].gpus == 0
        assert share["aggregate"] == Resources(6, gpus=0)


def test_what_nothing_makes_must_be_there(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["run", "aggregate", "--workspace", str(tmp_path / "workspace")]) == 3
    assert "cohort.parquet does not exist" in capfd.readouterr().err


@pytest.mark.parametrize("place", ["file", "file/workspace", "folder"])
def test_a_workspace_that_is_no_folder_has_no_plan(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], place: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "runs").touch()
    flags = words(settings(tmp_path), tmp_path / place)
    assert run([*flags, "--dry-run"]) == 3
    said = capfd.readouterr()
    assert said.out == ""
    assert f"cannot write {tmp_path / place}/runs (not a directory); choose" in said.err
    assert run(flags) == 3
    assert capfd.readouterr().err == said.err


@pytest.mark.parametrize(
    ("codes", "code", "hint"),
    [
        ((2, 2), 2, "correct the settings named above, then run the same command"),
        ((75, 2), 2, "correct the settings named above, then run the same command"),
        ((75, 3), 3, "failed: a, b; 1 more did not run; run the same command to resume"),
        ((75, 75), 75, "failed: a, b; 1 more did not run; run the same command to resume"),
    ],
)
def test_the_last_line_says_what_can_help(
    tmp_path: Path, codes: tuple[int, int], code: int, hint: str
) -> None:
    outcome = Outcome(dict(zip("ab", codes, strict=True)), not_run=["c"])
    fault = _fault(outcome, Folder(tmp_path, ()))
    assert fault is not None
    assert fault.exit_code == code
    assert hint in str(fault)


def test_the_engines_complaint_is_found_in_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert complaint(log) == ""
    log.write_text("Error in rule x:\n    message: SLURM sbatch failed\n\nWorkflowError:\nNo.\n")
    assert complaint(log) == "SLURM sbatch failed"
    log.write_text("Error in rule x:\n    message: None\nNo.\n\n")
    assert complaint(log) == "No."
