"""What curves are made of, against scikit-learn and against what `aggregate` computes."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from readings import predictions

from cxrcore import evaluation, metrics
from cxrcore.reporting import figures
from data_contracts.cohort_description import SMALLEST_CELL
from tui.results import model_curves


def scores(classes: int = 2, images: int = 240, seed: int = 0) -> model_curves.Scores:
    names = [f"class{i}" for i in range(classes)]
    return model_curves.scores_of(predictions(classes, images, seed), names)["test"]


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_auroc_is_that_of_sklearn_and_of_aggregate(classes: int) -> None:
    from sklearn.metrics import roc_auc_score

    found = scores(classes, 800)
    # Few different logits, so that there are ties.
    logits = found.logits.round()
    odds = model_curves.log_odds(logits)
    for c in range(classes):
        positive = found.target == c
        area = model_curves.auroc(odds[:, c], positive)
        one = np.ones((1, len(positive)))
        assert len(np.unique(odds[:, c])) < len(positive) / 2
        assert area == pytest.approx(roc_auc_score(positive, odds[:, c]), abs=1e-12)
        theirs = evaluation.log_odds(logits)[:, c]
        assert area == pytest.approx(metrics.auroc(theirs, positive, one)[0], abs=1e-12)


def test_ties_count_half() -> None:
    positive = np.array([True, True, False, False])
    assert model_curves.auroc(np.array([1.0, 1.0, 1.0, 1.0]), positive) == 0.5
    assert model_curves.auroc(np.array([2.0, 1.0, 1.0, 0.0]), positive) == 0.875


def test_the_roc_is_that_of_the_report() -> None:
    from sklearn.metrics import auc

    found = scores(images=800)
    odds, positive = model_curves.log_odds(found.logits)[:, 1], found.target == 1
    mine, theirs = model_curves.roc(odds, positive), figures.roc_points(odds, positive)
    np.testing.assert_array_equal(mine, theirs)
    assert auc(*mine) == pytest.approx(model_curves.auroc(odds, positive), abs=1e-12)


def test_the_calibration_curve_is_that_of_sklearn() -> None:
    from sklearn.calibration import calibration_curve

    found = scores(images=2000)
    chance, positive = model_curves.probabilities(found.logits)[:, 1], found.target == 1
    predicted, observed, bins = model_curves.calibration(chance, positive, found.subject)
    want = calibration_curve(positive, chance, n_bins=10, strategy="quantile")
    np.testing.assert_allclose((observed, predicted), want)
    assert sum(bins) == len(positive)
    assert max(bins) - min(bins) < 30


def test_no_bin_holds_few_patients() -> None:
    found = scores(images=240)
    chance = model_curves.probabilities(found.logits)[:, 1]
    _, _, bins = model_curves.calibration(chance, found.target == 1, found.subject)
    # Two images of each patient: bins of 11 to 21 images might hold few patients.
    assert 1 < len(bins) < model_curves.MOST_BINS
    assert min(bins) >= SMALLEST_CELL
    few = slice(0, 2 * SMALLEST_CELL - 2)
    nothing = model_curves.calibration(chance[few], found.target[few] == 1, found.subject[few])
    assert nothing == ([], [], [])


def test_images_without_a_label_do_not_count() -> None:
    frame = predictions(images=240)
    test = frame.filter(pl.col("split") == "test")
    found = model_curves.scores_of(frame, ["no", "yes"])["test"]
    assert len(found.target) == test["target"].count() < test.height


def test_many_points_are_thinned_and_keep_their_ends() -> None:
    found = scores(images=8000)
    odds = model_curves.log_odds(found.logits)[:, 1] + np.linspace(0, 1e-6, len(found.target))
    positive = found.target == 1
    full = model_curves.roc(odds, positive)
    x, y = model_curves.thinned(*full)
    assert len(full[0]) > model_curves.MOST_POINTS == len(x) == len(y)
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(y, x) == pytest.approx(model_curves.auroc(odds, positive), abs=1e-3)
    assert model_curves.thinned(np.zeros(3), np.ones(3)) == ([0, 0, 0], [1, 1, 1])


@pytest.mark.parametrize(("positives", "refused"), [(10, True), (11, False)])
def test_a_class_of_few_patients_has_no_curve(positives: int, refused: bool) -> None:
    n = 60
    target = (np.arange(n) < positives).astype(np.int8)
    logits = np.random.default_rng(0).normal(size=(n, 2))
    found = model_curves.Scores(("no", "yes"), np.arange(n, dtype=np.uint32), target, logits)
    for of_class in (0, 1):
        drawn = model_curves.model_curves(found, of_class)
        assert bool(drawn.refusal) == refused
        assert (drawn.auroc is None) == refused
        assert bool(drawn.roc[0]) != refused
        assert (drawn.images, drawn.subjects) == (n, n)
    assert (
        "fewer than 11 patients in class yes" in model_curves.model_curves(found, 1).refusal
    ) == refused
    assert (
        "fewer than 11 patients outside class no" in model_curves.model_curves(found, 0).refusal
    ) == refused


def test_many_images_of_few_patients_are_few() -> None:
    subject = (np.arange(100) % 10).astype(np.uint32)
    target = (np.arange(100) // 10 % 2).astype(np.int8)
    found = model_curves.Scores(("no", "yes"), subject, target, np.zeros((100, 2)))
    assert model_curves.model_curves(found, 1).refusal


def test_the_first_class_is_the_positive_one() -> None:
    assert model_curves.first_class(["no", "yes"]) == 1
    assert model_curves.first_class(["a", "b", "c"]) == 0
