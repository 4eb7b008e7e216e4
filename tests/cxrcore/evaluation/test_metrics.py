from __future__ import annotations

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
)

from cxrcore.evaluation import metrics


def case(seed: int, n: int = 300, ties: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.3
    scores = rng.normal(size=n) + positive
    if ties:
        scores = scores.round(1)
    return scores, positive, rng.random((7, n)) * rng.integers(0, 3, (7, n))


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_auroc_equals_sklearn_for_every_set_of_weights(seed: int, ties: bool) -> None:
    scores, positive, weights = case(seed, ties=ties)
    want = [roc_auc_score(positive, scores, sample_weight=w) for w in weights]
    np.testing.assert_allclose(metrics.auroc(scores, positive, weights), want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("ties", [True, False])
def test_the_auroc_of_one_set_of_equal_weights_is_the_same(ties: bool) -> None:
    scores, positive, _ = case(5, ties=ties)
    want = roc_auc_score(positive, scores)
    assert metrics.auroc_of(scores, positive) == pytest.approx(want, abs=1e-12)
    assert np.isnan(metrics.auroc_of(scores, positive & False))


@pytest.mark.parametrize("ties", [True, False])
def test_auprc_equals_sklearn_for_every_set_of_weights(ties: bool) -> None:
    scores, positive, weights = case(3, ties=ties)
    want = [average_precision_score(positive, scores, sample_weight=w) for w in weights]
    np.testing.assert_allclose(metrics.auprc(scores, positive, weights), want, rtol=0, atol=1e-12)


def test_weights_of_every_type_give_the_same() -> None:
    scores, positive, weights = case(4)
    counts = np.ceil(weights).astype(np.uint8)
    for metric in (metrics.auroc, metrics.auprc, metrics.calibration_slope):
        want = metric(scores, positive, counts.astype(np.float64))
        for kind in (np.uint8, np.int64, np.float32):
            got = metric(scores, positive, counts.astype(kind))
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)


@settings(max_examples=60)
@given(
    scores=hnp.arrays(np.float64, 12, elements=st.integers(-3, 3).map(float)),
    weights=hnp.arrays(np.uint8, (3, 12), elements=st.integers(0, 4)),
)
def test_auroc_is_a_rank_statistic(scores: np.ndarray, weights: np.ndarray) -> None:
    positive = np.arange(12) % 3 == 0
    area = metrics.auroc(scores, positive, weights)
    np.testing.assert_allclose(metrics.auroc(np.exp(scores), positive, weights), area)
    np.testing.assert_allclose(metrics.auroc(-scores, positive, weights), 1 - area)
    repeated = np.repeat(scores, weights[0]), np.repeat(positive, weights[0])
    drawn_twice = metrics.auroc(*repeated, np.ones((1, int(weights[0].sum()))))
    np.testing.assert_allclose(drawn_twice, area[:1])


def test_a_missing_class_has_no_value() -> None:
    scores, positive = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    weights = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1]], dtype=np.uint8)
    assert metrics.auroc(scores, positive, weights)[0] == 0.75
    assert np.isnan(metrics.auroc(scores, positive, weights)[1:]).all()
    assert np.isnan(metrics.auprc(scores, positive, weights)[1])
    assert np.isnan(metrics.sensitivity(scores, positive, 0.3, weights)[1])
    assert np.isnan(metrics.specificity(scores, positive, 0.3, weights)[2])


def test_brier_of_two_classes_is_sklearns_and_of_more_the_sum_over_classes() -> None:
    rng = np.random.default_rng(0)
    p, target = rng.random(50), rng.integers(0, 2, 50)
    weights = rng.random((2, 50))
    want = [brier_score_loss(target, p, sample_weight=w) for w in weights]
    errors = metrics.squared_errors(np.stack([1 - p, p], axis=1), target)
    np.testing.assert_allclose(metrics.weighted_mean(errors, weights), want)
    three = np.array([[0.5, 0.25, 0.25]])
    assert metrics.squared_errors(three, np.array([0]))[0] == 0.25 + 2 * 0.0625


def test_calibration_slope_is_the_unpenalised_logistic_regression() -> None:
    scores, positive, weights = case(4)
    for row, slope in zip(
        weights, metrics.calibration_slope(scores, positive, weights), strict=True
    ):
        fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
        fit.fit(scores[:, None], positive, sample_weight=row)
        assert slope == pytest.approx(fit.coef_[0, 0], abs=1e-6)


