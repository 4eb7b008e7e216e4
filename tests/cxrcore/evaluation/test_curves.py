"""Curves: equal to scikit-learn's on their grid, and bands around them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sklearn_metrics

from cxrcore.evaluation import curves, table
from cxrcore.evaluation.curves import GRID
from cxrcore.evaluation.strata import log_odds, matrix
from cxrcore.model import Model
from data_contracts.disclosure import is_small
from data_contracts.disclosure.subgroups import Disclosure


def case(seed: int, n: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.3
    scores = (rng.normal(size=n) + positive).round(1)
    return scores, positive, rng.integers(0, 4, (5, n)).astype(float)


def test_roc_is_sklearns_between_its_points() -> None:
    scores, positive, weights = case(0)
    for drawn, got in zip(weights, curves.roc(scores, positive, weights), strict=True):
        x, y, _ = sklearn_metrics.roc_curve(
            positive, scores, sample_weight=drawn, drop_intermediate=False
        )
        np.testing.assert_allclose(got[1:], np.interp(GRID, x, y)[1:], atol=1e-12)
        assert (got[0], got[-1]) == (0, 1)


def test_the_area_under_the_roc_points_is_the_auroc() -> None:
    scores, positive, _ = case(1)
    got = curves.roc(scores, positive, np.ones((1, 300)))[0]
    want = sklearn_metrics.roc_auc_score(positive, scores)
    assert np.trapezoid(got, GRID) == pytest.approx(want, abs=0.005)


def test_precision_is_sklearns_at_the_highest_threshold_that_reaches_a_recall() -> None:
    scores, positive, weights = case(2)
    found = curves.precision_recall(scores, positive, weights)
    for drawn, got in zip(weights, found, strict=True):
        precision, recall, _ = sklearn_metrics.precision_recall_curve(
            positive, scores, sample_weight=drawn
        )
        # sklearn's recall falls; its last point is none of a threshold.
        first = np.searchsorted(recall[-2::-1], np.maximum(GRID - 1e-9, 1e-9))
        np.testing.assert_allclose(got, precision[-2::-1][first], atol=1e-12)


def test_a_curve_without_one_of_the_classes_is_nan() -> None:
    scores, positive, _ = case(3)
    weights = np.stack([positive, ~positive]).astype(float)
    assert np.isnan(curves.roc(scores, positive, weights)).all()
    assert np.isnan(curves.precision_recall(scores, positive, weights)[1]).all()


def shares(least: int, images: int = 300, per_patient: int = 1) -> tuple[Any, ...]:
    """The points of a calibration curve, and the patients of each class in each bin."""
    rng = np.random.default_rng(4)
    predicted = rng.random(images).round(2)
    positive = rng.random(images) < predicted
    subject = np.arange(images) // per_patient
    x, statistic = curves.calibration(predicted, positive, subject, least)
    y = statistic(np.ones((1, images)))[0]
    edges = np.quantile(predicted, np.linspace(0, 1, len(x) + 1))
    bins = np.searchsorted(edges[1:-1], predicted)
    inside = [bins == b for b in range(len(x))]
    patients = [len(np.unique(subject[i & side])) for i in inside for side in (positive, ~positive)]
    means = [(predicted[i].mean(), positive[i].mean()) for i in inside]
    return x, y, patients, means


@pytest.mark.parametrize(("least", "per_patient"), [(0, 1), (11, 1), (11, 2), (25, 1)])
def test_a_bin_of_a_calibration_curve_holds_no_few_patients(least: int, per_patient: int) -> None:
    x, y, patients, means = shares(least, per_patient=per_patient)
    assert not any(is_small(n, least) for n in patients)
    np.testing.assert_allclose(np.stack([x, y], axis=1), means)
    assert len(x) == curves.MOST_BINS if not least else 2 <= len(x) < curves.MOST_BINS


def test_too_few_patients_for_two_bins_have_no_calibration_curve() -> None:
    x, y, _, _ = shares(11, images=30)
    assert len(x) == len(y) == 0


def model(classes: int, images: int = 400, kind: str = "classes") -> Model:
    rng = np.random.default_rng(5)
    target = rng.integers(0, classes, images)
    logits = rng.normal(size=(images, classes)) + 1.5 * np.eye(classes)[target]
    predictions = pl.DataFrame({
        "subject_id": [f"s{i:04d}" for i in range(images)],
        "split": ["test" if i % 2 else "val" for i in range(images)],
        "target": target, "labels": [None] * images, "value": [None] * images,
        "logits": logits.tolist(),
    })  # fmt: skip
    names = ("a", "b", "c")[:classes]
    return Model("task", "main", 0, "none", kind, names, "", "", predictions, pl.DataFrame())


def rows_of(one: Model, rule: Disclosure) -> pl.DataFrame:
    resamples = table.split_weights([one.predictions], 300, 0)
    rows = list(curves.curves_of(one, resamples, rule))
    return pl.DataFrame(rows, infer_schema_length=None)


def test_bands_hold_their_curve_on_the_test_split_only() -> None:
    found = rows_of(model(2), Disclosure(0, set(), set()))
    assert set(found["class"]) == {"b"}
    assert found.filter(pl.col("split") == "val")["low"].null_count() == len(
        found.filter(pl.col("split") == "val")
    )
    test = found.filter(pl.col("split") == "test")
    inside = test.select((pl.col("low") <= pl.col("y")) & (pl.col("y") <= pl.col("high")))
    assert inside.to_series().mean() > 0.95  # type: ignore[operator]
    assert (test["low"] <= test["high"]).all()


def test_a_point_where_nobody_was_missed_has_the_band_of_so_few_patients() -> None:
    """Resamples of a share of 1 are all 1; of 20 of 20 the true share may be 0.83."""
    found = rows_of(model(2, images=80), Disclosure(0, set(), set()))
    patients = int((model(2, images=80).labelled("test")["target"] == 1).sum())
    inner = pl.col("x").is_between(0, 1, closed="none")
    full = found.filter(pl.col("split") == "test", pl.col("y") == 1, inner)
    roc, recall = (full.filter(pl.col("curve") == c) for c in ("roc", "precision_recall"))
    assert min(roc.height, recall.height) > 5
    assert (roc["low"] <= 0.025 ** (1 / patients)).all()
    assert roc["low"].max() == pytest.approx(0.025 ** (1 / patients))
    for row in recall.iter_rows(named=True):
        assert row["low"] <= 0.025 ** (1 / max(1, row["x"] * patients)) + 1e-12
    ends = found.filter(pl.col("curve") == "roc", pl.col("split") == "test", ~inner)
    assert ends["y"].to_list() == ends["low"].to_list() == ends["high"].to_list() == [0, 1]


def test_the_rows_of_a_curve_are_its_points() -> None:
    one = model(3)
    found = rows_of(one, Disclosure(0, set(), set()))
    assert set(found["class"]) == {"a", "b", "c"}
    test = one.labelled("test")
    odds, positive = log_odds(matrix(test["logits"]))[:, 2], test["target"].to_numpy() == 2
    got = found.filter(pl.col("split") == "test", pl.col("class") == "c", pl.col("curve") == "roc")
    want = curves.roc(odds, positive, np.ones((1, len(odds))))[0]
    np.testing.assert_array_equal(got["y"], want)
    np.testing.assert_array_equal(got["x"], GRID)


def test_suppressed_classes_and_targets_without_classes_have_no_curve() -> None:
    hidden = ("task", "main", "test", "all", "all")
    found = rows_of(model(3), Disclosure(11, set(), {(hidden, "a")}))
    assert set(found.filter(pl.col("split") == "test")["class"]) == {"b", "c"}
    found = rows_of(model(2), Disclosure(11, {hidden}, set()))
    assert set(found["split"]) == {"val"}
    assert rows_of(model(2, kind="value"), Disclosure(0, set(), set())).is_empty()
