"""Pictures side by side, each with lines above and a scale below it, as large as fits."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import Static

from tui.shared.colour_bar import ColourBar
from tui.shared.graphics import new_picture
from tui.shared.panel import SIDES_TEXT
from tui.shared.toned import in_tone, marked_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.shared.panel import Panel, Scale
    from tui.shared.toned import TonedLine

    TonedLines = Sequence[TonedLine]

#: The least cells across and lines that a picture is worth showing in.
LEAST = (14, 6)
_MOST = 24
#: So many pictures are drawn before keys are answered again.
_AT_ONCE = 6
_PATIENCE = 1.0


class PanelBox(Vertical):
    """One picture with its lines and its scale, or without them if `bare`.

    Over the whole page it has all of them, its lines as one, and what R and L mean.
    """

    DEFAULT_CSS = """
    PanelBox {
        width: 1fr; height: 1fr; align: center middle;
        & > Static {
            height: auto; width: 1fr; text-align: center; text-wrap: nowrap;
            text-overflow: ellipsis;
        }
        &.bare > Static, &.unscaled > ColourBar { display: none; }
        &.focused > Static { text-style: reverse; }
        &.-maximized > Static, &.-maximized > ColourBar { display: block; text-style: none; }
    }
    """

    def __init__(self, *, graphics: bool, bare: bool = False) -> None:
        super().__init__(classes="bare unscaled" if bare else "unscaled")
        self.picture = new_picture(graphics=graphics)
        self._bare, self._height = bare, "1fr"
        self._texts = "", ""
        """Above the picture, among others and over the page: content markup."""

    def compose(self) -> ComposeResult:
        yield Static()
        yield self.picture
        yield ColourBar()

    def show(self, panel: Panel, scale: Scale | None = None, about: TonedLines = ()) -> None:
        """Show another picture; over the page also `scale` and `about`, which others share."""
        line = " · ".join(in_tone(*line) for line in panel.lines if line[1])
        rest = marked_up([*about, ("dim", SIDES_TEXT)])
        self._texts = marked_up(panel.lines), f"{line}\n{rest}"
        self._write()
        self.picture.show(panel.image, panel.values)
        self.query_one(ColourBar).show(panel.scale or scale)
        self.set_class(self._bare or panel.scale is None, "unscaled")

    def on_descendant_focus(self) -> None:
        self.add_class("focused")

    def on_descendant_blur(self) -> None:
        self.remove_class("focused")

    def set_side(self, side: int) -> None:
        """Make the picture `side` cells across, which is half as many lines."""
        self._height = str(side // 2)
        self._fit()

    def on_resize(self) -> None:
        self._fit()
        self._write()

    def _fit(self) -> None:
        self.picture.styles.height = "1fr" if self.is_maximized else self._height

    def _write(self) -> None:
        if self.is_maximized or not self._bare:
            self.query_one(Static).update(self._texts[self.is_maximized])


class PanelGrid(Container):
    """As many panels as there are pictures, in as many columns as make them largest."""

    DEFAULT_CSS = """
    PanelGrid { layout: grid; grid-gutter: 0 1; width: 1fr; height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "go(-1)", "Picture before", show=False, id="panels.left"),
        Binding("right,l", "go(1)", "Next picture", show=False, id="panels.right"),
        Binding("up,k", "go_line(-1)", "Picture above", show=False, id="panels.up"),
        Binding("down,j", "go_line(1)", "Picture below", show=False, id="panels.down"),
    ]

    def __init__(self, *, graphics: bool, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._graphics = graphics
        self.shown: tuple[Panel, ...] = ()
        self._side = 2
        """Cells across each picture."""

    @property
    def boxes(self) -> list[PanelBox]:
        """The boxes of the panels that are shown."""
        return list(self.query(PanelBox))[: len(self.shown)]

    async def show(
        self, panels: tuple[Panel, ...], scale: Scale | None = None, about: TonedLines = ()
    ) -> None:
        """Show other panels, which share a scale, and what is to be said of each.

        Of many a few at a time, so that keys are answered in between.
        """
        self.shown = panels
        for box in list(self.query(PanelBox))[len(panels) :]:
            box.display = False
            if box.is_maximized:
                self.screen.minimize()
        self._arrange()
        for first in range(0, len(panels), _AT_ONCE):
            if first:
                await self._painted()
            await self._show_part(first, panels[first : first + _AT_ONCE], scale, about)

    async def _show_part(
        self, first: int, panels: Sequence[Panel], scale: Scale | None, about: TonedLines
    ) -> None:
        boxes = list(self.query(PanelBox))[first : first + len(panels)]
        if missing := len(panels) - len(boxes):
            new = [PanelBox(graphics=self._graphics) for _ in range(missing)]
            await self.mount_all(new)
            boxes += new
        for box, panel in zip(boxes, panels, strict=True):
            box.display = True
            box.set_side(self._side)
            box.show(panel, scale, about)

    async def _painted(self) -> None:
        """Wait until what has changed is on the screen; not for good, since it may be closed."""
        painted = asyncio.Event()
        self.call_after_refresh(painted.set)
        with suppress(TimeoutError):
            await asyncio.wait_for(painted.wait(), _PATIENCE)

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        count = len(self.shown)
        if not count:
            return
        lines = max(len(t.lines) for t in self.shown) + any(t.scale for t in self.shown)
        columns, self._side = best_columns(count, *self.size, lines)
        self.styles.grid_size_columns = columns
        self.styles.grid_size_rows = -(-count // columns)
        for box in self.query(PanelBox):
            box.set_side(self._side)

    def turn(self, step: int) -> bool:
        """Where one is shown over the page, show the one so many further; whether there is one."""
        boxes = self.boxes
        at = next((i for i, box in enumerate(boxes) if box.is_maximized), None)
        if at is None or not 0 <= at + step < len(boxes):
            return False
        self.enlarge(at + step)
        return True

    def enlarge(self, index: int) -> None:
        """Where one is shown over the page, show that of another place."""
        boxes = list(self.query(PanelBox))
        if any(box.is_maximized for box in boxes):
            self.screen.maximized = boxes[index]
            boxes[index].picture.focus()

    def action_go(self, step: int) -> None:
        """Bring the keys to the picture so many further, if there is one."""
        boxes = self.boxes
        at = next((i for i, box in enumerate(boxes) if box.has_focus_within), None)
        if at is not None and 0 <= at + step < len(boxes):
            boxes[at + step].picture.focus()

    def action_go_line(self, step: int) -> None:
        self.action_go(step * int(self.styles.grid_size_columns or 1))


def room_for(width: int, height: int, least: tuple[int, int] = LEAST, lines: int = 3) -> int:
    """How many pictures of at least so many cells and lines fit, `lines` of text with each."""
    columns, rows = width // (least[0] + 1), height // (least[1] + lines)
    return max(1, min(_MOST, columns * rows))


def best_columns(count: int, width: int, height: int, lines: int) -> tuple[int, int]:
    """The columns that make square pictures largest, `lines` of text with each; and their side."""

    def side(columns: int) -> int:
        rows = -(-count // columns)
        return min((width - columns + 1) // columns, 2 * (height // rows - lines))

    columns = max(range(1, count + 1), key=lambda columns: (side(columns), -columns))
    return columns, max(2, side(columns))
