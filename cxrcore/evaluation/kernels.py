"""Loops over resampled weights, compiled by numba on their first call.

Everything else of the package works without numba: import this module where a kernel is called.
Weights come as (n, m), a row for each image: so the resamples of an image lie side by side, and one
instruction takes several of them. Kernels release the interpreter lock. None may take sums in
another order than written (fastmath): code from numba's cache then differs in the last digits from
code that was compiled just now.
"""

from __future__ import annotations

from math import exp, inf
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from cxrcore.compilation import compiled

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[Any]
Weights = NDArray[Any]

NEWTON_STEPS = 30
#: Newton's method doubles the digits with each step: what comes after is about 1e-10.
SMALLEST_STEP = 1e-5
_NEAR = 0.25


@compiled
def count(drawn: NDArray[np.uint32], out: NDArray[np.uint8]) -> None:
    """How often each number occurs in a row: (r, draws) to (r, numbers)."""
    out[:] = 0
    for row in range(len(drawn)):
        for number in drawn[row]:
            out[row, number] += 1


@compiled
def wins(ours: Floats, others: Floats, out: Floats) -> None:
    """Twice the pairs in which ours is higher, and once those that are equal; both are sorted."""
    total, below, upto = 0, 0, 0
    for score in ours:
        while below < len(others) and others[below] < score:
            below += 1
        while upto < len(others) and others[upto] <= score:
            upto += 1
        total += below + upto
    out[0] = total


@numba.njit  # type: ignore[untyped-decorator]
def _add(total: Floats, drawn: Weights) -> None:
    for j in range(total.size):
        total[j] += drawn[j]


@compiled
def areas(positive: Bools, starts: Indices, kinds: Indices, weights: Weights, out: Floats) -> None:
    """AUROC and average precision (2, m) of images (n,) by rising score.

    The images are in runs (starts, and n): of kind 0 are negatives, of kind 1 one positive, of
    kind 2 images of equal score. Gone through from the highest score down.
    """
    m = weights.shape[1]
    called, found, wins, area = np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m)
    ours, others = np.zeros(m), np.zeros(m)
    for run in range(len(kinds) - 1, -1, -1):
        first, end = starts[run], starts[run + 1]
        if kinds[run] == 1:
            _gain(weights[first], called, found, area)
            continue
        others[:] = 0
        for i in range(first, end):
            if not positive[i]:
                _add(others, weights[i])
        for j in range(m):
            wins[j] += 2 * others[j] * found[j]
            called[j] += others[j]
        if kinds[run] == 2:
            ours[:] = 0
            for i in range(first, end):
                if positive[i]:
                    _add(ours, weights[i])
            for j in range(m):
                wins[j] += ours[j] * others[j]
            _gain(ours, called, found, area)
    for j in range(m):
        pairs = 2 * found[j] * (called[j] - found[j])
        out[0, j] = wins[j] / pairs if pairs > 0 else np.nan
        out[1, j] = area[j] / found[j] if found[j] > 0 else np.nan


@numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
def _gain(drawn: Weights, called: Floats, found: Floats, area: Floats) -> None:
    """Positives of one score: what is called positive and found with them, and the precision."""
    for j in range(called.size):
        weight = float(drawn[j])
        called[j] += weight
        found[j] += weight
        # Where nothing is called yet there is nothing to gain either.
        area[j] += weight * (found[j] / (called[j] if called[j] > 0 else 1.0))


@compiled
def sums_of(columns: Floats, weights: Weights, out: Floats) -> None:
    """Weighted sums (c, m) of columns (c, n); those that are mostly 0 cost little."""
    out[:] = 0
    for i in range(len(weights)):
        drawn = weights[i]
        for c in range(len(columns)):
            value, total = columns[c, i], out[c]
            if value == 1:
                _add(total, drawn)
            elif value != 0:
                for j in range(drawn.size):
                    total[j] += value * drawn[j]


@compiled
def node_sums(node: Indices, offset: Weights, weights: Weights, out: Weights) -> None:
    """Sums (nodes, 3, m) of the weights, times the images' offsets (n,), times their squares."""
    out[:] = 0
    for i in range(len(node)):
        sums = out[node[i]]
        if offset[i] == 0:
            _add(sums[0], weights[i])
        else:
            _add_moments(weights[i], offset[i], sums[0], sums[1], sums[2])


