"""Pictures in half blocks: every cell of the terminal shows two pixels, one above the other.

Half blocks work wherever text does: in tmux, over SSH, in a browser and in an SVG.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    import numpy as np

    Image = np.ndarray[Any, np.dtype[np.uint8]]

#: Shades are distinguished in steps of this size only, so that cells repeat and are made once.
_STEP = 4


class Picture(Widget):
    """Shows an RGB image (rows, columns, 3), uint8, as large as fits, its shape kept."""

    DEFAULT_CSS = "Picture { width: 1fr; height: 1fr; }"

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._image: Image | None = None
        self._drawn: tuple[Size, list[Strip]] | None = None

    @property
    def image(self) -> Image | None:
        return self._image

    def show(self, image: Image | None) -> None:
        """Show another image, or none."""
        self._image, self._drawn = image, None
        self.refresh()

    def notify_style_update(self) -> None:
        self._drawn = None
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        if self._image is None:
            return Strip.blank(self.size.width, self.rich_style)
        if self._drawn is None or self._drawn[0] != self.size:
            self._drawn = self.size, self._strips(self._image)
        return self._drawn[1][y]

    def _strips(self, image: Image) -> list[Strip]:
        """The image in the middle of the widget, a strip for each line of cells."""
        width, height = self.size
        pixels = scaled_to_fit(image, width, 2 * height)
        rows, columns = pixels.shape[:2]
        top, left = (height - rows // 2) // 2, (width - columns) // 2
        blank = Strip.blank(width, self.rich_style)
        strips = [blank] * height
        margin = Segment(" " * left, self.rich_style)
        shades = (pixels // _STEP * _STEP + _STEP // 2).reshape(rows // 2, 2, columns, 3)
        cells = shades.transpose(0, 2, 1, 3).reshape(rows // 2, columns, 6).tolist()
        for line, colours in enumerate(cells):
            strip = Strip([margin, *(_cell(*six) for six in colours)], left + columns)
            strips[top + line] = strip.adjust_cell_length(width, self.rich_style)
        return strips


def scaled_to_fit(image: Image, width: int, height: int) -> Image:
    """`image` scaled to fit into `width` × `height` pixels, its shape kept, with even rows."""
    import numpy as np
    from PIL import Image as Pillow

    rows, columns = image.shape[:2]
    scale = min(width / columns, height / rows)
    size = max(1, int(columns * scale)), max(2, int(rows * scale) // 2 * 2)
    # Averages when the picture shrinks, interpolates when it grows.
    return np.asarray(Pillow.fromarray(image).resize(size, Pillow.Resampling.BILINEAR))


@lru_cache(maxsize=1 << 15)
def _cell(r: int, g: int, b: int, under_r: int, under_g: int, under_b: int) -> Segment:
    """A half block: the upper pixel in the foreground, the lower one behind it."""
    colour, under = Color.from_rgb(r, g, b), Color.from_rgb(under_r, under_g, under_b)
    return Segment("▀", Style.from_color(colour, under))
