"""An axis in a line of text: where values stand on it, intervals, and its ticks."""

from __future__ import annotations

from tui.shared.axes import Axis
from tui.shared.numbers import number

#: What covers both halves of a cell, its left half, its right half.
_WHOLE, _LEFT, _RIGHT = "━", "╸", "╺"


def cell_of(value: float, axis: Axis, width: int) -> int:
    """The cell of a value among the `width` of the axis; the nearest end for one beyond it."""
    share = (value - axis.low) / (axis.high - axis.low)
    return max(0, min(width - 1, int(share * width)))


def interval_line(low: float, high: float, value: float, axis: Axis, width: int, sign: str) -> str:
    """An interval to half a cell, with `sign` at its value."""
    first, last = cell_of(low, axis, 2 * width), cell_of(high, axis, 2 * width)
    cells = [" "] * width
    for at in range(first // 2, last // 2 + 1):
        cells[at] = _RIGHT if 2 * at < first else _LEFT if 2 * at + 1 > last else _WHOLE
    cells[cell_of(value, axis, width)] = sign
    return "".join(cells)


def tick_line(axis: Axis, width: int) -> str:
    """The axis's numbers, each beside a tick at its cell."""
    digits = next((d for d in range(6) if all(round(t, d) == t for t in axis.ticks)), 6)
    line = ""
    for tick in axis.ticks:
        text, at = f"╵{number(tick, digits)}", cell_of(tick, axis, width)
        if at + len(text) > width:
            text, at = f"{number(tick, digits)}╵", at + 1 - len(text)
        if at >= len(line) + bool(line):
            line = line.ljust(at) + text
    return line
