"""How well scores tell classes apart, exactly and for many sets of weights at once.

Every function takes weights (r, n): r sets of non-negative weights for n images, and gives
(r,) values, NaN where a set of weights leaves a class empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxrcore.evaluation.calibration import Recalibration

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Weights = NDArray[Any]

#: Sets of weights that are gone through together: those of an image fill a line of the cache.
LANES = 64


class Ranking:
    """AUROC and average precision of scores for many sets of weights: sorted once."""

    def __init__(self, scores: Floats, positive: Bools) -> None:
        """`scores` and `positive` (n,) of the images."""
        self.order = np.argsort(scores, kind="stable")
        """(n,) by rising score."""
        self._positive = hit = positive[self.order]
        ends = np.append(np.flatnonzero(np.diff(scores[self.order])) + 1, len(hit))
        images = np.diff(ends, prepend=0)
        hits = np.diff(np.append(0, np.cumsum(hit))[ends], prepend=0)
        # Of equal scores: 0 negatives alone, 1 a single positive, 2 anything else.
        kind = np.where(hits == 0, 0, np.where(images == 1, 1, 2))
        # Negatives that follow each other are one run.
        first = np.append(True, (kind[1:] > 0) | (kind[:-1] > 0))
        self._starts = np.append((ends - images)[first], len(hit)).astype(np.uint32)
        self._kinds = kind[first].astype(np.uint8)

    def areas(self, weights: Weights) -> Floats:
        """AUROC and average precision (2, m); weights (n, m), a row for each image in `order`."""
        from cxrcore.evaluation import kernels

        out = np.empty((2, weights.shape[1]))
        kernels.areas(self._positive, self._starts, self._kinds, weights, out)
        return out


def auroc(scores: Floats, positive: Bools, weights: Weights) -> Floats:
    """Area under the ROC curve: the weighted Mann-Whitney statistic, ties counted half.

    Equal to `sklearn.metrics.roc_auc_score(positive, scores, sample_weight=w)` for every row w.
    """
    ranking = Ranking(scores, positive)
    return np.asarray(_in_lanes(ranking.areas, weights, ranking.order)[0])


def auroc_of(scores: NDArray[np.floating], positive: Bools) -> float:
    """As `auroc` with equal weights, several times as fast: for one set of many scores each.

    NaN where a class is empty.
    """
    ours, others = np.sort(scores[positive]), np.sort(scores[~positive])
    if not len(ours) or not len(others):
        return float("nan")
    from cxrcore.evaluation import kernels

    wins = np.empty(1)
    kernels.wins(ours, others, wins)
    return float(wins[0] / (2 * len(ours) * len(others)))


def auprc(scores: Floats, positive: Bools, weights: Weights) -> Floats:
    """Average precision: the sum over thresholds of precision times gain in recall.

    The same step-wise sum as `sklearn.metrics.average_precision_score`.
    """
    ranking = Ranking(scores, positive)
    return np.asarray(_in_lanes(ranking.areas, weights, ranking.order)[1])


def weighted_mean(values: Floats, weights: Weights) -> Floats:
    """Mean of `values` (n,) under each set of weights."""
    return _ratio_of_sums(values, np.ones(len(values)), weights)


def squared_errors(probabilities: Floats, target: NDArray[np.intp]) -> Floats:
    """Squared errors (n,) of `probabilities` (n, k) against the true class: Brier's score of each.

    Two classes: the error of the last class (0 to 1). More: the sum over classes (0 to 2),
    Brier's own form.
    """
    error = (probabilities - np.eye(probabilities.shape[1])[target]) ** 2
    return np.asarray(error[:, 1] if error.shape[1] == 2 else error.sum(axis=1))


def calibration_slope(log_odds: Floats, positive: Bools, weights: Weights) -> Floats:
    """Slope b of the logistic regression logit P(positive) = a + b * log_odds (Cox 1958).

    1 is ideal, below 1 is overconfident. NaN where the log odds separate the classes.
    """
    return np.asarray(_in_lanes(Recalibration(log_odds, positive).fits, weights)[0])


def calibration_intercept(log_odds: Floats, positive: Bools, weights: Weights) -> Floats:
    """Intercept a of logit P(positive) = a + log_odds: calibration in the large (Cox 1958).

    0 is ideal, below 0 the positive class is predicted too often (Van Calster 2019,
    doi 10.1186/s12916-019-1466-7). NaN where a set of weights leaves a class empty.
    """
    return np.asarray(_in_lanes(Recalibration(log_odds, positive).fits, weights)[1])


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


def lanes(weights: Weights) -> Iterator[Weights]:
    """Weights (r, n) in blocks (n, m), a row for each image, of a type that kernels take."""
    kind = np.uint8 if weights.dtype == np.uint8 else np.float64
    for start in range(0, len(weights), LANES):
        yield np.ascontiguousarray(weights[start : start + LANES].T, dtype=kind)


def _in_lanes(
    statistic: Callable[[Weights], Floats], weights: Weights, order: NDArray[np.intp] | None = None
) -> Floats:
    """A statistic (s, m) of blocks (n, m) of weights, of images in `order`: (s, r)."""
    taken = (b if order is None else np.take(b, order, axis=0) for b in lanes(weights))
    return np.concatenate([statistic(block) for block in taken], axis=1)


def _ratio_of_sums(above: NDArray[Any], below: NDArray[Any], weights: Weights) -> Floats:
    columns = np.stack([above, below]).astype(np.float64)
    over, under = _in_lanes(partial(_sums, columns), weights)
    nothing = np.full(len(under), np.nan)
    return np.asarray(np.divide(over, under, out=nothing, where=under > 0))


def _sums(columns: Floats, weights: Weights) -> Floats:
    from cxrcore.evaluation import kernels

    out = np.empty((len(columns), weights.shape[1]))
    kernels.sums_of(columns, weights, out)
    return out