@numba.njit  # type: ignore[untyped-decorator]
def _add_moments(drawn: Weights, by: float, none: Weights, one: Weights, two: Weights) -> None:
    square = by * by
    for j in range(drawn.size):
        weight = float(drawn[j])
        none[j] += weight
        one[j] += by * weight
        two[j] += square * weight


@numba.njit  # type: ignore[untyped-decorator]
def _series(t: float) -> float:
    """The exponential of a t that is at most `_NEAR`, by its first nine terms."""
    fourth = 1 / 24 + t * (1 / 120 + t * (1 / 720 + t * (1 / 5040 + t / 40320)))
    return 1 + t * (1 + t * (1 / 2 + t * (1 / 6 + t * fourth)))


def _sums_by(exponential: Any) -> Any:
    """Gradient (2) and Hessian (3) over nodes with a and b added to the coefficients of the start.

    The exponential is taken by a function that suits the distance from the start.
    """

    @numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
    def sums_of_nodes(
        x: Floats, odds_against: Floats, slope: float, sums: Weights, a: float, b: float
    ) -> tuple[float, ...]:
        g0 = g1 = h00 = h01 = h11 = 0.0
        none, one, two = sums[0], sums[1], sums[2]
        steep = slope + b
        for k in range(len(x)):
            p = 1 / (1 + odds_against[k] * exponential(-(a + b * x[k])))
            # Derivatives of p, for the images' offsets from the node.
            first = p * (1 - p)
            second = first * (1 - 2 * p)
            value = none[k] * p + steep * (one[k] * first + steep * two[k] * second / 2)
            h, aside = none[k] * first + steep * one[k] * second, one[k] * first
            g0 -= value
            g1 -= x[k] * value + one[k] * p + steep * two[k] * first
            h00 += h
            h01 += x[k] * h + aside
            h11 += x[k] * (x[k] * h + 2 * aside) + two[k] * first
        return g0, g1, h00, h01, h11

    return sums_of_nodes


_sums_near, _sums_far = _sums_by(_series), _sums_by(exp)


@numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
def _step(
    g0: float, g1: float, h00: float, h01: float, h11: float, free_slope: bool
) -> tuple[float, float]:
    """Step by which the gradient g vanishes, given the Hessian h."""
    determinant = h00 * h11 - h01 * h01
    if not (h00 > 0 and (determinant > 0 or not free_slope)):
        return np.nan, np.nan
    if free_slope:
        return (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant
    return g0 / h00, 0.0


@compiled
def logistic(
    x: Floats, start: Floats, free_slope: bool, sums: Weights, totals: Floats, out: Floats
) -> None:
    """Intercepts and slopes (2, m) of logistic regressions, by Newton's method from `start` (2,).

    Images are summed up in nodes: `x` (nodes,), and `sums` (m, 3, nodes) as of `node_sums`;
    `totals` (2, m) of the positives' weights and weights times their x. A slope that is not free
    stays. NaN where the method does not converge.
    """
    odds_against, largest = np.exp(-(start[0] + start[1] * x)), np.abs(x).max()
    for j in range(len(sums)):
        a = b = 0.0
        size = inf
        for _ in range(NEWTON_STEPS):
            # Near the start the series is exact to 1e-11, and cheaper.
            if abs(a) + abs(b) * largest < _NEAR:
                g0, g1, h00, h01, h11 = _sums_near(x, odds_against, start[1], sums[j], a, b)
            else:
                g0, g1, h00, h01, h11 = _sums_far(x, odds_against, start[1], sums[j], a, b)
            moved, turned = _step(totals[0, j] + g0, totals[1, j] + g1, h00, h01, h11, free_slope)
            a, b, size = a + moved, b + turned, abs(moved) + abs(turned)
            if not size > SMALLEST_STEP:
                break
        converged = size <= SMALLEST_STEP
        out[0, j] = start[0] + a if converged else np.nan
        out[1, j] = start[1] + b if converged else np.nan
