from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from cxrcore.evaluation.added_value import (
    added_value,
    metadata_baseline,
    metadata_predictions,
)
from cxrcore.model import Model

N = 600


def model_of(image: float, age: float, seed: int, classes: int = 2) -> tuple[Model, pl.DataFrame]:
    """A network whose logits know `image` of the class, a class that follows `age` so much."""
    rng = np.random.default_rng(seed)
    years = rng.uniform(20, 90, N)
    latent = age * (years - 55) / 20 + rng.normal(size=N)
    target = np.digitize(latent, np.quantile(latent, np.arange(1, classes) / classes))
    logits = image * np.eye(classes)[target] + rng.normal(size=(N, classes))
    ids = [f"i{i}" for i in range(N)]
    predictions = pl.DataFrame({
        "image_id": ids, "subject_id": [f"s{i // 2}" for i in range(N)],
        "split": np.repeat(["train", "val", "test"], N // 3),
        "target": target.astype(np.int8), "logits": logits.tolist(),
    })  # fmt: skip
    cohort = pl.DataFrame({"image_id": ids, "age": years, "view": ["PA", "AP"] * (N // 2)})
    names = tuple("abc"[:classes])
    return Model(
        "t", "main", 0, "none", "classes", names, "", "", predictions, pl.DataFrame()
    ), cohort


def rows_of(model: Model, cohort: pl.DataFrame) -> list[dict[str, Any]]:
    baseline = metadata_baseline(model, cohort)
    assert baseline
    return added_value(model, baseline)


def gain_of(image: float, age: float, seed: int, classes: int = 2) -> dict[str, float]:
    rows = rows_of(*model_of(image, age, seed, classes))
    assert [r["quantity"] for r in rows] == ["metadata", "metadata and image", "gain"]
    assert rows[2]["value"] == pytest.approx(rows[1]["value"] - rows[0]["value"])
    return {**rows[2], "metadata_auroc": rows[0]["value"]}


@pytest.mark.parametrize("classes", [2, 3])
def test_an_image_that_knows_more_than_age_adds_to_it(classes: int) -> None:
    gain = gain_of(2.0, 1.0, 0, classes=classes)
    assert gain["metadata_auroc"] > 0.65
    assert gain["low"] > 0.05
    assert gain["p"] < 1e-4


def test_an_image_that_knows_nothing_adds_nothing() -> None:
    gains = [gain_of(0.0, 1.0, seed) for seed in range(40)]
    assert np.mean([g["low"] > 0 for g in gains]) <= 0.1
    assert np.mean([g["value"] for g in gains]) == pytest.approx(0, abs=0.02)


def test_metadata_that_know_nothing_stand_at_chance() -> None:
    found = [gain_of(1.0, 0.0, seed) for seed in range(40)]
    assert np.mean([g["metadata_auroc"] for g in found]) == pytest.approx(0.5, abs=0.03)
    assert all(g["low"] > 0 for g in found)


def test_a_class_of_one_patient_gives_a_reason() -> None:
    model, cohort = model_of(1.0, 1.0, 0)
    known = pl.col("target").cast(pl.Int8)
    one = (pl.col("split") != "test") | (pl.col("target") == 0) | (pl.col("subject_id") == "s290")
    fewer = model.predictions.filter(one).with_columns(known)
    rows = rows_of(replace(model, predictions=fewer), cohort)
    assert {r["reason"] for r in rows} == {"fewer than two test patients of class b"}
    assert {r["value"] for r in rows} == {None}


def test_the_baseline_is_written_as_predictions_and_is_that_of_every_network() -> None:
    model, cohort = model_of(1.0, 1.0, 0)
    baseline = metadata_baseline(model, cohort)
    assert baseline
    assert baseline.metadata == ("age", "view")
    written = metadata_predictions({"t": baseline, "none": replace(baseline, log_odds=None)})
    assert written["image_id"].to_list() == cohort["image_id"].to_list()
    test = written.filter(split="test")
    area = roc_auc_score(test["target"], test["log_odds"].list.get(1))
    assert area == pytest.approx(added_value(model, baseline)[0]["value"], abs=1e-4)
    blind = model.predictions.with_columns(logits=pl.lit([0.0, 0.0]))
    again = metadata_baseline(replace(model, predictions=blind), cohort)
    assert again
    assert again.images.equals(baseline.images)
    # Whatever the network says, and of whatever rows it says it first.
    shuffled = replace(
        model, predictions=model.predictions.sample(fraction=1, shuffle=True, seed=1)
    )
    assert added_value(shuffled, baseline) == added_value(model, baseline)
