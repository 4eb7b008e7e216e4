"""A table of any length: only the lines that are seen are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.shared.filter_bar import FilterBar
from tui.shared.sanitize import pad
from tui.shared.table import Column, Row, SortOrder, arranged, column_widths
from tui.shared.toned import Tone

_HEADER = "rows--header"
#: Shown in a table that has rows, none of which pass the filter.
NOTHING = "no matches; Esc clears the filter"


class Rows(ScrollView, can_focus=True):
    """A table with a cursor on a row; sorts, filters, and keeps the cursor on its row."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--header", "rows--cursor", "rows--good", "rows--bad", "rows--warn", "rows--dim",
        "rows--live",
    }  # fmt: skip
    DEFAULT_CSS = """
    Rows {
        height: 1fr; width: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1;
        .rows--header { text-style: bold; color: $primary; }
        .rows--cursor { background: $panel; text-style: bold; }
        .rows--good { color: $text-success; } .rows--bad { color: $text-error; }
        .rows--warn { color: $text-warning; } .rows--live { color: $text-primary; }
        .rows--dim { text-style: dim; }
        &:focus .rows--cursor { background: $primary-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="rows.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="rows.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="rows.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="rows.page-down"),
        Binding("home,g", "edge(False)", "First", show=False, id="rows.first"),
        Binding("end,G", "edge(True)", "Last", show=False, id="rows.last"),
        Binding("enter", "choose", "Open", show=False, id="rows.open"),
        Binding("s", "sort_next", "Sort", show=False, id="rows.sort"),
        Binding("S", "sort_reverse", "Reverse", show=False, id="rows.reverse"),
        Binding("escape", "unfilter", "Clear filter", show=False, id="rows.unfilter"),
    ]

    gap = 2  # cells between two columns
    cursor: reactive[int] = reactive(0, always_update=True)

    @dataclass
    class Highlighted(Message):
        """The cursor is on another row; `key` is empty when there is none."""

        key: str

    class Chosen(Highlighted):
        """Enter or a click on the row under the cursor."""

    @dataclass
    class Sorted(Message):
        """The user has chosen another order."""

        order: tuple[str, bool] | None

    def __init__(self, *columns: Column, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.columns = columns
        self._all: Sequence[Row] = ()
        self._shown: list[Row] = []
        self._terms: list[str] = []
        self.order: tuple[str, bool] | None = None
        """The title of the column that it is sorted by, and whether the highest comes first."""
        self._posted_key = ""

    @property
    def shown(self) -> Sequence[Row]:
        """The rows that pass the filter, in order."""
        return self._shown

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._shown[self.cursor] if self.cursor < len(self._shown) else None

    def set_columns(self, *columns: Column) -> None:
        """Other columns; set the rows again afterwards. What it is sorted by stays."""
        self.columns = columns
        self.refresh()

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show `rows`; the cursor stays on the row of the same key."""
        self._all = rows
        self._arrange()

    def filter(self, text: str) -> None:
        """Show only rows that match every word of `text`, in any case."""
        self._terms = text.lower().split()
        self._arrange()

    def sort_by(self, column: int | None, *, reverse: bool = False) -> None:
        """Sort by a column's values, or its texts without them, nulls last; None: as they come."""
        chosen = self.columns[column:][:1] if column is not None else ()
        self.order = (chosen[0].title, reverse) if chosen else None
        self._arrange()
        self.post_message(self.Sorted(self.order))

    def go_to(self, key: str) -> None:
        """Put the cursor on the row of that key, if it is shown."""
        index = next((i for i, row in enumerate(self._shown) if row.key == key), None)
        if index is not None:
            self.cursor = index

    def _arrange(self) -> None:
        kept = self.current.key if self.current else ""
        rows = self._shown = arranged(self._all, self._terms, self._sorting, self._titles)
        self.virtual_size = Size(self.size.width, len(rows) + 1)
        place = next((i for i, r in enumerate(rows) if r.key == kept), self.cursor)
        # Who has scrolled away from the cursor is not taken back to it by each new snapshot.
        if place != self.cursor or (self.current.key if self.current else "") != self._posted_key:
            self.cursor = place
        self.refresh()

    @property
    def _titles(self) -> list[str]:
        return [column.title.lower() for column in self.columns]

    @property
    def _sorting(self) -> SortOrder | None:
        if self.order is None or (title := self.order[0].lower()) not in self._titles:
            return None
        return self._titles.index(title), self.order[1]

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self._shown) - 1))

    def watch_cursor(self) -> None:
        key = self.current.key if self.current else ""
        # The header takes the first line of the table.
        line = Region(0, self.cursor, 1, 2)
        self.scroll_to_region(line, animate=False, force=True)
        self.refresh()
        if key != self._posted_key:
            self._posted_key = key
            self.post_message(self.Highlighted(key))

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._shown) + 1)
        self.cursor = self.cursor

    def action_move(self, step: int) -> None:
        self.cursor += step

    def action_page(self, step: int) -> None:
        self.cursor += step * max(1, self.size.height - 2)

    def action_edge(self, last: bool) -> None:
        self.cursor = len(self._shown) if last else 0

    def action_choose(self) -> None:
        if row := self.current:
            self.post_message(self.Chosen(row.key))

    def action_sort_next(self) -> None:
        column = 0 if (sorting := self._sorting) is None else sorting[0] + 1
        self.sort_by(column if column < len(self.columns) else None)

    def action_sort_reverse(self) -> None:
        column, reverse = self._sorting or (0, False)
        self.sort_by(column, reverse=not reverse)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Esc clears a filter; without one it belongs to the page."""
        return bool(self._terms) if action == "unfilter" else True

    def action_unfilter(self) -> None:
        for bar in self.screen.query(FilterBar):
            bar.action_leave()

    def on_click(self, event: events.Click) -> None:
        if event.y == 0:
            starts = self._starts()
            column = max((i for i, x in enumerate(starts) if x <= event.x), default=0)
            self.sort_by(column, reverse=self._sorting == (column, False))
            return
        row = event.y - 1 + int(self.scroll_offset.y)
        if row >= len(self._shown):
            return
        again = row == self.cursor
        self.cursor = row
        if again:
            self.action_choose()

    @property
    def _width(self) -> int:
        """Cells of a line beside the scrollbar."""
        return self.scrollable_content_region.width

    def _widths(self) -> list[int]:
        return column_widths(self.columns, self._width, self.gap)

    def _starts(self) -> list[int]:
        widths = self._widths()
        return [sum(widths[:i]) + self.gap * i for i in range(len(widths))]

    def render_line(self, y: int) -> Strip:
        if y == 0:
            return self._strip(tuple(map(self._head, self.columns, self._widths())), (), _HEADER)
        number = y - 1 + int(self.scroll_offset.y)
        if y == 1 and self._terms and not self._shown:
            look = self.visual_style.rich_style + self._style("rows--dim")
            return Strip([Segment(NOTHING, look)]).adjust_cell_length(self._width, look)
        if number >= len(self._shown):
            return Strip.blank(self._width, self.visual_style.rich_style)
        row = self._shown[number]
        return self._strip(row.cells, row.tones, "rows--cursor" if number == self.cursor else "")

    def _head(self, column: Column, width: int) -> str:
        """The title, with how many rows there are if the column tells it and has room."""
        title = column.title
        if self.order and self.order[0] == title:
            title += " ↓" if self.order[1] else " ↑"
        found = f"{len(self._shown):,} of " if self._terms else ""
        counted = f"{title} ({found}{len(self._all):,})"
        return counted if column.counts and len(counted) <= width else title

    def _strip(self, cells: tuple[str, ...], tones: tuple[Tone, ...], line: str) -> Strip:
        base = self.visual_style.rich_style + self._style(line)
        segments = []
        for i, (cell, width) in enumerate(zip(cells, self._widths(), strict=False)):
            column = self.columns[i]
            text = pad(cell, width, right=column.right, middle=column.name)
            tone = f"rows--{tones[i]}" if i < len(tones) and tones[i] else ""
            segments += [Segment(text, base + self._style(tone)), Segment(" " * self.gap, base)]
        return Strip(segments).adjust_cell_length(self._width, base)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True) if name else Style.null()
