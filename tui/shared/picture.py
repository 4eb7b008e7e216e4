"""A picture with a cross, or the mouse, that tells the value at a place; it can be magnified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.shared.colours import in_256, in_sixteen
from tui.shared.half_blocks import SIDES, in_colours, in_shades, part_of, size_in

if TYPE_CHECKING:
    from tui.shared.colours import Image
    from tui.shared.readout import MapValues

Place = tuple[float, float]
"""Shares of a picture's width and height, 0 to 1."""

_MIDDLE: Place = (0.5, 0.5)
_MOST_MAGNIFIED = 8
#: In place of digits; grey would not tell evidence for a class from evidence against it.
_TOO_SMALL = ("too small", "for digits")


class Picture(Widget, can_focus=True):
    """Shows an RGB image (rows, columns, 3), uint8, as large as fits, its shape kept.

    The mouse, or with the focus a cross that keys move, tells the value at a place. Without colours
    the values are shown as digits, and a picture without values in shades of blocks. R and L stand
    at the patient's sides. Magnified, a part of it is seen, which goes along with the cross.
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
        self._cross: Place = _MIDDLE
        self._magnification = 1
        self._whole = Size()
        """Of the image, in cells, of which a part may be seen."""
        self._part = Region()
        """That part of the whole."""
        self._place = Region()
        """Of that part in the widget."""

    @property
    def image(self) -> Image | None:
        return self._image

    @property
    def magnification(self) -> int:
        """How many times larger than what fits it is drawn."""
        return self._magnification

    def show(self, image: Image | None, values: MapValues | None = None) -> None:
        """Show another image, or none, and what it is coloured by."""
        self._image, self._values, self._drawn = image, values, None
        self.refresh()
        if self._has_cross:
            self._tell()

    def magnify(self, steps: int) -> bool:
        """Draw it twice as large for each step around the cross, or half; whether it changed."""
        times = self._magnification * 2.0**steps
        if not 1 <= times <= _MOST_MAGNIFIED:
            return False
        self._magnification, self._drawn = int(times), None
        self._part = Region()
        self.refresh()
        return True

    def reset(self) -> None:
        """Draw all of it."""
        self._magnification, self._drawn = 1, None
        self.refresh()

    @property
    def _has_cross(self) -> bool:
        return self.has_focus and (self._values is not None or self._magnification > 1)

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self._cross = _MIDDLE
        # Where the keys go to another picture, that one tells.
        if has_focus or not isinstance(self.screen.focused, Picture):
            self._tell()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._tell(self._place_at(event))

    def on_leave(self) -> None:
        self._tell()

    async def on_click(self, event: events.Click) -> None:
        if (place := self._place_at(event)) is not None:
            self._move_to(place)
        if event.chain == 2:
            await self.run_action("screen.zoom(1)")

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, steps: int) -> None:
        """The wheel magnifies at the mouse what is shown over the page."""
        if self.is_in_maximized_view:
            event.stop()
            self._cross = self._place_at(event) or self._cross
            self.magnify(steps)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Without a cross the keys that move it belong to what is around."""
        return self._has_cross if action == "move" else True

    def action_move(self, right: int, down: int) -> None:
        cell = self._cell(self._cross) + Offset(right, down)
        width, height = self._whole
        x, y = max(0, min(cell.x, width - 1)), max(0, min(cell.y, height - 1))
        self._move_to(((x + 0.5) / max(1, width), (y + 0.5) / max(1, height)))

    def _move_to(self, place: Place) -> None:
        lines = [self._seen_at(self._cross).y, self._seen_at(place).y]
        self._cross = place
        self._tell()
        if self._part.contains_point(self._cell(place)):
            # Other lines stay as they are; a whole page of them takes longer than a key may.
            self.refresh(*(Region(0, y, self.size.width, 1) for y in lines))
        else:
            self._drawn = None
            self.refresh()

    def _cell(self, place: Place) -> Offset:
        """The cell of the whole image at a place."""
        return Offset(int(place[0] * self._whole.width), int(place[1] * self._whole.height))

    def _seen_at(self, place: Place) -> Offset:
        """Where in the widget a place of the image is."""
        return self._cell(place) - self._part.offset + self._place.offset

    def _place_at(self, event: events.MouseEvent) -> Place | None:
        """Where on the image the mouse is."""
        if not self._place.contains(event.x, event.y):
            return None
        cell = Offset(event.x, event.y) - self._place.offset + self._part.offset
        return (cell.x + 0.5) / self._whole.width, (cell.y + 0.5) / self._whole.height

    def _tell(self, place: Place | None = None) -> None:
        """Tell the value at a place, or else at the cross."""
        if place is None and self._has_cross:
            place = self._cross
        text = self._values.at(*place) if self._values is not None and place is not None else ""
        self.post_message(self.Pointed(text))

    def notify_style_update(self) -> None:
        self._drawn = None
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        if self._image is None:
            return Strip.blank(self.size.width, self.visual_style.rich_style)
        if self._drawn is None or self._drawn[0] != self.size:
            self._drawn = self.size, self._strips(self._image)
        strip = self._drawn[1][y]
        x, line = self._seen_at(self._cross)
        if not self._has_cross or y != line:
            return strip
        mark = Strip([Segment("╋", self.visual_style.rich_style + Style(bold=True))])
        return Strip.join([strip.crop(0, x), mark, strip.crop(x + 1)])

    def _strips(self, image: Image) -> list[Strip]:
        """The part of the image that is seen, in the middle of the widget, line by line."""
        width, height = self.size
        self._arrange(image)
        left, top = self._place.offset
        look = self.visual_style.rich_style
        blank, margin = Strip.blank(width, look), Segment(" " * left, look)
        strips = [blank] * height
        for line, cells in enumerate(self._lines(image), top):
            strips[line] = Strip([margin, *cells]).adjust_cell_length(width, look)
        return strips

    def _arrange(self, image: Image) -> None:
        """Find what part of the image is seen, and where."""
        room = self.size
        fits = size_in(room, image)
        whole = Size(fits.width * self._magnification, fits.height * self._magnification)
        size = Size(min(whole.width, room.width), min(whole.height, room.height))
        stays = (whole, size) == (self._whole, self._part.size)
        self._whole = whole
        cross, corner = self._cell(self._cross), self._part.offset
        if not stays or not self._part.contains_point(cross):
            corner = cross - Offset(size.width // 2, size.height // 2)
        most = Offset(whole.width - size.width, whole.height - size.height)
        corner = Offset(max(0, min(corner.x, most.x)), max(0, min(corner.y, most.y)))
        self._part = Region.from_offset(corner, size)
        spare = Offset((room.width - size.width) // 2, (room.height - size.height) // 2)
        self._place = Region.from_offset(spare, size)

    def _lines(self, image: Image) -> list[list[Segment]]:
        """The lines of that part."""
        part = self._part
        if not self.app.no_color:
            pixels = part_of(image, self._whole, part)
            system = self.app.console.color_system
            if self._values is not None and system == "standard":
                pixels = in_sixteen(pixels, part_of(self._values.shares, self._whole, part))
            elif self._values is not None and system == "256":
                pixels = in_256(pixels)
            return in_colours(pixels)
        if self._values is None:
            texts = in_shades(part_of(image, self._whole, part))
        else:
            digits = self._values.as_digits(*self._whole)
            texts = [text[part.x : part.right] for text in digits[part.y : part.bottom]]
            texts = texts or [text.center(part.width) for text in _TOO_SMALL[: part.height]]
        first = texts[0].center(part.width)
        if self._values is None or first[0] == first[-1] == " ":
            texts[0] = first[1:-1].join(SIDES)
        look = self.visual_style.rich_style
        return [[Segment(text.center(part.width), look)] for text in texts]
