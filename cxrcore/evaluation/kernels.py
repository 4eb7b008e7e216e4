"""Loops over resampled weights, compiled by numba on their first call.

Everything else of the package works without numba: import this module where a kernel is called.
Weights come as (n, m), a row for each image: so the resamples of an image lie side by side, and one
instruction takes several of them. Kernels release the interpreter lock.
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
_NEAR, _NEAR_STEPS = 0.25, 5
#: Sums of floats may be taken in the order that suits the processor's vectors.
REORDERED = {"reassoc"}


@compiled
def count(drawn: NDArray[np.uint32], out: NDArray[np.uint8]) -> None:
    """How often each number occurs in a row: (r, draws) to (r, numbers)."""
    out[:] = 0
    for row in range(len(drawn)):
        for number in drawn[row]:
            out[row, number] += 1


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
def node_sums(node: Indices, offset: Floats, weights: Weights, out: Floats) -> None:
    """Sums (nodes, 3, m) of the weights, times the images' offsets (n,), times their squares."""
    out[:] = 0
    for i in range(len(node)):
        drawn, sums, by, square = weights[i], out[node[i]], offset[i], offset[i] ** 2
        if by == 0:
            _add(sums[0], drawn)
            continue
        for j in range(drawn.size):
            weight = float(drawn[j])
            sums[0, j] += weight
            sums[1, j] += by * weight
            sums[2, j] += square * weight


@numba.njit(fastmath=REORDERED)  # type: ignore[untyped-decorator]
def _series(t: float) -> float:
    """The exponential of a t that is at most `_NEAR`, by its first nine terms."""
    fourth = 1 / 24 + t * (1 / 120 + t * (1 / 720 + t * (1 / 5040 + t / 40320)))
    return 1 + t * (1 + t * (1 / 2 + t * (1 / 6 + t * fourth)))


def _node_adder(exponential: Any) -> Any:
    """A function that adds what one node takes from the gradients, and its part of the Hessians."""

    @numba.njit(fastmath=REORDERED, error_model="numpy")  # type: ignore[untyped-decorator]
    def add(
        x: float, odds_against: float, slope: float, sums: Floats, fit: Floats, g: Floats
    ) -> None:
        for j in range(fit.shape[1]):
            k = slope + fit[1, j]
            p = 1 / (1 + odds_against * exponential(-(fit[0, j] + fit[1, j] * x)))
            # Derivatives of p, for the images' offsets from the node.
            first = p * (1 - p)
            second = first * (1 - 2 * p)
            value = sums[0, j] * p + k * (sums[1, j] * first + k * sums[2, j] * second / 2)
            h, aside = sums[0, j] * first + k * sums[1, j] * second, sums[1, j] * first
            g[0, j] -= value
            g[1, j] -= x * value + sums[1, j] * p + k * sums[2, j] * first
            g[2, j] += h
            g[3, j] += x * h + aside
            g[4, j] += x * (x * h + 2 * aside) + sums[2, j] * first

    return add


_add_near, _add_far = _node_adder(_series), _node_adder(exp)


@numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
def _move(g: Floats, free_slope: bool, fit: Floats, size: Floats) -> None:
    """Newton's step on fits (2, m) with gradients and Hessians g (5, m); `size` (m,) of it."""
    for j in range(g.shape[1]):
        determinant = g[2, j] * g[4, j] - g[3, j] * g[3, j]
        if not (g[2, j] > 0 and (determinant > 0 or not free_slope)):
            a = b = np.nan
        elif free_slope:
            a = (g[4, j] * g[0, j] - g[3, j] * g[1, j]) / determinant
            b = (g[2, j] * g[1, j] - g[3, j] * g[0, j]) / determinant
        else:
            a, b = g[0, j] / g[2, j], 0.0
        fit[0, j] += a
        fit[1, j] += b
        size[j] = abs(a) + abs(b)


@numba.njit  # type: ignore[untyped-decorator]
def _alone(
    x: Floats, odds_against: Floats, slope: float, free_slope: bool, sums: Floats, totals: Floats
) -> tuple[float, float]:
    """What one fit (m = 1) adds to the start, however far it is; NaN: it does not converge."""
    g, fit, size = np.empty((5, 1)), np.zeros((2, 1)), np.empty(1)
    for _ in range(NEWTON_STEPS):
        g[:2], g[2:] = totals, 0
        for k in range(len(x)):
            _add_far(x[k], odds_against[k], slope, sums[k], fit, g)
        _move(g, free_slope, fit, size)
        if size[0] <= SMALLEST_STEP:
            return fit[0, 0], fit[1, 0]
        if not size[0] < inf:
            break
    return np.nan, np.nan


@compiled
def logistic(
    x: Floats, start: Floats, free_slope: bool, sums: Floats, totals: Floats, out: Floats
) -> None:
    """Intercepts and slopes (2, m) of logistic regressions, by Newton's method from `start` (2,).

    Images are summed up in nodes: `x` (nodes,) and `sums` (nodes, 3, m) as in `node_sums`;
    `totals` (2, m) of the positives' weights and weights times their x. A slope that is not free
    stays. NaN where the method does not converge.
    """
    odds_against, largest = np.exp(-(start[0] + start[1] * x)), np.abs(x).max()
    g, size = np.empty((5, totals.shape[1])), np.empty(totals.shape[1])
    out[:] = 0
    # Near the start a series takes the place of the exponential: many fits at once.
    for _ in range(_NEAR_STEPS):
        g[:2], g[2:] = totals, 0
        for k in range(len(x)):
            _add_near(x[k], odds_against[k], start[1], sums[k], out, g)
        _move(g, free_slope, out, size)
        for j in range(len(size)):
            if not abs(out[0, j]) + abs(out[1, j]) * largest < _NEAR:
                out[:, j], size[j] = 0, inf
        if not ((size > SMALLEST_STEP) & (size < inf)).any():
            break
    for j in range(len(size)):
        if not size[j] <= SMALLEST_STEP:
            one, total = sums[:, :, j : j + 1].copy(), totals[:, j : j + 1].copy()
            out[0, j], out[1, j] = _alone(x, odds_against, start[1], free_slope, one, total)
        out[0, j] += start[0]
        out[1, j] += start[1]
