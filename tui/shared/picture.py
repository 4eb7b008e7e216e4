"""Pictures in half blocks: every cell of the terminal shows two pixels, one above the other.

Half blocks work wherever text does: in tmux, over SSH, in a browser and in an SVG.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    import numpy as np

    from tui.shared.readout import MapValues

    Image = np.ndarray[Any, np.dtype[np.uint8]]

#: Shades are distinguished in steps of this size only, so that cells repeat and are made once.
_STEP = 4
#: What stands at the sides of a radiograph, from so many cells across on.
_SIDES, _LEAST_MARKED = ("R", "L"), 8
#: In place of digits; grey would not tell evidence for a class from evidence against it.
_TOO_SMALL = ("too small", "for digits")


class Picture(Widget, can_focus=True):
    """Shows an RGB image (rows, columns, 3), uint8, as large as fits, its shape kept.

    The mouse, or with the focus a cross that keys move, tells the value at a place. Without colours
    the values are shown as digits. R and L stand at the patient's sides.
    """

    DEFAULT_CSS = "Picture { width: 1fr; height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1, 0)", "Left", show=False, id="picture.left"),
        Binding("right,l", "move(1, 0)", "Right", show=False, id="picture.right"),
        Binding("up,k", "move(0, -1)", "Up", show=False, id="picture.up"),
        Binding("down,j", "move(0, 1)", "Down", show=False, id="picture.down"),
    ]

    @dataclass
    class Pointed(Message):
        """Something is pointed at: its zone and value in words; empty: nothing is."""

        text: str

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._image: Image | None = None
        self._values: MapValues | None = None
        self._drawn: tuple[Size, list[Strip]] | None = None
        self._place = Region()
        """Of the image, in cells."""
        self._cross: Offset | None = None
        """A cell of the image."""

    @property
    def image(self) -> Image | None:
        return self._image

    def show(self, image: Image | None, values: MapValues | None = None) -> None:
        """Show another image, or none, and what it is coloured by."""
        self._image, self._values, self._drawn = image, values, None
        self.refresh()
        if self._cross is not None:
            self._point(self._cross)

    def on_focus(self) -> None:
        self._move_to(Offset(self._place.width // 2, self._place.height // 2))

    def on_blur(self) -> None:
        self._move_to(None)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if (place := self._place).contains(event.x, event.y):
            self._point(Offset(event.x - place.x, event.y - place.y))
        else:
            self._point(self._cross)

    def on_leave(self) -> None:
        self._point(self._cross)

    def action_move(self, right: int, down: int) -> None:
        if self._cross is not None:
            x, y = self._cross.x + right, self._cross.y + down
            width, height = self._place.size
            self._move_to(Offset(max(0, min(x, width - 1)), max(0, min(y, height - 1))))

    def _move_to(self, cross: Offset | None) -> None:
        self._cross = cross
        self._point(cross)
        self.refresh()

    def _point(self, cell: Offset | None) -> None:
        text, (width, height) = "", self._place.size
        if cell is not None and self._values is not None and width and height:
            text = self._values.at((cell.x + 0.5) / width, (cell.y + 0.5) / height)
        self.post_message(self.Pointed(text))

    def notify_style_update(self) -> None:
        self._drawn = None
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        if self._image is None:
            return Strip.blank(self.size.width, self.rich_style)
        if self._drawn is None or self._drawn[0] != self.size:
            self._drawn = self.size, self._strips(self._image)
        strip, cross = self._drawn[1][y], self._cross
        if cross is None or y != cross.y + self._place.y:
            return strip
        x = cross.x + self._place.x
        mark = Strip([Segment("╋", self.rich_style + Style(bold=True))])
        return Strip.join([strip.crop(0, x), mark, strip.crop(x + 1)])

    def _strips(self, image: Image) -> list[Strip]:
        """The image in the middle of the widget, a strip for each line of cells."""
        width, height = self.size
        pixels = scaled_to_fit(image, width, 2 * height)
        rows, columns = pixels.shape[:2]
        top, left = (height - rows // 2) // 2, (width - columns) // 2
        self._place = Region(left, top, columns, rows // 2)
        blank = Strip.blank(width, self.rich_style)
        strips = [blank] * height
        margin = Segment(" " * left, self.rich_style)
        if self.app.no_color and self._values is not None:
            lines = self._values.as_digits(columns, rows // 2) or _TOO_SMALL[: rows // 2]
            for line, text in enumerate(lines, top):
                shown = text.center(columns)
                if line == top and shown[0] == shown[-1] == " ":
                    shown = shown[1:-1].join(_SIDES)
                strip = Strip([margin, Segment(shown, self.rich_style)])
                strips[line] = strip.adjust_cell_length(width, self.rich_style)
            return strips
        shades = (pixels // _STEP * _STEP + _STEP // 2).reshape(rows // 2, 2, columns, 3)
        cells = shades.transpose(0, 2, 1, 3).reshape(rows // 2, columns, 6).tolist()
        for line, colours in enumerate(cells):
            blocks = [_cell(*six) for six in colours]
            if line == 0 and columns >= _LEAST_MARKED:
                for at, letter in zip((0, -1), _SIDES, strict=True):
                    blocks[at] = _letter(letter, *colours[at][3:])
            strip = Strip([margin, *blocks], left + columns)
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


def _letter(letter: str, r: int, g: int, b: int) -> Segment:
    """A letter that can be read on a colour."""
    ink = Color.parse("black" if max(r, g, b) > 140 else "bright_white")
    return Segment(letter, Style.from_color(ink, Color.from_rgb(r, g, b)) + Style(bold=True))
