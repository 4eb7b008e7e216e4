"""The numbers of a map: the one at a place in words, and all of them as digits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING

from tui.shared.numbers import NONE, brief_unit, number

if TYPE_CHECKING:
    from tui.shared.colours import Floats

#: Shares of a picture's width from which on it is no longer the right, and already the left.
_MIDLINE = (0.45, 0.55)
_THIRDS = ("upper", "mid", "lower")


@dataclass(frozen=True, eq=False)
class MapValues:
    """What a picture is coloured by: `values` (h, w), from −`limit` or 0 to `limit`, in `unit`."""

    values: Floats
    limit: float
    unit: str

    @cached_property
    def shares(self) -> Floats:
        """Of the limit, float32; 0 where there is nothing."""
        import numpy as np

        return np.asarray(np.nan_to_num(self.values / self.limit), dtype=np.float32)

    def at(self, x: float, y: float) -> str:
        """The zone and the value of the cell at shares of width and height, 0 to 1, in words."""
        height, width = self.values.shape
        value = float(self.values[min(int(y * height), height - 1), min(int(x * width), width - 1)])
        shown = number(value, 2) if isfinite(value) else NONE
        return f"{zone_of(x, y)}, {shown} {brief_unit(self.unit)}".rstrip()

    def as_digits(self, width: int, height: int) -> list[str]:
        """`height` lines of `width` letters: in the middle of each cell, tenths of the limit.

        The sign stands before a digit; where there is no room for both, there are no lines.
        """
        rows, columns = self.values.shape
        if width < 2 * columns or height < rows:
            return []
        lines = [[" "] * width for _ in range(height)]
        for i, row in enumerate(self.values.tolist()):
            line = lines[int((i + 0.5) * height / rows)]
            for k, value in enumerate(row):
                at = int((k + 0.5) * width / columns)
                line[at - 1 : at + 1] = _digit(value / self.limit).rjust(2)
        return ["".join(line) for line in lines]


def zone_of(x: float, y: float) -> str:
    """Side and third of a radiograph; the patient's right is on the left."""
    third = _THIRDS[min(int(3 * y), 2)]
    if _MIDLINE[0] <= x < _MIDLINE[1]:
        return f"central {third} zone"
    return f"{'right' if x < _MIDLINE[0] else 'left'} {third} zone"


def _digit(share: float) -> str:
    """Tenths with their sign, at most 9; a dot where there is nothing."""
    if not isfinite(share):
        return " "
    tenths = min(9, int(abs(share) * 10))
    return f"{'−' if share < 0 else '+'}{tenths}" if tenths else "·"