def newton(x: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Coefficients of the unpenalised logistic regression on the columns of x, to all digits."""
    fit = np.zeros(x.shape[1])
    for _ in range(12):
        p = 1 / (1 + np.exp(-x @ fit))
        fit += np.linalg.solve(x.T * (weights * p * (1 - p)) @ x, x.T @ (weights * (positive - p)))
    return fit


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("n", [300, 6000])
def test_calibration_in_resamples_is_that_of_the_images_not_of_the_nodes(
    n: int, ties: bool
) -> None:
    scores, positive, _ = case(8, n, ties)
    scores = 1.7 * scores - 1.5
    weights = np.random.default_rng(0).poisson(1, (70, n)).astype(np.uint8)
    slopes = metrics.calibration_slope(scores, positive, weights)
    intercepts = metrics.calibration_intercept(scores, positive, weights)
    for row in (0, 20, 69):
        fit = newton(np.stack([np.ones(n), scores], axis=1), positive, weights[row])
        assert slopes[row] == pytest.approx(fit[1], abs=1e-8)
        p = 1 / (1 + np.exp(-(intercepts[row] + scores)))
        assert (weights[row] @ (positive - p)) / n == pytest.approx(0, abs=1e-8)


def test_a_single_set_of_weights_is_fitted_to_the_images_themselves() -> None:
    scores, positive, _ = case(9, 6000, ties=False)
    fit = newton(np.stack([np.ones(6000), scores], axis=1), positive, np.ones(6000))
    slope = metrics.calibration_slope(scores, positive, np.ones((1, 6000)))[0]
    assert slope == pytest.approx(fit[1], abs=1e-12)


def test_calibration_slope_of_overconfident_logits_is_below_one_and_separation_has_none() -> None:
    rng = np.random.default_rng(0)
    log_odds = rng.normal(size=20_000)
    positive = rng.random(20_000) < 1 / (1 + np.exp(-log_odds))
    one = np.ones((1, 20_000))
    assert metrics.calibration_slope(log_odds, positive, one)[0] == pytest.approx(1, abs=0.05)
    assert metrics.calibration_slope(20 * log_odds + 7, positive, one)[0] == pytest.approx(
        0.05, abs=0.003
    )
    assert np.isnan(metrics.calibration_slope(log_odds, log_odds > 0, one)[0])
    assert np.isnan(metrics.calibration_slope(np.zeros(9), np.arange(9) > 3, np.ones((1, 9)))[0])


def test_calibration_intercept_is_that_of_a_slope_of_one() -> None:
    scores, positive, weights = case(7)
    found = metrics.calibration_intercept(scores, positive, weights)
    for row, a in zip(weights, found, strict=True):
        p = 1 / (1 + np.exp(-(a + scores)))
        assert row @ (positive - p) == pytest.approx(0, abs=1e-4 * row.sum())
    shifted = metrics.calibration_intercept(scores + 3, positive, weights)
    np.testing.assert_allclose(shifted, found - 3, atol=1e-5)
    one_class = metrics.calibration_intercept(scores, positive, 1.0 * positive[None])
    assert np.isnan(one_class).all()


def test_youden_threshold_maximises_sensitivity_plus_specificity() -> None:
    scores, positive, _ = case(5)
    one = np.ones((1, len(scores)))

    def gain(at: float) -> float:
        both = metrics.sensitivity(scores, positive, at, one) + metrics.specificity(
            scores, positive, at, one
        )
        return float(both[0])

    threshold = metrics.youden_threshold(scores, positive)
    assert threshold is not None
    assert gain(threshold) == pytest.approx(max(gain(t) for t in np.unique(scores)))
    assert metrics.youden_threshold(scores, np.ones(len(scores), bool)) is None


def test_r2_equals_sklearn_for_every_set_of_weights() -> None:
    predicted, _, weights = case(6)
    truth = predicted + np.random.default_rng(0).normal(size=len(predicted))
    want = [r2_score(truth, predicted, sample_weight=w) for w in weights]
    np.testing.assert_allclose(metrics.r2(truth, predicted, weights), want, rtol=0, atol=1e-12)
    mean = np.full(len(truth), truth.mean())
    assert metrics.r2(truth, mean, np.ones((1, len(truth))))[0] == pytest.approx(0)
    assert np.isnan(metrics.r2(np.zeros(3), np.arange(3.0), np.ones((1, 3)))[0])


def test_mean_absolute_error_equals_sklearn_for_every_set_of_weights() -> None:
    predicted, _, weights = case(7)
    truth = predicted + np.random.default_rng(0).normal(size=len(predicted))
    want = [mean_absolute_error(truth, predicted, sample_weight=w) for w in weights]
    np.testing.assert_allclose(metrics.weighted_mean(np.abs(truth - predicted), weights), want)
