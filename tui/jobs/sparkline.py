"""A few numbers as bars in a line."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(
    values: Sequence[float], width: int, limits: tuple[float, float] | None = None
) -> str:
    """The last `width` values as bars between `limits`, by default the least and the greatest."""
    shown = values[-width:]
    low, high = limits or (min(shown, default=0.0), max(shown, default=0.0))
    top = len(_BARS) - 1
    if low == high:
        return _BARS[top // 2] * len(shown)
    return "".join(_BARS[round(top * min(1.0, max(0.0, (v - low) / (high - low))))] for v in shown)
