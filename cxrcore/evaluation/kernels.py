"""Loops over resampled weights, compiled by numba on their first call.

Everything else of the package works without numba: import this module where a kernel is called.
A kernel reads each set of weights (r, n) once, allocates nothing, and releases the interpreter
lock. Weights of type uint8 are summed in integers, so without rounding; all others in float64.
"""

from __future__ import annotations

from functools import partial
from math import exp
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from cxrcore.compilation import compiled

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Weights = NDArray[Any]

NEWTON_STEPS = 30
#: Newton's method doubles the digits with each step: what comes after is about 1e-8.
SMALLEST_STEP = 1e-4
#: Sums of floats may be taken in the order that suits the processor's vectors.
_NEAR = 0.25
REORDERED = {"reassoc"}


def as_weights(weights: Weights) -> tuple[Weights, Any]:
    """Weights of a type that kernels are compiled for, and the zero that their sums start from."""
    if weights.dtype == np.uint8:
        return weights, np.int64(0)
    return np.asarray(weights, dtype=np.float64), np.float64(0)


@compiled
def count(drawn: NDArray[np.uint32], out: NDArray[np.uint8]) -> None:
    """How often each number occurs in a row: (r, draws) to (r, numbers)."""
    out[:] = 0
    for row in range(len(drawn)):
        for number in drawn[row]:
            out[row, number] += 1


@compiled
def auroc(
    order: NDArray[np.intp], positive: Bools, last: Bools, weights: Weights, zero: Any, out: Floats
) -> None:
    """Weighted Mann-Whitney statistic; images by rising score, `last` of each run of ties."""
    for row in range(len(weights)):
        lower = positives = wins = zero
        tied_positives = tied_negatives = zero
        for i in range(len(order)):
            weight = weights[row, order[i]] + zero
            hit = weight * positive[i]
            tied_positives += hit
            tied_negatives += weight - hit
            if last[i]:
                wins += tied_positives * (2 * lower + tied_negatives)
                lower += tied_negatives
                positives += tied_positives
                tied_positives = tied_negatives = zero
        pairs = 2.0 * positives * lower
        out[row] = wins / pairs if pairs > 0 else np.nan


@compiled
def auprc(
    order: NDArray[np.intp], positive: Bools, last: Bools, weights: Weights, zero: Any, out: Floats
) -> None:
    """Average precision; images by falling score, `last` of each run of ties."""
    for row in range(len(weights)):
        area = 0.0
        called = found = gained = zero
        for i in range(len(order)):
            weight = weights[row, order[i]] + zero
            called += weight
            gained += weight * positive[i]
            if last[i] and gained:
                found += gained
                area += gained * (found / called)
                gained = zero
        out[row] = area / found if found > 0 else np.nan


@partial(compiled, fastmath=REORDERED)
def ratio_of_sums(above: Floats, below: Floats, weights: Weights, out: Floats) -> None:
    """Weighted sum of `above` (n,) over that of `below` (n,); NaN where the latter is not > 0."""
    for row in range(len(weights)):
        a = b = 0.0
        for i in range(len(above)):
            a += weights[row, i] * above[i]
            b += weights[row, i] * below[i]
        out[row] = a / b if b > 0 else np.nan


@numba.njit(fastmath=REORDERED)  # type: ignore[untyped-decorator]
def _series(t: float) -> float:
    """The exponential of a t that is at most `_NEAR`, by its first nine terms."""
    fourth = 1 / 24 + t * (1 / 120 + t * (1 / 720 + t * (1 / 5040 + t / 40320)))
    return 1 + t * (1 + t * (1 / 2 + t * (1 / 6 + t * fourth)))


@numba.njit(fastmath=REORDERED)  # type: ignore[untyped-decorator]
def _first_step(
    weights: Weights, x: Floats, residual: Floats, h: Floats, third: Floats, free_slope: bool
) -> tuple[float, float]:
    """Step from the start, to the third order: Newton's, and the curvature that it leaves out.

    `residual`, `h` and `third` (n,) are y - p, and the first two derivatives of p.
    """
    g0 = g1 = h00 = h01 = h11 = t0 = t1 = t2 = t3 = 0.0
    for i in range(len(x)):
        r, v, t = weights[i] * residual[i], weights[i] * h[i], weights[i] * third[i]
        square = x[i] * x[i]
        g0 += r
        g1 += r * x[i]
        h00 += v
        h01 += v * x[i]
        h11 += v * square
        t0 += t
        t1 += t * x[i]
        t2 += t * square
        t3 += t * square * x[i]
    a = b = 0.0
    for _ in range(3):
        left0 = g0 - (a * a * t0 + 2 * a * b * t1 + b * b * t2) / 2
        left1 = g1 - (a * a * t1 + 2 * a * b * t2 + b * b * t3) / 2
        a, b = _solve(left0, left1, h00, h01, h11, free_slope)
    return a, b


@numba.njit  # type: ignore[untyped-decorator]
def _solve(
    g0: float, g1: float, h00: float, h01: float, h11: float, free_slope: bool
) -> tuple[float, float]:
    """Step by which the gradient g vanishes, given the Hessian h."""
    determinant = h00 * h11 - h01 * h01
    if not (h00 > 0 and (determinant > 0 or not free_slope)):
        return np.nan, np.nan
    if free_slope:
        return (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant
    return g0 / h00, 0.0


@numba.njit(fastmath=REORDERED)  # type: ignore[untyped-decorator]
def _sums(
    weights: Weights, x: Floats, positive: Bools, odds_against: Floats, a: float, b: float,
    near: bool,
) -> tuple[float, ...]:  # fmt: skip
    """Gradient (2) and Hessian (3) with a and b added to the coefficients of the start."""
    g0 = g1 = h00 = h01 = h11 = 0.0
    for i in range(len(x)):
        t = -(a + b * x[i])
        # Near the start the series is exact to 1e-11, and cheaper.
        p = 1 / (1 + odds_against[i] * (_series(t) if near else exp(t)))
        r, v = weights[i] * (positive[i] - p), weights[i] * p * (1 - p)
        g0 += r
        g1 += r * x[i]
        h00 += v
        h01 += v * x[i]
        h11 += v * x[i] * x[i]
    return g0, g1, h00, h01, h11


@compiled
def logistic(
    x: Floats, positive: Bools, start: Floats, free_slope: bool, weights: Weights, out: Floats
) -> None:
    """Intercept and slope (r, 2) of logistic regressions on x (n,), by Newton's method.

    Every fit begins at `start`; a slope that is not free stays there. NaN where the method does
    not converge.
    """
    odds_against = np.exp(-(start[0] + start[1] * x))
    p = 1 / (1 + odds_against)
    h, largest = p * (1 - p), np.abs(x).max()
    third = h * (1 - 2 * p)
    for row in range(len(weights)):
        drawn = weights[row]
        a, b = _first_step(drawn, x, positive - p, h, third, free_slope)
        # What the first step leaves out is of its third power: below 1e-6 where this is small.
        size = 10 * (abs(a) + abs(b)) ** 3
        for _ in range(NEWTON_STEPS):
            if not size > SMALLEST_STEP:
                break
            near = abs(a) + abs(b) * largest < _NEAR
            sums = _sums(drawn, x, positive, odds_against, a, b, near)
            step_a, step_b = _solve(*sums, free_slope)
            a, b, size = a + step_a, b + step_b, abs(step_a) + abs(step_b)
        converged = size <= SMALLEST_STEP
        out[row, 0] = start[0] + a if converged else np.nan
        out[row, 1] = start[1] + b if converged else np.nan
