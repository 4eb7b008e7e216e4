"""The answer of the whole chain on two training seeds, pinned: what people rely on."""

from __future__ import annotations

from pathlib import Path

import pytest
from chain import TASKS, words

from data_contracts.associations import ASSOCIATIONS
from data_contracts.store import read_table
from data_contracts.summary import METRICS, MODELS
from jobs._cli import run

#: Test AUROC by task and model.
AUROC = {
    ("mortality", "main"): 0.781, ("mortality", "seed1"): 0.490,
    ("insurance", "main"): 0.413, ("insurance", "seed1"): 0.672,
}  # fmt: skip
#: Similarity of insurance with mortality, by name of the two models.
SIMILARITY = {"main": 0.731, "seed1": 0.572}


@pytest.mark.usefixtures("undrawn")
def test_two_seeds_give_the_answer_they_gave(copy: Path) -> None:
    own = ["--workspace", str(copy)]
    seed = ["--name", "seed1"]
    for task in TASKS:
        assert run([*words(f"train-task {task}", copy)[1:], *seed, "--seed", "1", *own]) == 0
        assert run([*words(f"explain {task}", copy)[1:], *seed, *own]) == 0
    assert run([*words("aggregate", copy)[1:], *own]) == 0
    models = read_table(MODELS, MODELS.path(copy)).frame
    assert models["group"].to_list() == ["main"] * 4
    metrics = read_table(METRICS, METRICS.path(copy)).frame
    rows = metrics.filter(metric="auroc", split="test", stratum="all")
    auroc = {(t, n): v for t, n, v in rows.select("task", "name", "value").rows()}
    assert auroc == pytest.approx(AUROC, abs=0.02)
    found = read_table(ASSOCIATIONS, ASSOCIATIONS.path(copy)).frame
    found = found.filter(statistic="pearson_of_class_differences", adjustment="crude",
                         attribute="insurance", stratum="all")  # fmt: skip
    similarity = dict(found.select("attribute_name", "value").rows())
    assert similarity == pytest.approx(SIMILARITY, abs=0.05)
