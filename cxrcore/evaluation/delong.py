"""AUROC without resampling: DeLong's variance and tests, for one image per patient; and pairs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from cxrcore.evaluation.bootstrap import percentile_interval, resample_each
from cxrcore.evaluation.metrics import auroc

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def delong(scores: Floats, positive: Bools) -> tuple[Floats, Floats]:
    """AUROC (k,) of k models on the same images, and their covariance (k, k).

    `scores` (k, n), `positive` (n,). DeLong et al. 1988, doi 10.2307/2531595, by midranks in
    O(n log n): Sun & Xu 2014, doi 10.1109/LSP.2014.2337313. Images count as independent. Raises
    `ValueError` with fewer than two images of a class.
    """
    m, n = int(positive.sum()), int((~positive).sum())
    if min(m, n) < 2:
        raise ValueError("DeLong's variance needs two images of each class")
    overall = rankdata(scores, axis=1)
    # Of each positive the share of negatives below it; of each negative of positives above it.
    beaten = (overall[:, positive] - rankdata(scores[:, positive], axis=1)) / n
    losing = 1 - (overall[:, ~positive] - rankdata(scores[:, ~positive], axis=1)) / m
    covariance = np.cov(beaten) / m + np.cov(losing) / n
    return beaten.mean(axis=1), np.atleast_2d(covariance)


def delong_interval(scores: Floats, positive: Bools) -> tuple[float, float, float]:
    """AUROC of one model's scores (n,), and its 95 % interval, normal and within 0 and 1."""
    area, covariance = delong(scores[None], positive)
    low, high = area[0] + norm.ppf([0.025, 0.975]) * np.sqrt(covariance[0, 0])
    return float(area[0]), max(0.0, float(low)), min(1.0, float(high))


def delong_test(first: Floats, second: Floats, positive: Bools) -> tuple[float, float]:
    """AUROC of `first` less that of `second` (n,) on the same images, and its two-sided p.

    p is 1 where the difference has no variance and is 0.
    """
    areas, covariance = delong(np.stack([first, second]), positive)
    difference = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if variance <= 0:
        return difference, 0.0 if difference else 1.0
    return difference, float(2 * norm.sf(abs(difference) / np.sqrt(variance)))


def paired_difference(
    models: Sequence[Floats],
    positive: Bools,
    weights: NDArray[np.uint8],
    subject: NDArray[np.intp],
) -> tuple[float, float | None, float | None]:
    """AUROC of the first of two models less that of the second, and its 95 % interval.

    Both scores (n,) are of the same images, and both are resampled by the same patients:
    `weights` (replicates, patients) and each image's column `subject` (n,) in them.
    """
    statistics = [partial(auroc, scores, positive) for scores in models]
    first, second = (s(np.ones((1, len(positive))))[0] for s in statistics)
    resampled = resample_each(statistics, weights, subject)
    low, high, _ = percentile_interval(resampled[0] - resampled[1])
    return float(first - second), low, high
