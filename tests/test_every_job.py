"""What must be true of every job, also of one that is added tomorrow: a new file is tested here."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from data_contracts.run import read_runs
from jobs._cli import run
from jobs._config import JobConfig
from jobs._registry import Spec, find_jobs

JOBS = find_jobs()
each_job = pytest.mark.parametrize("spec", JOBS.values(), ids=JOBS)

#: A value for each flag that has no default.
REQUIRED = {"task": "gender", "root": "."}


def required_flags(spec: Spec) -> list[str]:
    names = [n for n, f in spec.config.model_fields.items() if f.is_required()]
    return [word for n in names for word in (f"--{n.replace('_', '-')}", REQUIRED[n])]


@each_job
def test_it_says_what_it_does(spec: Spec, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(spec.help) > 20
    assert run([spec.name, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for word in spec.help.split()[:3]:
        assert word in shown


@each_job
def test_every_field_is_explained_and_has_a_form(spec: Spec) -> None:
    assert issubclass(spec.config, JobConfig)
    for name, field in spec.config.model_fields.items():
        assert field.description, f"{spec.name}: {name} has no docstring"
        default = field.get_default(call_default_factory=True)
        assert (
            default is PydanticUndefined
            or default is None
            or isinstance(default, bool | int | float | str | Path | list | tuple)
        )


@each_job
def test_it_declares_its_edges(spec: Spec) -> None:
    assert spec.writes
    fields = set(spec.config.model_fields) | {"shard", "shards"}
    for contract in spec.writes:
        assert set(contract.template_keys) <= fields


def test_no_artifact_has_two_writers() -> None:
    places = [contract.path_template for spec in JOBS.values() for contract in spec.writes]
    assert len(places) == len(set(places))


def test_everything_read_is_written_by_some_job() -> None:
    written = {contract.name for spec in JOBS.values() for contract in spec.writes}
    for spec in JOBS.values():
        assert {contract.name for contract in spec.reads} <= written, spec.name


@each_job
def test_missing_inputs_are_one_line_that_names_the_job_to_run(
    spec: Spec, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if not spec.reads:
        return
    code = run([spec.name, "--workspace", str(tmp_path / "empty"), *required_flags(spec)])
    shown = capfd.readouterr().err.strip()
    assert code == 3
    assert shown.count("\n") == 0
    assert shown.startswith(f"cxr {spec.name}: {tmp_path}")
    assert "run `cxr " in shown
    (record,) = read_runs(tmp_path / "empty")
    assert (record.job, record.state, record.exit_code) == (spec.name, "failed", 3)


@each_job
def test_an_unknown_flag_names_the_nearest(
    spec: Spec, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([spec.name, *required_flags(spec), "--workspce", "x"]) == 2
    shown = capfd.readouterr().err.strip()
    assert "--workspace" in shown
    assert shown.count("\n") == 0
    assert list(tmp_path.iterdir()) == []


@each_job
def test_a_workspace_that_is_a_file_is_one_line(
    spec: Spec, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    code = run([spec.name, "--workspace", str(tmp_path / "file"), *required_flags(spec)])
    shown = capfd.readouterr().err.strip()
    assert code == 3
    assert shown.count("\n") == 0
    assert "--workspace" in shown


NEW_JOB = '''"""Count the images of the cohort, as a job that was added a minute ago."""
from pathlib import Path
from data_contracts.cohort import COHORT
from data_contracts.cohort_description import COHORT_FLOW
from jobs._config import JobConfig

READS = (COHORT,)
WRITES = (COHORT_FLOW,)


class Config(JobConfig):
    label: str = "all"
    """Which label to count."""


def run(config, job):
    import polars as pl
    example = pl.DataFrame(COHORT_FLOW.example())
    job.write(COHORT_FLOW, example, min_cell_count=0)
    job.log(f"{job.table(COHORT).frame.height} images, label {config.label}")
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "my_jobs"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [n for n in sys.modules if n.split(".")[0] == "my_jobs"]:
        del sys.modules[name]


def test_adding_a_file_adds_a_job(
    package: Path, tiny_workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (package / "count_images.py").write_text(NEW_JOB)
    module = importlib.import_module("my_jobs")
    assert list(find_jobs(module)) == ["count-images"]
    command = ["count-images", "--label", "x", "--workspace", str(tiny_workspace)]
    assert run(command, module) == 0
    assert "60 images, label x" in capfd.readouterr().err
    assert run(command, module) == 0
    assert "up to date" in capfd.readouterr().err
    assert run(["--help"], module) == 0
    assert "Count the images" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("import nothing_of_that_name", "nothing_of_that_name"),
        ('"""Half a job."""', "lacks Config"),
    ],
)
def test_a_broken_job_fails_loudly(package: Path, content: str, complaint: str) -> None:
    (package / "broken.py").write_text(content)
    with pytest.raises(ImportError, match=complaint):
        find_jobs(importlib.import_module("my_jobs"))


def test_the_environment_names_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(os.environ, "CXR_WORKSPACE", str(tmp_path / "elsewhere"))
    assert run(["aggregate"]) == 3
    assert str(tmp_path / "elsewhere") in capfd.readouterr().err
