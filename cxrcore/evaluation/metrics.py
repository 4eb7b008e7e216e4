"""How well scores tell classes apart, exactly and for many sets of weights at once.

Every function takes weights (r, n): r sets of non-negative weights for n images, and gives
(r,) values, NaN where a set of weights leaves a class empty.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Weights = NDArray[Any]

_NEWTON_STEPS = 30
#: Weights taken at once: keeps the temporaries in the cache.
_FIT_VALUES, _BLOCK_VALUES = 1 << 18, 1 << 15


def auroc(scores: Floats, positive: Bools, weights: Weights) -> Floats:
    """Area under the ROC curve: the weighted Mann-Whitney statistic, ties counted half.

    The images are sorted once; each set of weights then costs one running sum. Equal to
    `sklearn.metrics.roc_auc_score(positive, scores, sample_weight=w)` for every row w.
    """
    if 2 * positive.sum() < len(positive):
        # The running sum is the expensive part: keep it over the smaller class.
        return auroc(-scores, ~positive, weights)
    order = np.argsort(scores, kind="stable")
    above, below = order[positive[order]], order[~positive[order]]
    # How many negatives lie below each positive, ties left out and taken in.
    without = np.searchsorted(scores[below], scores[above], side="left")
    within = np.searchsorted(scores[below], scores[above], side="right")
    tied = not np.array_equal(without, within)
    rows = max(1, min(len(weights), _BLOCK_VALUES // max(1, len(scores))))
    # Kept from block to block: fresh memory for each would cost more than the sums.
    running, beaten = np.zeros((rows, len(below) + 1)), np.empty((rows, len(above)))
    area = np.full(len(weights), np.nan)
    for start in range(0, len(weights), rows):
        block = weights[start : start + rows]
        lost, won = running[: len(block)], beaten[: len(block)]
        drawn = block[:, above].astype(np.float64)
        np.cumsum(block[:, below], axis=1, dtype=np.float64, out=lost[:, 1:])
        # mode="clip" lets numpy write into `out` without a copy; no index is out of range.
        wins = _row_dot(drawn, np.take(lost, without, axis=1, out=won, mode="clip"))
        if tied:
            within_wins = np.take(lost, within, axis=1, out=won, mode="clip")
            wins = 0.5 * (wins + _row_dot(drawn, within_wins))
        area[start : start + rows] = _ratio(wins, drawn.sum(axis=1) * lost[:, -1])
    return area


def auprc(scores: Floats, positive: Bools, weights: Weights) -> Floats:
    """Average precision: the sum over thresholds of precision times gain in recall.

    The same step-wise sum as `sklearn.metrics.average_precision_score`.
    """
    order = np.argsort(-scores, kind="stable")
    last_of_ties = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    hit = positive[order]
    rows = max(1, _BLOCK_VALUES // max(1, len(scores)))
    area = np.full(len(weights), np.nan)
    for start in range(0, len(weights), rows):
        drawn = weights[start : start + rows][:, order].astype(np.float64)
        called = np.cumsum(drawn, axis=1)[:, last_of_ties]
        drawn *= hit
        found = np.cumsum(drawn, axis=1)[:, last_of_ties]
        precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
        gained = np.diff(found, axis=1, prepend=0.0)
        area[start : start + rows] = _ratio(_row_dot(gained, precision), found[:, -1])
    return area


def weighted_mean(values: Floats, weights: Weights) -> Floats:
    """Mean of `values` (n,) under each set of weights."""
    total = weights.sum(axis=1, dtype=np.float64)
    return _ratio(weights @ values, total)


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
    usable = np.full(len(weights), np.nan)
    if log_odds.std() == 0:
        return usable
    # A common scale keeps the Hessian well conditioned; the slope is scaled back.
    scale = log_odds.std()
    x = (log_odds - log_odds.mean()) / scale
    start = _logistic_fit(x, positive, np.ones((1, len(x))), np.zeros((1, 2)))
    if np.isnan(start).any():
        return usable
    rows = max(1, _FIT_VALUES // len(x))
    blocks = [weights[i : i + rows] for i in range(0, len(weights), rows)]
    fits = [_logistic_fit(x, positive, b, np.repeat(start, len(b), axis=0)) for b in blocks]
    return np.asarray(np.concatenate(fits)[:, 1] / scale)


def _logistic_fit(x: Floats, positive: Bools, weights: Weights, start: Floats) -> Floats:
    """Intercept and slope (r, 2) for each set of weights; NaN where Newton's method fails."""
    fit = start.copy()
    open_rows = np.arange(len(weights))
    square = x * x
    with np.errstate(all="ignore"):
        for _ in range(_NEWTON_STEPS):
            drawn = weights[open_rows].astype(np.float64)
            p = expit(fit[open_rows, :1] + fit[open_rows, 1:] * x)
            residual = drawn * (positive - p)
            drawn *= p * (1 - p)
            g0, g1 = residual.sum(axis=1), residual @ x
            h00, h01, h11 = drawn.sum(axis=1), drawn @ x, drawn @ square
            step = np.stack([h11 * g0 - h01 * g1, h00 * g1 - h01 * g0], axis=1)
            step /= (h00 * h11 - h01**2)[:, None]
            fit[open_rows] += step
            open_rows = open_rows[~(np.abs(step).max(axis=1) < 1e-10)]
            if not len(open_rows):
                break
    fit[open_rows] = np.nan
    return fit


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
    called = (scores >= threshold).astype(np.float64)
    return weighted_mean(called[positive], weights[:, positive])


def specificity(scores: Floats, positive: Bools, threshold: float, weights: Weights) -> Floats:
    """Share of the negatives with a score below `threshold`."""
    passed = (scores < threshold).astype(np.float64)
    return weighted_mean(passed[~positive], weights[:, ~positive])


def r2(truth: Floats, predicted: Floats, weights: Weights) -> Floats:
    """Share of the variance of `truth` (n,) that is predicted; 0: no better than its mean."""
    mean = weighted_mean(truth, weights)
    total = weighted_mean(truth**2, weights) - mean**2
    return np.asarray(1 - _ratio(weighted_mean((truth - predicted) ** 2, weights), total))


def _row_dot(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.einsum("rn,rn->r", a, b))


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.asarray(np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0))
