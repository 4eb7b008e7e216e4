"""Passes over sorted images that read curves off at a grid, compiled by numba on their first call.

Import this module where a kernel is called. Images come from the highest score down, `last` (n,)
marks the last of each run of equal scores; weights (r, n) are in the images' own order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxrcore.compilation import compiled

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]


@compiled
def roc(
    order: Indices, hit: Bools, last: Bools, weights: NDArray[Any], grid: Floats, out: Floats
) -> None:
    """Sensitivity (r, grid), interpolated between thresholds; NaN where a class is not drawn."""
    for row in range(len(weights)):
        positives, negatives = 0.0, 0.0
        for i in range(len(order)):
            weight = float(weights[row, order[i]])
            positives += weight * hit[i]
            negatives += weight * (not hit[i])
        if not (positives > 0 and negatives > 0):
            out[row] = np.nan
            continue
        x0 = y0 = true = false = 0.0
        point = 0
        for i in range(len(order)):
            weight = float(weights[row, order[i]])
            true += weight * hit[i]
            false += weight * (not hit[i])
            if last[i]:
                x, y = false / negatives, true / positives
                while point < len(grid) and grid[point] < x:
                    out[row, point] = (y - y0) / (x - x0) * (grid[point] - x0) + y0
                    point += 1
                x0, y0 = x, y
        out[row, point:] = y0


@compiled
def precision_recall(
    order: Indices, hit: Bools, last: Bools, weights: NDArray[Any], recalls: Floats, out: Floats
) -> None:
    """Precision (r, recalls) at the highest threshold that reaches each recall; NaN: none does."""
    for row in range(len(weights)):
        positives = 0.0
        for i in range(len(order)):
            positives += float(weights[row, order[i]]) * hit[i]
        out[row] = np.nan
        true = called = 0.0
        point = 0
        for i in range(len(order)):
            weight = float(weights[row, order[i]])
            true += weight * hit[i]
            called += weight
            while last[i] and point < len(recalls) and true >= recalls[point] * positives > 0:
                out[row, point] = true / called
                point += 1
