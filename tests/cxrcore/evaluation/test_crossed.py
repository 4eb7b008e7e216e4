"""AUROC of patients divided by two variables together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from cxrcore.evaluation import strata
from cxrcore.evaluation.crossed import crossed_metrics
from cxrcore.model import Model
from data_contracts.cohort import VIEWS
from data_contracts.disclosure.subgroups import disclosure_of

N = 400
RACES = ("White", "Black")


def model_of(least: int = 100) -> Model:
    """Mortality of 400 patients, of whom so many are seen AP, by view and race."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, N)
    logits = np.eye(2)[target] + rng.normal(size=(N, 2))
    predictions = pl.DataFrame({
        "image_id": [f"i{i}" for i in range(N)], "subject_id": [f"s{i}" for i in range(N)],
        "split": ["test"] * N, "target": target.astype(np.int8), "labels": [None] * N,
        "value": [None] * N, "logits": logits.tolist(),
        "view": pl.Series(["AP"] * least + ["PA"] * (N - least), dtype=pl.Enum(VIEWS)),
        "age_band": [None] * N,
        "label_race": pl.Series([RACES[i % 2] for i in range(N)], dtype=pl.Enum(RACES)),
        "label_mortality": pl.Series(["survived"] * N, dtype=pl.Enum(("survived", "died"))),
    })  # fmt: skip
    classes = ("survived", "died")
    return Model(
        "mortality", "main", 0, "none", "classes", classes, "", "", predictions, pl.DataFrame()
    )


def rows_of(*known: Model, least: int = 11) -> list[dict[str, object]]:
    rows = []
    for model in known:
        groups = list(strata.subgroups(model.labelled("test"), model.task))
        for counted in strata.subgroup_counts(model.labelled("test"), model.classes, groups):
            rows.append((*model.key, "test", *counted))
    names = ["task", "name", "split", "stratum", "level", "class", "subjects"]
    counts = pl.DataFrame(rows, schema=names, orient="row")
    return crossed_metrics(known, counts, disclosure_of(counts, least))


def test_every_two_levels_have_the_auroc_of_their_patients() -> None:
    model = model_of()
    rows = rows_of(model)
    assert [(r["level"], r["other_level"]) for r in rows] == [
        ("PA", "White"), ("PA", "Black"), ("AP", "White"), ("AP", "Black")
    ]  # fmt: skip
    assert {(r["variable"], r["other_variable"]) for r in rows} == {("view", "race")}
    own = model.predictions.filter(view="AP", label_race="Black")
    odds = own["logits"].list.diff().list.get(1)
    assert rows[3]["value"] == pytest.approx(roc_auc_score(own["target"], odds))
    assert rows[3]["subjects"] == own.height
    assert rows[3]["positives"] == own["target"].sum()
    low, value, high = (rows[3][n] for n in ("low", "value", "high"))
    assert isinstance(low, float)
    assert low < value < high  # type: ignore[operator]


def test_few_patients_hide_the_whole_crossing_and_null_models_are_left_out() -> None:
    model = model_of(least=30)
    rows = rows_of(model)
    assert {r["suppressed"] for r in rows} == {True}
    assert {r["value"] for r in rows} | {r["subjects"] for r in rows} == {None}
    assert {r["suppressed"] for r in rows_of(model, least=0)} == {False}
    assert rows_of(replace(model, control="permuted-labels")) == []


def test_a_class_of_one_patient_has_no_auroc() -> None:
    model = model_of()
    target = np.where(np.arange(N) == 1, 1, 0).astype(np.int8)
    for few in (target, 1 - target, np.ones_like(target)):
        images = model.predictions.with_columns(pl.Series("target", few))
        rows = rows_of(replace(model, predictions=images), least=0)
        assert {r["value"] for r in rows} == {None}
        assert {r["suppressed"] for r in rows} == {False}
