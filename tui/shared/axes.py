"""Axes of plots in cells of a terminal: limits that let ticks lie equally many cells apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import floor, log10

#: An axis of AUROC is no shorter: differences below a few hundredths are noise.
_LEAST_AUROC = 0.1
#: Share of an axis that is to be used.
_FILLED = 0.8
Limits = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, with its ticks."""

    low: float
    high: float
    ticks: tuple[float, ...] = ()


def even_axis(limits: Limits, cells: int, apart: int, *, whole: bool = False) -> Axis:
    """An axis of `cells` cells over `limits`, with ticks at least `apart` cells from each other.

    Ticks are multiples of 1, 2 or 5 times a power of ten within the limits; whole numbers if
    `whole`. The finest are taken that leave little of the axis empty.
    """
    length = limits[1] - limits[0]
    first = 0 if whole else floor(log10(length / max(1, cells)))
    steps = (m * 10.0**k for k in range(first, first + 12) for m in (1, 2, 5))
    axes: list[Axis] = []
    for step in takewhile(lambda step: step <= length, steps):
        axis = _axis(limits, cells, apart, step)
        # A single tick would not tell the scale.
        if axis is not None and len(axis.ticks) > 1:
            axes.append(axis)
            if length >= _FILLED * (axis.high - axis.low):
                return axis
    return min(axes, key=lambda axis: axis.high - axis.low, default=Axis(*limits))


def _axis(limits: Limits, cells: int, apart: int, step: float) -> Axis | None:
    """The shortest axis with a whole number of cells from one multiple of `step` to the next."""
    low, high = limits
    for per_step in range(floor(cells * step / (high - low)), apart - 1, -1):
        cell = step / per_step
        start = floor(low / cell + 1e-9) * cell
        # The last cell begins at `high` at the latest; what lies beyond it is the frame.
        if start + (cells - 1) * cell >= high - 1e-9 * cell:
            first, last = -floor(-low / step + 1e-9), floor(high / step + 1e-9)
            ticks = tuple(round(i * step, 12) for i in range(first, last + 1))
            # Just below the first cell, so that rounding puts no tick one cell further down.
            start -= 1e-6 * cell
            return Axis(start, start + cells * cell, ticks)
    return None


def limits_of(values: Sequence[float], least: float = 0.0) -> Limits:
    """Limits with a margin around all values, at least `least` apart.

    What is never negative gets none that says it might be.
    """
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = max(0.05 * (high - low), (least - (high - low)) / 2)
    if high + room == low - room:
        room = 1.0
    return (low - room if low < 0 else max(0.0, low - room)), high + room


def auroc_limits(values: Sequence[float]) -> Limits:
    """Limits around AUROCs, none of which is above 1."""
    low, high = limits_of(values, _LEAST_AUROC)
    return low, min(high, 1.0)
