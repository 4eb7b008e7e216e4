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
_NEAR = 0.75


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
            value = columns[c, i]
            if value != 0:
                # Written to in place: of a row of its own one would not know what it overlaps.
                for j in range(drawn.size):
                    out[c, j] += value * drawn[j]


@compiled
def node_sums(node: Indices, offset: Weights, weights: Weights, out: Weights) -> None:
    """Sums (nodes, 3, m) of the weights, times the images' offsets (n,), times their squares."""
    out[:] = 0
    for i in range(len(node)):
        drawn, at, by = weights[i], node[i], float(offset[i])
        square = by * by
        if by == 0:
            for j in range(drawn.size):
                out[at, 0, j] += drawn[j]
        else:
            for j in range(drawn.size):
                weight = float(drawn[j])
                out[at, 0, j] += weight
                out[at, 1, j] += by * weight
                out[at, 2, j] += square * weight


@numba.njit  # type: ignore[untyped-decorator]
def _series(t: float) -> float:
    """The exponential of a t that is at most `_NEAR`, by its first 13 terms."""
    tenth = 1 / 3628800 + t * (1 / 39916800 + t / 479001600)
    sixth = 1 / 720 + t * (1 / 5040 + t * (1 / 40320 + t * (1 / 362880 + t * tenth)))
    return 1 + t * (1 + t * (1 / 2 + t * (1 / 6 + t * (1 / 24 + t * (1 / 120 + t * sixth)))))


def _nodes_by(exponential: Any) -> Any:
    """Adds up a row of `state` (7, m): a and b, a gradient (2) and a Hessian (3).

    The exponential is taken by a function that suits the distance from the start.
    """

    @numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
    def add_nodes(
        x: Floats, odds_against: Floats, slope: float, sums: Weights, state: Floats
    ) -> None:
        state[2:] = 0
        for k in range(len(x)):
            node, at, against = sums[k], x[k], odds_against[k]
            # One array alone is written to, and the sets of weights lie side by side.
            for j in range(state.shape[1]):
                a, b = state[0, j], state[1, j]
                none, one, two = node[0, j], node[1, j], node[2, j]
                p = 1 / (1 + against * exponential(-(a + b * at)))
                # Derivatives of p, for the images' offsets from the node.
                first = p * (1 - p)
                second = first * (1 - 2 * p)
                steep = slope + b
                value = none * p + steep * (one * first + steep * two * second / 2)
                h, aside = none * first + steep * one * second, one * first
                state[2, j] -= value
                state[3, j] -= at * value + one * p + steep * two * first
                state[4, j] += h
                state[5, j] += at * h + aside
                state[6, j] += at * (at * h + 2 * aside) + two * first

    return add_nodes


_add_near, _add_far = _nodes_by(_series), _nodes_by(exp)


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

    Images are summed up in nodes: `x` (nodes,), and `sums` (nodes, 3, m) as of `node_sums`;
    `totals` (2, m) of the positives' weights and weights times their x. A slope that is not free
    stays. NaN where the method does not converge.
    """
    odds_against, largest = np.exp(-(start[0] + start[1] * x)), np.abs(x).max()
    m = totals.shape[1]
    state, sizes, left = np.zeros((7, m)), np.full(m, inf), m
    for _ in range(NEWTON_STEPS):
        # Near the start the series is exact to 1e-11, and cheaper.
        _add_near(x, odds_against, start[1], sums, state)
        for j in range(m):
            if not sizes[j] > SMALLEST_STEP:
                continue
            if not abs(state[0, j]) + abs(state[1, j]) * largest < _NEAR:
                one = state[:, j : j + 1]
                _add_far(x, odds_against, start[1], sums[:, :, j : j + 1], one)
            g0, g1 = totals[0, j] + state[2, j], totals[1, j] + state[3, j]
            moved, turned = _step(g0, g1, state[4, j], state[5, j], state[6, j], free_slope)
            state[0, j] += moved
            state[1, j] += turned
            sizes[j] = abs(moved) + abs(turned)
            left -= not sizes[j] > SMALLEST_STEP
        if left == 0:
            break
    for j in range(m):
        converged = sizes[j] <= SMALLEST_STEP
        out[0, j] = start[0] + state[0, j] if converged else np.nan
        out[1, j] = start[1] + state[1, j] if converged else np.nan
