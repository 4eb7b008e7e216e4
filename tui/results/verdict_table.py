"""The table of verdicts: attributes by level of evidence, coloured by verdict."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from itertools import zip_longest
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

from tui.results.verdicts import COLOURS, VerdictCell, Verdicts
from tui.shared.colours import ink_on

_LEAST, _MOST, _ROOMY, _GAP = 14, 28, 18, 1
#: A tone and the text in it; a tone is a verdict, or a component class of the widget.
_Piece = tuple[str, str]
#: Before the verdict that the keys are at.
_MARK = "▸"


class VerdictTable(ScrollView, can_focus=True):
    """Shows verdicts under the names of their levels, then the notes; scrolls what is larger.

    A cursor goes from cell to cell; below the last attribute the keys scroll on to the notes.
    """

    COMPONENT_CLASSES = {  # noqa: RUF012
        "verdicts--head", "verdicts--name", "verdicts--plain", "verdicts--dim",
    }  # fmt: skip
    DEFAULT_CSS = """
    VerdictTable {
        width: 1fr; height: 1fr; scrollbar-size: 1 1; scrollbar-gutter: stable; padding: 0 1;
        .verdicts--head { color: $primary; text-style: bold; }
        .verdicts--name { text-style: bold; }
        .verdicts--dim { color: $foreground 70%; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1, 0)", "Up", show=False, id="verdicts.up"),
        Binding("down,j", "move(1, 0)", "Down", show=False, id="verdicts.down"),
        Binding("left,h", "move(0, -1)", "Left", show=False, id="verdicts.left"),
        Binding("right,l", "move(0, 1)", "Right", show=False, id="verdicts.right"),
        Binding("enter", "choose", "Open", id="verdicts.open"),
    ]

    cursor: reactive[tuple[int, int]] = reactive((0, 0), always_update=True)

    @dataclass
    class Highlighted(Message):
        """The cursor is on another cell, or the cell has changed; None: there is none."""

        cell: tuple[str, str] | None

    class Chosen(Highlighted):
        """Enter or a second click on the cell under the cursor."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.verdicts = Verdicts()
        self._lines: list[list[_Piece]] = []
        self._tops: list[int] = []
        """The line of each attribute's name."""
        self._table_end = 0

    def show(self, verdicts: Verdicts) -> None:
        """Show other verdicts; of other attributes from the first one on."""
        if verdicts.attributes != self.verdicts.attributes:
            self.scroll_home(animate=False)
        self.verdicts = verdicts
        self._lay_out()
        self.cursor = self.cursor

    def validate_cursor(self, cursor: tuple[int, int]) -> tuple[int, int]:
        row, column = cursor
        last_row, last_column = len(self.verdicts.attributes) - 1, len(self.verdicts.levels) - 1
        return max(0, min(row, last_row)), max(0, min(column, last_column))

    def watch_cursor(self) -> None:
        self._lay_out()
        row, column = self.cursor
        if self._tops:
            ends = [*self._tops[1:], self._table_end]
            top, width = self._tops[row], self._column_width + _GAP
            # The names of the levels take the first line.
            place = Region(column * width, top - 1, width, ends[row] - top + 1)
            self.scroll_to_region(place, animate=False, force=True)
        self.post_message(self.Highlighted(self.verdicts.at(row, column)))

    def action_move(self, down: int, right: int) -> None:
        row, column = self.cursor
        before = self.cursor
        self.cursor = row + down, column + right
        if down and self.cursor == before:
            self.scroll_relative(y=3 * down, animate=False)

    def action_choose(self) -> None:
        if cell := self.verdicts.at(*self.cursor):
            self.post_message(self.Chosen(cell))

    def on_click(self, event: events.Click) -> None:
        line = event.y + int(self.scroll_offset.y)
        column = (event.x - 1 + int(self.scroll_offset.x)) // (self._column_width + _GAP)
        rows = [i for i, top in enumerate(self._tops) if top <= line < self._table_end]
        if rows and event.y:
            before, self.cursor = self.cursor, (rows[-1], column)
            if self.cursor == before:
                self.action_choose()

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """Make the lines for the present width."""
        width = self._column_width
        heads = [("head", f"{level:<{width + _GAP}}") for level in self.verdicts.levels]
        self._lines, self._tops = [heads], []
        for attribute in self.verdicts.attributes:
            self._tops.append(len(self._lines))
            self._lines += [[("name", attribute)], *self._row(attribute, width), []]
        self._table_end = len(self._lines)
        for tone, text in self.verdicts.notes:
            parts = textwrap.wrap(text, max(_LEAST, self.scrollable_content_region.width))
            self._lines += [[(tone or "plain", part)] for part in parts]
        across = len(self.verdicts.levels) * (width + _GAP) - _GAP
        self.virtual_size = Size(across, len(self._lines))
        self.refresh()

    @property
    def _column_width(self) -> int:
        """Of a level, in letters."""
        count = len(self.verdicts.levels)
        room = self.scrollable_content_region.width // count - _GAP if count else 0
        return max(_LEAST, min(_MOST, room))

    def _row(self, attribute: str, width: int) -> list[list[_Piece]]:
        """The lines of an attribute's cells, each as high as the highest."""
        cells, at = self.verdicts.row(attribute), self.verdicts.at(*self.cursor)
        indent = " " if width >= _ROOMY else ""
        lines = zip_longest(*(cell.lines(width - len(indent)) for cell in cells), fillvalue="")
        out = []
        for i, line in enumerate(lines):
            pieces: list[_Piece] = []
            for column, (cell, text) in enumerate(zip(cells, line, strict=True)):
                tone = _tone(cell, is_word=i == 0)
                here = i == 0 and (attribute, self.verdicts.levels[column]) == at
                start = _MARK if here else indent
                pieces += [(tone, f"{start}{text}".ljust(width)), ("plain", " " * _GAP)]
            out.append(pieces)
        return out

    def _style(self, tone: str, text: str) -> Style:
        if tone not in COLOURS:
            return self.get_component_rich_style(f"verdicts--{tone}")
        back = "#{:02x}{:02x}{:02x}".format(*COLOURS[tone])
        # The word is bold, so that it stands out where there is no colour.
        bold = text.strip(f" {_MARK}") == tone
        return Style(color=ink_on(COLOURS[tone]), bgcolor=back, bold=bold)

    def render_line(self, y: int) -> Strip:
        line, (across, down) = self.scrollable_content_region.width, self.scroll_offset
        # The names of the levels stay in sight.
        number = y + int(down) if y else 0
        if number >= len(self._lines):
            return Strip.blank(line, self.visual_style.rich_style)
        pieces = [Segment(text, self._style(tone, text)) for tone, text in self._lines[number]]
        strip = Strip(pieces).crop(int(across), int(across) + line)
        return strip.adjust_cell_length(line, self.visual_style.rich_style)


def _tone(cell: VerdictCell, *, is_word: bool) -> str:
    if cell.verdict in COLOURS:
        return cell.verdict
    return "name" if is_word else "dim"
