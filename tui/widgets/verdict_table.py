"""The table of verdicts: attributes by level of evidence, coloured by verdict."""

from __future__ import annotations

import textwrap
from itertools import zip_longest

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.maps.colours import ink_on
from tui.maps.verdicts import COLOURS, VerdictCell, Verdicts

_LEAST, _MOST, _ROOMY, _GAP = 14, 28, 18, 1
#: A tone and the text in it; a tone is a verdict, or a component class of the widget.
_Piece = tuple[str, str]


class VerdictTable(ScrollView, can_focus=True):
    """Shows verdicts under the names of their levels, then the notes; scrolls what is larger."""

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

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.verdicts = Verdicts()
        self._lines: list[list[_Piece]] = []

    def show(self, verdicts: Verdicts) -> None:
        """Show other verdicts; of other attributes from the first one on."""
        if verdicts.attributes != self.verdicts.attributes:
            self.scroll_home(animate=False)
        self.verdicts = verdicts
        self._lay_out()

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """Make the lines for the present width."""
        width = self._column_width
        heads = [("head", f"{level:<{width + _GAP}}") for level in self.verdicts.levels]
        self._lines = [heads]
        for attribute in self.verdicts.attributes:
            self._lines += [[("name", attribute)], *self._row(attribute, width), []]
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
        cells = self.verdicts.row(attribute)
        indent = " " if width >= _ROOMY else ""
        lines = zip_longest(*(cell.lines(width - len(indent)) for cell in cells), fillvalue="")
        out = []
        for i, line in enumerate(lines):
            pieces: list[_Piece] = []
            for cell, text in zip(cells, line, strict=True):
                tone = _tone(cell, is_word=i == 0)
                pieces += [(tone, f"{indent}{text}".ljust(width)), ("plain", " " * _GAP)]
            out.append(pieces)
        return out

    def _style(self, tone: str, text: str) -> Style:
        if tone not in COLOURS:
            return self.get_component_rich_style(f"verdicts--{tone}")
        back = "#{:02x}{:02x}{:02x}".format(*COLOURS[tone])
        # The word is bold, so that it stands out where there is no colour.
        return Style(color=ink_on(COLOURS[tone]), bgcolor=back, bold=text.strip() == tone)

    def render_line(self, y: int) -> Strip:
        line, (across, down) = self.scrollable_content_region.width, self.scroll_offset
        # The names of the levels stay in sight.
        number = y + int(down) if y else 0
        if number >= len(self._lines):
            return Strip.blank(line, self.rich_style)
        pieces = [Segment(text, self._style(tone, text)) for tone, text in self._lines[number]]
        strip = Strip(pieces).crop(int(across), int(across) + line)
        return strip.adjust_cell_length(line, self.rich_style)


def _tone(cell: VerdictCell, *, is_word: bool) -> str:
    if cell.verdict in COLOURS:
        return cell.verdict
    return "name" if is_word else "dim"
