"""Which models there are, in what order, and which belong together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cxrcore.model import Model, groups, models, primary
from data_contracts.errors import ArtifactError
from data_contracts.header import Header
from data_contracts.model import TRAINING_HISTORY
from data_contracts.predictions import PREDICTIONS
from data_contracts.store import Provenance, Table, read_table, write_table

COHORT = pl.DataFrame(
    {"image_id": [f"image{i:02d}" for i in range(12)], "view": ["PA"] * 12, "age": [50.0] * 12,
     "label_mortality": [None] * 12, "label_gender": [None] * 12}
)  # fmt: skip


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Writes the predictions and history of a model and reads them back."""

    def write(task: str, name: str, seed: int = 0, control: str = "none", **config: Any) -> Any:
        facts = dict(PREDICTIONS.example_attributes) | {
            "task": task, "name": name, "seed": seed, "control": control,
        }  # fmt: skip
        config = {"task": task, "name": name, "seed": seed, "architecture": "resnet18"} | config
        found: list[Table] = []
        for contract in (PREDICTIONS, TRAINING_HISTORY):
            path = contract.path(tmp_path, task=task, name=name)
            content = pl.DataFrame(contract.example())
            write_table(contract, path, content, Provenance("train-task", config), facts)
            found.append(read_table(contract, path))
        return found

    return write


def known(tables: list[list[Table]]) -> list[Model]:
    predictions, histories = zip(*tables, strict=True)
    return models(predictions, histories[::-1], COHORT)


def test_models_follow_the_labels_then_controls_come_last(written: Any) -> None:
    found = known([
        written("age", "main"), written("gender", "null", control="permuted-labels"),
        written("gender", "seed1", 1), written("gender", "main"), written("mortality", "main"),
    ])  # fmt: skip
    assert [m.key for m in found] == [
        ("mortality", "main"), ("gender", "main"), ("gender", "seed1"), ("gender", "null"),
        ("age", "main"),
    ]  # fmt: skip
    assert found[2].columns == {"task": "gender", "name": "seed1", "seed": 1, "control": "none"}
    assert found[3].is_control
    assert found[0].history.height == 3
    assert found[0].labelled("test").height == 4
    assert found[0].predictions["view"].to_list() == ["PA"] * 12


def test_a_group_differs_in_the_seed_alone(written: Any) -> None:
    found = known([
        written("gender", "main"), written("gender", "seed1", 1), written("gender", "seed2", 2),
        written("gender", "wide", architecture="resnet50"), written("mortality", "main"),
    ])  # fmt: skip
    assert groups(found) == {
        ("gender", "main"): "main", ("gender", "seed1"): "main", ("gender", "seed2"): "main",
        ("gender", "wide"): "wide", ("mortality", "main"): "main",
    }  # fmt: skip


def test_the_first_model_without_control_stands_for_its_task(written: Any) -> None:
    found = known([
        written("gender", "a", control="random-init"), written("gender", "b"),
        written("gender", "c"), written("mortality", "main", control="permuted-labels"),
    ])  # fmt: skip
    assert {task: m.name for task, m in primary(found).items()} == {"gender": "b"}


def test_predictions_without_a_history_are_refused(written: Any) -> None:
    predictions, _ = written("gender", "main")
    with pytest.raises(ArtifactError, match="cxr train-task --task gender --name main --force"):
        models([predictions], [], COHORT)
    assert isinstance(predictions.header, Header)
