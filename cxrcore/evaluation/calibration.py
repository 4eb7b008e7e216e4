"""Calibration of log odds: slopes and intercepts of logistic regressions on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Width of a node in log odds. The series that stands for the logistic function errs by less than
#: 3e-9 at the edge of a node, and the errors of many images cancel.
_WIDTH = 0.01


class Recalibration:
    """Logistic regressions of a class on its log odds, for many sets of weights (Cox 1958).

    Images of nearly equal log odds are summed up in a node, with the first two moments of their
    distances from it, so that Newton's method passes over some hundred nodes in place of all
    images. So slopes and intercepts are exact to about 1e-9; those of one set of weights alone are
    of the images themselves.
    """

    def __init__(self, log_odds: Floats, positive: Bools) -> None:
        """`log_odds` and `positive` (n,)."""
        self._middle, spread = float(log_odds.mean()), float(log_odds.std())
        # A common scale keeps the Hessian well conditioned; the slope is scaled back.
        self._scale = spread or 1.0
        x = (log_odds - self._middle) / self._scale
        self._totals_of = np.stack([positive, positive * x]).astype(np.float64)
        slope, intercept = np.full(2, np.nan), np.full(2, np.nan)
        if positive.any() and not positive.all():
            # Newton's method needs a start near the fit: what makes the mean log odds right.
            even = logit(positive.mean()) - logit(expit(log_odds).mean()) + self._middle
            intercept = self._equal(x, np.array([even, self._scale]), free_slope=False)
            slope = self._equal(x, np.zeros(2), free_slope=bool(spread))
        self._starts = {True: slope if spread else slope * np.nan, False: intercept}
        steepest = np.nanmax([abs(slope[1]), self._scale])
        self._images = np.arange(len(x)), x, np.zeros(len(x))
        self._nodes = _nodes(x, _WIDTH / steepest)

    def fits(self, weights: NDArray[Any]) -> Floats:
        """Slope and intercept (2, m) for weights (n, m), a row for each image.

        The intercept is that of a slope of 1. NaN where a class has no weight, or where the slope
        is infinite: where the log odds separate the classes.
        """
        from cxrcore.evaluation import kernels

        m = weights.shape[1]
        node, x, offset = self._images if m == 1 else self._nodes
        sums, totals = np.empty((len(x), 3, m)), np.empty((2, m))
        kernels.node_sums(node, offset, weights, sums)
        kernels.sums_of(self._totals_of, weights, totals)
        found = {}
        for free_slope, start in self._starts.items():
            found[free_slope] = np.full_like(totals, np.nan)
            if np.isfinite(start).all():
                kernels.logistic(x, start, free_slope, sums, totals, found[free_slope])
        return np.stack([found[True][1] / self._scale, found[False][0] - self._middle])

    def _equal(self, x: Floats, start: Floats, *, free_slope: bool) -> Floats:
        """Intercept and slope (2,) with equal weights, each image a node of its own."""
        from cxrcore.evaluation import kernels

        sums, fit = np.zeros((len(x), 3, 1)), np.empty((2, 1))
        sums[:, 0] = 1
        kernels.logistic(x, start, free_slope, sums, self._totals_of.sum(axis=1)[:, None], fit)
        return fit[:, 0]


def _nodes(x: Floats, width: float) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Each value's node (n,), the nodes' means, and the values' distances from them (n,)."""
    for number in (np.floor((x - x.min()) / width), x):
        _, node, images = np.unique(number, return_inverse=True, return_counts=True)
        middle = np.bincount(node, x) / images
        if 2 * len(images) < len(x):
            break
    return node, middle, np.where(images[node] > 1, x - middle[node], 0.0)
