"""Pictures in half blocks: every cell of the terminal shows two pixels, one above the other.

Half blocks work wherever text does: in tmux, over SSH, in a browser and in an SVG.
"""

from __future__ import annotations

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
        pixels = fitted(image, width, 2 * height)
        rows, columns = pixels.shape[:2]
        top, left = (height - rows // 2) // 2, (width - columns) // 2
        blank = Strip.blank(width, self.rich_style)
        strips = [blank] * height
        margin = Segment(" " * left, self.rich_style)
        for line in range(rows // 2):
            pairs = zip(pixels[2 * line].tolist(), pixels[2 * line + 1].tolist(), strict=True)
            cells = [margin, *(_cell(tuple(upper), tuple(lower)) for upper, lower in pairs)]
            strips[top + line] = Strip(cells).adjust_cell_length(width, self.rich_style)
        return strips


def fitted(image: Image, width: int, height: int) -> Image:
    """`image` scaled to fit into `width` × `height` pixels, its shape kept, with even rows."""
    import numpy as np
    from PIL import Image as Pillow

    rows, columns = image.shape[:2]
    scale = min(width / columns, height / rows)
    size = max(1, int(columns * scale)), max(2, int(rows * scale) // 2 * 2)
    # Averages when the picture shrinks, interpolates when it grows.
    return np.asarray(Pillow.fromarray(image).resize(size, Pillow.Resampling.BILINEAR))


def _cell(upper: tuple[int, ...], lower: tuple[int, ...]) -> Segment:
    return Segment("▀", Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower)))
