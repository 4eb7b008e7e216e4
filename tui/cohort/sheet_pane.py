"""A contact sheet, a page of squares at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from tui.cohort.sheets import Sheet, Square, panels_of
from tui.shared.panel import Panel
from tui.shared.panel_grid import PanelBox, PanelGrid, room_for
from tui.shared.reading import Reading
from tui.shared.sanitize import escape_markup

#: Cells across and lines from which on a chest can be judged.
_LEAST = (18, 9)
#: Pixels to a side of a square among others, and of one over the whole page.
_SMALL, _LARGE = 48, 256


class SheetPane(Vertical):
    """As many squares as there is room for, each with its caption; the keys go on from there."""

    DEFAULT_CSS = """
    SheetPane { height: 1fr; & > Static { height: auto; padding: 0 1; } }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown", "page(1)", "Next squares", show=False, id="sheet.page-down"),
        Binding("pageup", "page(-1)", "Previous squares", show=False, id="sheet.page-up"),
    ]

    def __init__(self, *, graphics: bool) -> None:
        super().__init__()
        self._graphics = graphics
        self._sheet = Sheet("", ())
        self._query, self._first = "", 0
        self._reading = Reading(self, "squares", self._take, in_turn=True)

    def compose(self) -> ComposeResult:
        yield Static()
        yield PanelGrid(graphics=self._graphics)

    def show(self, sheet: Sheet) -> None:
        """Show another sheet."""
        if sheet != self._sheet:
            self._sheet, self._first = sheet, 0
        self.draw()

    def filter(self, text: str) -> None:
        """Show only the squares whose captions have every word of `text`."""
        self._query, self._first = text, 0
        self.draw()

    @property
    def squares(self) -> Sequence[Square]:
        """Those that pass the filter."""
        words = self._query.lower().split()
        return [s for s in self._sheet.squares if all(w in s.caption.lower() for w in words)]

    @property
    def _room(self) -> int:
        return room_for(self.screen.size.width, self.screen.size.height - 4, _LEAST, 1)

    def on_resize(self) -> None:
        self.draw()

    def draw(self) -> None:
        """Show the squares of the present page; finer, where one is over the whole page."""
        squares = self.squares
        shown = squares[self._first : self._first + self._room]
        more = " (PgUp, PgDn)" if len(shown) < len(squares) else ""
        part = f"{self._first + 1}–{self._first + len(shown)}" if shown else "none"
        notes = [f"{self._sheet.title}: {part}{more}", *self._sheet.files]
        notes[1:1] = ["⚠ bright border"] if any(s.suspect for s in shown) else []
        self.query_one("SheetPane > Static", Static).update(escape_markup("; ".join(notes)))
        side = (_LARGE if self.screen.maximized else _SMALL) * (4 if self._graphics else 1)
        self._reading.want((tuple(shown), side), partial(panels_of, shown, side))

    async def _take(self, panels: tuple[Panel, ...]) -> None:
        grid = self.query_one(PanelGrid)
        await grid.show(panels)
        if panels and self.screen.focused is None:
            grid.boxes[0].picture.focus()

    @property
    def box(self) -> PanelBox | None:
        """The square that the keys are at."""
        boxes = self.query_one(PanelGrid).boxes
        return next((box for box in boxes if box.has_focus_within), next(iter(boxes), None))

    def action_page(self, by: int) -> None:
        """Other squares; where one is over the whole page, the next one."""
        grid = self.query_one(PanelGrid)
        if not grid.turn(by):
            last = (len(self.squares) - 1) // self._room * self._room
            first, self._first = self._first, max(0, min(self._first + by * self._room, last))
            self.draw()
            if self._first != first:
                grid.enlarge(0 if by > 0 else -1)
