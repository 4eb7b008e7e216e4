"""What a level of evidence states: an estimate beside its interval and its null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Adjustment = Literal["crude", "adjusted", "within_class", "matched"]
Side = Literal["greater", "two-sided"]


@dataclass(frozen=True)
class Estimate:
    """One statistic of one pair of tasks; what is not known or not tested is None."""

    statistic: str
    value: float
    """NaN: not defined."""
    subjects: int
    """Patients behind it."""
    adjustment: Adjustment = "crude"
    """crude; adjusted for age, sex and view; within the reference's classes; on a matched set."""
    low: float | None = None
    high: float | None = None
    """95 % interval."""
    p: float | None = None
    """Of the null hypothesis `null`."""
    null: str | None = None
    """Name of the null, such as "shuffled patients"."""
    null_low: float | None = None
    null_high: float | None = None
    """5th and 95th percentile of the statistic under its null."""
    smallest_effect: float | None = None
    """The smallest value that the test would have called significant at 0.05."""
    reason: str = ""
    """Why it may not be interpreted; empty: it may."""
    resampled: Floats | None = None
    """(r,) the statistic in the patient resamples, the same patients for every estimate."""


@dataclass(frozen=True)
class NullTest:
    """What draws of a statistic under its null say about its observed value."""

    p: float | None
    low: float | None
    high: float | None
    smallest_effect: float | None


def null_test(observed: float, draws: Floats, side: Side = "greater") -> NullTest:
    """The Monte Carlo p value (1 + draws at least as extreme) / (1 + draws), and the null's band.

    `draws` (r,) are of the statistic under the null; NaN draws are left out. The p value is
    valid at any number of draws (Phipson & Smyth 2010, doi 10.2202/1544-6115.1585); of
    "two-sided" the extremes are taken in absolute value. All None when nothing is finite.
    """
    draws = draws[np.isfinite(draws)]
    if not len(draws) or not np.isfinite(observed):
        return NullTest(None, None, None, None)
    extreme, value = (np.abs(draws), abs(observed)) if side == "two-sided" else (draws, observed)
    # Equal in all but rounding counts as equal.
    p = (1 + int((extreme >= value - 1e-12 * max(1.0, abs(value))).sum())) / (1 + len(draws))
    low, high = np.percentile(draws, [5, 95])
    return NullTest(p, float(low), float(high), float(np.quantile(extreme, 0.95)))


def beside_null(
    estimate: Estimate, interval: tuple[float | None, float | None], draws: Floats, null: str,
    side: Side = "greater",
) -> Estimate:  # fmt: skip
    """The estimate with its interval, and its p value under the draws (r,) of the null."""
    found = null_test(estimate.value, draws, side)
    return replace(
        estimate, low=interval[0], high=interval[1], p=found.p, null=null, null_low=found.low,
        null_high=found.high, smallest_effect=found.smallest_effect,
    )  # fmt: skip


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction over the p values that are there (Holm 1979)."""
    known = sorted((value, i) for i, value in enumerate(p) if value is not None)
    out: list[float | None] = [None] * len(p)
    largest = 0.0
    for rank, (value, i) in enumerate(known):
        largest = max(largest, min(1.0, value * (len(known) - rank)))
        out[i] = largest
    return out
