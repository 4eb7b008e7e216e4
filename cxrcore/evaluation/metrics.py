"""How well scores tell classes apart, exactly and for many sets of weights at once.

Every function takes weights (r, n): r sets of non-negative weights for n images, and gives
(r,) values, NaN where a set of weights leaves a class empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Weights = NDArray[Any]


def auroc(scores: Floats, positive: Bools, weights: Weights) -> Floats:
    """Area under the ROC curve: the weighted Mann-Whitney statistic, ties counted half.

    The images are sorted once; each set of weights then costs one pass over them. Equal to
    `sklearn.metrics.roc_auc_score(positive, scores, sample_weight=w)` for every row w.
    """
    from cxrcore.evaluation import kernels

    return _over_sorted(kernels.auroc, scores, scores, positive, weights)


def auroc_of(scores: NDArray[np.floating], positive: Bools) -> float:
    """As `auroc` with equal weights, several times as fast: for one set of many scores each.

    NaN where a class is empty.
    """
    ours, others = np.sort(scores[positive]), np.sort(scores[~positive])
    if not len(ours) or not len(others):
        return float("nan")
    # Twice the others below each: ties count once where those below count twice.
    below = np.searchsorted(others, ours) + np.searchsorted(others, ours, "right")
    return float(below.mean() / (2 * len(others)))


def auprc(scores: Floats, positive: Bools, weights: Weights) -> Floats:
    """Average precision: the sum over thresholds of precision times gain in recall.

    The same step-wise sum as `sklearn.metrics.average_precision_score`.
    """
    from cxrcore.evaluation import kernels

    return _over_sorted(kernels.auprc, -scores, scores, positive, weights)


def _over_sorted(
    kernel: Callable[..., None], key: Floats, scores: Floats, positive: Bools, weights: Weights
) -> Floats:
    from cxrcore.evaluation.kernels import as_weights

    # Unsigned: then the kernel need not look for negative indices.
    order = np.argsort(key, kind="stable").astype(np.uint32)
    last_of_ties = np.append(np.diff(scores[order]) != 0, True)
    area = np.empty(len(weights))
    kernel(order, positive[order], last_of_ties, *as_weights(weights), area)
    return area


def weighted_mean(values: Floats, weights: Weights) -> Floats:
    """Mean of `values` (n,) under each set of weights."""
    return _ratio_of_sums(values, np.ones(len(values)), weights)


def brier(probabilities: Floats, target: NDArray[np.intp], weights: Weights) -> Floats:
    """Mean squared error of `probabilities` (n, k) against the true class.

    Two classes: the error of the last class (0 to 1). More: the sum over classes (0 to 2),
    Brier's own form.
    """
    error = (probabilities - np.eye(probabilities.shape[1])[target]) ** 2
    return weighted_mean(error[:, 1] if error.shape[1] == 2 else error.sum(axis=1), weights)


def calibration_slope(log_odds: Floats, positive: Bools, weights: Weights) -> Floats:
    """Slope b of the logistic regression logit P(positive) = a + b * log_odds (Cox 1958).

    1 is ideal, below 1 is overconfident. Newton's method from the fit with equal weights;
    NaN where it does not converge (perfect separation has no finite slope).
    """
    scale = log_odds.std()
    if scale == 0:
        return np.full(len(weights), np.nan)
    # A common scale keeps the Hessian well conditioned; the slope is scaled back.
    x = (log_odds - log_odds.mean()) / scale
    fits = _logistic_fits(x, positive, np.zeros(2), weights, free_slope=True)
    return np.asarray(fits[:, 1] / scale)


def calibration_intercept(log_odds: Floats, positive: Bools, weights: Weights) -> Floats:
    """Intercept a of logit P(positive) = a + log_odds: calibration in the large (Cox 1958).

    0 is ideal, below 0 the positive class is predicted too often (Van Calster 2019,
    doi 10.1186/s12916-019-1466-7). NaN where a set of weights leaves a class empty.
    """
    if positive.all() or not positive.any():
        return np.full(len(weights), np.nan)
    # Newton's method needs a start near the fit: what makes the mean log odds right.
    start = np.array([logit(positive.mean()) - logit(expit(log_odds).mean()), 1.0])
    fits = _logistic_fits(log_odds, positive, start, weights, free_slope=False)
    return np.asarray(fits[:, 0])


def _logistic_fits(
    x: Floats, positive: Bools, start: Floats, weights: Weights, *, free_slope: bool
) -> Floats:
    """Intercept and slope (r, 2); every fit starts from the one with equal weights."""
    from cxrcore.evaluation import kernels

    equal, fits = np.empty((1, 2)), np.full((len(weights), 2), np.nan)
    kernels.logistic(x, positive, start, free_slope, np.ones((1, len(x))), equal)
    if np.isfinite(equal).all():
        usable, _ = kernels.as_weights(weights)
        kernels.logistic(x, positive, equal[0], free_slope, usable, fits)
    return fits


def youden_threshold(scores: Floats, positive: Bools) -> float | None:
    """The score at and above which to call positive, for the largest sensitivity + specificity.

    None when a class is missing. The highest such score among equals (Youden 1950).
    """
    if positive.all() or not positive.any():
        return None
    order = np.argsort(-scores, kind="stable")
    last_of_ties = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    hit = positive[order]
    gain = np.cumsum(hit) / hit.sum() - np.cumsum(~hit) / (~hit).sum()
    return float(scores[order][last_of_ties][np.argmax(gain[last_of_ties])])


def sensitivity(scores: Floats, positive: Bools, threshold: float, weights: Weights) -> Floats:
    """Share of the positives with a score at or above `threshold`."""
    return _ratio_of_sums(positive & (scores >= threshold), positive, weights)


def specificity(scores: Floats, positive: Bools, threshold: float, weights: Weights) -> Floats:
    """Share of the negatives with a score below `threshold`."""
    return _ratio_of_sums(~positive & (scores < threshold), ~positive, weights)


def r2(truth: Floats, predicted: Floats, weights: Weights) -> Floats:
    """Share of the variance of `truth` (n,) that is predicted; 0: no better than its mean."""
    # The variance is that about any origin: one near the mean loses no digits.
    truth, predicted = truth - truth.mean(), predicted - truth.mean()
    mean = weighted_mean(truth, weights)
    total = weighted_mean(truth**2, weights) - mean**2
    error = weighted_mean((truth - predicted) ** 2, weights)
    share = np.divide(error, total, out=np.full(len(total), np.nan), where=total > 0)
    return np.asarray(1 - share)


def _ratio_of_sums(above: NDArray[Any], below: NDArray[Any], weights: Weights) -> Floats:
    from cxrcore.evaluation import kernels

    ratio, (usable, _) = np.empty(len(weights)), kernels.as_weights(weights)
    kernels.ratio_of_sums(above.astype(np.float64), below.astype(np.float64), usable, ratio)
    return ratio
