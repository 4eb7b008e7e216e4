"""Bad flags and configuration files: exit code 2, one line that names the field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from annotated_types import Ge, Gt, Le
from refusals import Refuse

from jobs._registry import Spec, find_jobs

REQUIRED = {
    "train-task": ["--task", "gender"],
    "explain": ["--task", "gender"],
    "preprocess": ["--root", "images"],
}
TRAIN = ["train-task", *REQUIRED["train-task"]]


def bounds(spec: Spec, field: str) -> tuple[Any, Any]:
    """The least and the greatest value that the field's schema allows, None where there is none."""
    low: Any = None
    high: Any = None
    for rule in spec.config.model_fields[field].metadata:
        low = rule.ge if isinstance(rule, Ge) else rule.gt if isinstance(rule, Gt) else low
        high = rule.le if isinstance(rule, Le) else high
    return low, high


def numeric_fields() -> list[tuple[str, str]]:
    return [
        (spec.name, name)
        for spec in find_jobs().values()
        for name, field in spec.config.model_fields.items()
        if field.annotation in (int, float, int | None)
    ]


@pytest.mark.parametrize(("job", "field"), numeric_fields())
def test_numbers_have_bounds_and_a_type(
    job: str, field: str, refuse: Refuse, tmp_path: Path
) -> None:
    low, high = bounds(find_jobs()[job], field)
    assert low is not None
    values = ["many", "nan", "1e400", "", "0x10", f"{low - 1:g}"]
    if high is not None:
        values += [f"{high + 1:.0f}", "inf"]
    flag = "--" + field.replace("_", "-")
    for value in values:
        line = refuse(
            [job, *REQUIRED.get(job, []), f"{flag}={value}", f"--workspace={tmp_path}"], 2
        )
        assert line.startswith(f"{flag} {value!r}: must ")
    assert list(tmp_path.iterdir()) == []


def test_every_number_has_an_upper_bound() -> None:
    lacking = {(j, f) for j, f in numeric_fields() if bounds(find_jobs()[j], f)[1] is None}
    assert not lacking


OUTSIDE = ["../x", "../../x", "a/b", "/x", "", ".", "..", "*", "a b", "ä", "x\n", "x" * 65, "{x}"]


@pytest.mark.parametrize("value", OUTSIDE)
@pytest.mark.parametrize("job", ["train-task", "explain"])
def test_no_task_or_name_leads_out_of_the_workspace(
    job: str, value: str, refuse: Refuse, tmp_path: Path
) -> None:
    workspace = tmp_path / "deep" / "workspace"
    for words in ([job, f"--task={value}"], [job, "--task=gender", f"--name={value}"]):
        line = refuse([*words, f"--workspace={workspace}"], 2)
        assert line.startswith("--name" if "--name" in words[-1] else "--task")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", ["../../x", "a/b", "", "*", "."])
