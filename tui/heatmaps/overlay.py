"""Attribution maps over a radiograph, as pictures. Numpy alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from tui.shared.colours import colours

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
    Image = np.ndarray[Any, np.dtype[np.uint8]]

Scaling = Literal["own maximum", "common maximum", "own 95th percentile"]
SCALINGS: tuple[Scaling, ...] = ("own maximum", "common maximum", "own 95th percentile")

#: From this share of the limit on a cell is drawn in full: weak evidence lets the chest be seen.
_FULL_FROM = 0.6


def limits(maps: Sequence[Floats], scaling: Scaling) -> list[float]:
    """The absolute value at the end of each map's colours; 1 where there is nothing to scale by."""
    import numpy as np

    if scaling == "own 95th percentile":
        ends = [np.nanpercentile(np.abs(m), 95) if np.isfinite(m).any() else 0.0 for m in maps]
    else:
        ends = [np.nanmax(np.abs(m)) if np.isfinite(m).any() else 0.0 for m in maps]
    if scaling == "common maximum" and ends:
        ends = [max(ends)] * len(ends)
    return [float(limit) or 1.0 for limit in ends]


def overlay(
    one: Floats | None, background: Floats, limit: float, opacity: float, *, signed: bool,
    side: int,
) -> Image:  # fmt: skip
    """A map (h, w) over a grey background (H, W), 0–255, as RGB (side, side, 3).

    Opacity follows the value, up to `opacity` (0–1). Bilinear between the centres of cells.
    Without a map the background alone; cells that are NaN are left clear.
    """
    import numpy as np

    grey = np.repeat(enlarged(background, side)[..., None], 3, axis=2)
    if one is None or not np.isfinite(one).any():
        return np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    values = enlarged(np.nan_to_num(one), side)
    strength = opacity * np.clip(np.abs(values) / (limit * _FULL_FROM), 0, 1)[..., None]
    mixed = grey + (colours(values, limit, signed=signed) - grey) * strength
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def enlarged(values: Floats, side: int) -> Floats:
    """(h, w) as (side, side), bilinear between the centres of cells, level at the edges."""
    import numpy as np

    rows, columns = values.shape
    small = np.asarray(values, dtype=np.float32)
    return np.asarray(_weights(rows, side) @ small @ _weights(columns, side).T)


@lru_cache(maxsize=32)
def _weights(cells: int, side: int) -> Floats:
    """(side, cells): what each cell adds to each place between the centres of cells."""
    import numpy as np

    at = np.clip((np.arange(side) + 0.5) * cells / side - 0.5, 0, cells - 1)
    low = np.minimum(at.astype(np.intp), max(0, cells - 2))
    out = np.zeros((side, cells), dtype=np.float32)
    out[np.arange(side), low] = 1 - (at - low)
    out[np.arange(side), np.minimum(low + 1, cells - 1)] += at - low
    return out
