"""Pixels as half blocks: every cell of the terminal shows two pixels, one above the other.

Half blocks work wherever text does: in tmux, over SSH, in a browser and in an SVG.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size

if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    Array = np.ndarray[Any, Any]

    from tui.shared.colours import Image

#: Shades are distinguished in steps of this size only, so that cells repeat and are made once.
_STEP = 4
#: Without colours, from dark to bright.
_BLOCKS = " ░▒▓█"
#: What stands at the sides of a radiograph, from so many cells across on.
SIDES, _LEAST_MARKED = ("R", "L"), 8


def size_in(room: Size, image: Image) -> Size:
    """How many cells `image` takes at most in so many, its shape kept."""
    rows, columns = image.shape[:2]
    scale = min(room.width / columns, 2 * room.height / rows)
    return Size(max(1, int(columns * scale)), max(1, int(rows * scale) // 2))


def part_of(image: Array, whole: Size, part: Region) -> Array:
    """The pixels of a part of `image`, were it drawn in so many cells as a whole.

    Colours (rows, columns, 3), uint8, or single numbers (rows, columns), float32.
    """
    import numpy as np
    from PIL import Image as Pillow

    rows, columns = image.shape[:2]
    across, down = columns / whole.width, rows / whole.height
    box = part.x * across, part.y * down, part.right * across, part.bottom * down
    # Averages when the picture shrinks, interpolates when it grows.
    picture = Pillow.fromarray(image).resize(
        (part.width, 2 * part.height), Pillow.Resampling.BILINEAR, box
    )
    return np.asarray(picture)


def in_colours(pixels: Image) -> list[list[Segment]]:
    """Pixels (rows, columns, 3), of an even number of rows, as lines of cells.

    R and L mark the patient's sides.
    """
    rows, columns = pixels.shape[:2]
    shades = (pixels // _STEP * _STEP + _STEP // 2).reshape(rows // 2, 2, columns, 3)
    cells = shades.transpose(0, 2, 1, 3).reshape(rows // 2, columns, 6).tolist()
    lines = [[_cell(*six) for six in line] for line in cells]
    if columns >= _LEAST_MARKED:
        for at, letter in zip((0, -1), SIDES, strict=True):
            lines[0][at] = _letter(letter, *cells[0][at][3:])
    return lines


def in_shades(pixels: Image) -> list[str]:
    """Pixels (rows, columns, 3), of an even number of rows, as blocks: fuller, brighter."""
    rows, columns = pixels.shape[:2]
    light = pixels.reshape(rows // 2, 2, columns, 3).mean(axis=(1, 3))
    steps = (light * len(_BLOCKS) / 256).astype(int)
    return ["".join(_BLOCKS[step] for step in line) for line in steps.tolist()]


@lru_cache(maxsize=1 << 15)
def _cell(r: int, g: int, b: int, under_r: int, under_g: int, under_b: int) -> Segment:
    """A half block: the upper pixel in the foreground, the lower one behind it."""
    colour, under = Color.from_rgb(r, g, b), Color.from_rgb(under_r, under_g, under_b)
    return Segment("▀", Style.from_color(colour, under))


def _letter(letter: str, r: int, g: int, b: int) -> Segment:
    """A letter that can be read on a colour."""
    ink = Color.parse("black" if max(r, g, b) > 140 else "bright_white")
    return Segment(letter, Style.from_color(ink, Color.from_rgb(r, g, b)) + Style(bold=True))
