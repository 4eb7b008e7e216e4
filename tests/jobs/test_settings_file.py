"""A file of settings: every key once, in every section, and merge keys as YAML has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_contracts.errors import UsageError
from jobs._cli import run
from jobs._config import read_yaml


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("seeds: 0\ntasks: a\nseeds: 1\n", "line 3: seeds is given a second time, after line 1"),
        ("explain:\n  size: 3\n  size: 4\n", "line 3: size is given a second time, after line 2"),
        ("a: {b: [{c: 1, c: 2}]}\n", "line 1: c is given a second time"),
        ("train-task:\n  batch-size: 3\n  batch_size: 4\n", "line 3: batch_size is given a second"),
        ('"epochs": 3\nepochs: 4\n', "line 2: epochs is given a second time"),
    ],
)
def test_a_key_given_twice_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=f"--config {path}, {complaint}.*; keep one"):
        read_yaml(path)


@pytest.mark.parametrize(
    "words", [("run", "--dry-run"), ("synthesize",), ("submit", "synthesize", "--dry-run")]
)
def test_every_command_refuses_it(
    words: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "settings.yaml"
    path.write_text("workspace: a\nworkspace: b\n")
    assert run([*words, "--config", str(path)]) == 2
    said = capfd.readouterr().err
    assert "line 2: workspace is given a second time" in said
    assert said.count("\n") == 1


def test_merged_keys_may_be_overridden(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("""
train-task:
  common: &common {epochs: 1, device: cpu}
  deep: {of: {models: &second {<<: *common, epochs: 2}}}
explain:
  <<: *second
  epochs: 3
aggregate: {<<: [*second, *common], device: auto}
again: *common
""")
    content = read_yaml(path)
    assert content["explain"] == {"epochs": 3, "device": "cpu"}
    assert content["aggregate"] == {"epochs": 2, "device": "auto"}
    assert content["train-task"]["deep"]["of"]["models"] == {"epochs": 2, "device": "cpu"}
    assert content["again"] == {"epochs": 1, "device": "cpu"}
