"""Numbers and intervals as text."""

from __future__ import annotations

NONE = "–"


def number(value: float | None, digits: int = 3) -> str:
    """A number with fixed decimals and a true minus; a dash when there is none."""
    return NONE if value is None else f"{value:.{digits}f}".replace("-", "−")


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """Low to high, with "to" where a bound is negative; a dash when there is none."""
    if low is None or high is None:
        return NONE
    joint = " to " if min(low, high) < 0 else "–"
    return f"{number(low, digits)}{joint}{number(high, digits)}"
