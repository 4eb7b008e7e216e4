"""A file of settings: every key once, in every section, and merge keys as YAML has them."""

from __future__ import annotations

import re
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


#: Twice as many in each line: with forty of them, more than any memory holds.
DOUBLING = "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
MERGES = "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 40))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("task: &a [*a]\n", "line 1: *a stands within the value that it names"),
        ("seed: 1\na: &x\n  b: *x\n", "line 3: *x stands within the value that it names"),
        ("a: &x {<<: *x}\n", "line 1: *x stands within the value that it names"),
        ("a: &x {? [*x] : 1}\n", "line 1: *x stands within the value that it names"),
        ("a0: &a0 [x, y]\n" + DOUBLING, "line 12: more than 10000 values"),
        ("a0: &a0 {x: 1}\n" + MERGES, "line 11: more than 10000 values"),
        ("x: 1\nday: 2026-13-45\n", "line 2: '2026-13-45' is no timestamp"),
        ("x: !!bool perhaps\n", "line 1: 'perhaps' is no bool"),
        ("a: *nothing\n", "line 1 is not YAML"),
    ],
)
def test_what_has_no_end_or_no_value_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=re.escape(f"--config {path}, {complaint}")):
        read_yaml(path)


@pytest.mark.parametrize(
    "text",
    ["workspace: a\nworkspace: b\n", "seed: 1\nworkspace: &a [*a]\n"],
    ids=["twice", "circle"],
)
@pytest.mark.parametrize(
    "words", [("run", "--dry-run"), ("synthesize",), ("submit", "synthesize", "--dry-run")]
)
def test_every_command_refuses_it(
    words: tuple[str, ...], text: str, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    assert run([*words, "--config", str(path)]) == 2
    said = capfd.readouterr().err
    assert f"--config {path}, line 2: " in said
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