def test_nor_does_a_name_for_aggregate(value: str, refuse: Refuse, tmp_path: Path) -> None:
    refuse(["aggregate", f"--name={value}", f"--workspace={tmp_path / 'w'}"], 2)
    refuse(["aggregate", f"--reference={value}", f"--workspace={tmp_path / 'w'}"], 2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", ["../../x", "a/b", ".x", "x" * 101, "a b", "ä", "*"])
def test_no_run_id_leads_out_of_the_workspace(
    value: str, refuse: Refuse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXR_RUN_ID", value)
    assert refuse(["aggregate", f"--workspace={tmp_path / 'w'}"], 2).startswith("CXR_RUN_ID")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("job", list(find_jobs()))
def test_an_empty_workspace_is_not_the_present_folder(
    job: str, refuse: Refuse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = refuse([job, *REQUIRED.get(job, []), "--workspace="], 2)
    assert line.startswith("--workspace '': must not be empty")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "want"),
    [
        ("epoch: 3", 'Unknown option: "[epoch]" from {file}. Did you mean --epochs?'),
        ("zzz: 3", 'Unknown option: "[zzz]" from {file}'),
        ("name: [x\nepochs: 3", "--config {file}, line 2 is not YAML"),
        ("name: x\n\tepochs: 3", "--config {file}, line 2 is not YAML"),
        ("- a\n- b", "--config {file} must hold `field: value` lines"),
        ("hello", "--config {file} must hold `field: value` lines"),
        ("", "--config {file} must hold `field: value` lines"),
        pytest.param(bytes(range(256)), "--config {file} is not YAML", id="binary"),
        ("name: ä".encode("latin-1"), "--config {file} is not YAML"),
        pytest.param("name: " + "[" * 3000, "--config {file} is not YAML", id="deep"),
        ("name: !!python/object/apply:os.getcwd []", "--config {file}, line 1 is not YAML"),
        ("epochs: many", "--epochs 'many': must be a valid integer"),
        ("epochs: 1.5", "--epochs '1.5': must be a valid integer"),
        ("epochs:", "--epochs"),
        ("epochs: [1, 2]", "[epochs]"),
        ("epochs: 0", "--epochs '0': must be greater than or equal to 1"),
        ("device: gpu", "--device 'gpu': must be 'auto', 'cpu' or 'cuda'"),
        ("augment: maybe", "--augment 'maybe': must be a valid boolean"),
        ("name: ../x", "--name '../x': must match pattern"),
        (None, "--config {file} cannot be read (no such file or directory)"),
    ],
)
def test_a_bad_config_file(
    content: str | bytes | None, want: str, refuse: Refuse, tmp_path: Path
) -> None:
    file, workspace = tmp_path / "config.yaml", tmp_path / "workspace"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = refuse([*TRAIN, "--config", str(file), f"--workspace={workspace}"], 2)
    assert want.format(file=file) in line
    assert not workspace.exists()


def test_config_without_a_file(refuse: Refuse, tmp_path: Path) -> None:
    for words in (["--config"], ["--config="], ["--config", ""]):
        line = refuse([*TRAIN, f"--workspace={tmp_path / 'w'}", *words], 2)
        assert "--config needs the name of a YAML file" in line
    assert "is a directory" in refuse([*TRAIN, f"--config={tmp_path}"], 2)


def test_the_command_line_wins_and_config_may_stand_first(
    refuse: Refuse, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from jobs._cli import run

    file = tmp_path / "config.yaml"
    file.write_text("task: gender\nepochs: 0\n")
    words = ["train-task", f"--workspace={tmp_path / 'w'}", "--epochs=1"]
    for command in (["--config", str(file), *words], [*words, "--config", str(file)]):
        assert run(command) == 3
        assert "cohort.parquet does not exist; run `cxr extract`" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "want"),
    [
        (["train-task"], "--task needs a value"),
        (["preprocess"], "--root needs a value"),
        (["train-task", "--task"], "--task needs a value"),
        (["aggregate", "everything"], "everything"),
        (["aggregate", "--seed=1", "--seed=2"], "--seed specified multiple times"),
        ([*TRAIN, "--output-stride=17"], "--output-stride '17': must be a multiple of 16"),
        ([*TRAIN, "--architecture=densnet121"], "did you mean densenet121"),
        ([*TRAIN, "--architecture=timm/vit"], "no such library; there are torchvision"),
        (["extract", "--select=some"], "--select 'some': must be 'one-per-subject'"),
        (["preprocess", "--root=x", "--shard=one"], "--shard 'one': must match pattern"),
    ],
)
def test_a_bad_command_line(words: list[str], want: str, refuse: Refuse) -> None:
    assert want in refuse(words, 2)


def test_an_unknown_command_names_the_nearest(capfd: pytest.CaptureFixture[str]) -> None:
    from jobs._cli import run

    assert run(["extrat"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith('cxr: Unknown command "extrat". Did you mean "extract"?')
    assert line.endswith("(see cxr --help)")
