"""How alike every attribute and the reference are, by level of evidence, as a coloured matrix."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from data_contracts import titles
from data_contracts.associations import EVIDENCE_LEVELS
from data_contracts.disclosure import SUPPRESSED, explanation
from tui.maps.colours import colours, ink_on
from tui.maps.figure import TonedLine

_WIDTH, _ROOMY, _GAP = 15, 17, 1
_NOT_INTERPRETED = "not interpreted"

_SIGNS: TonedLine = (
    "dim", "95 % patient-bootstrap CI; 'incl. 0' = CI contains 0; colour: −1 blue to +1 orange",
)  # fmt: skip
_NOT_INTERPRETED_NOTE: TonedLine = (
    "dim", "not interpreted: one of the two networks does not predict better than chance",
)  # fmt: skip


@dataclass(frozen=True)
class Similar:
    """A cell of the matrix. `value` None: nothing to colour by."""

    lines: tuple[str, ...]
    value: float | None = None

    @property
    def colour(self) -> tuple[int, int, int] | None:
        import numpy as np

        if self.value is None:
            return None
        red, green, blue = colours(np.array(self.value), 1.0, signed=True).tolist()
        return red, green, blue


@dataclass(frozen=True)
class Matrix:
    """Rows are attributes, columns statistics by level of evidence."""

    reference: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    rows: tuple[str, ...] = ()
    cells: Mapping[tuple[str, str, str], Similar] | None = None
    """By attribute, level of evidence and statistic."""
    least: int = 0
    """Fewer patients are not disclosed."""

    def cell(self, row: str, column: tuple[str, str]) -> Similar:
        return (self.cells or {}).get((row, *column), Similar(("—",)))


def title_of(matrix: Matrix) -> str:
    return f"Attributes ranked by similarity to {matrix.reference}"


def notes_of(matrix: Matrix) -> tuple[TonedLine, ...]:
    """What the texts and colours in the cells mean."""
    texts = {line for cell in (matrix.cells or {}).values() for line in cell.lines}
    notes = [_SIGNS]
    notes += [_NOT_INTERPRETED_NOTE] if _NOT_INTERPRETED in texts else []
    notes += [("dim", explanation(matrix.least))] if SUPPRESSED in texts else []
    return tuple(notes)


def matrix_of(associations: Sequence[Mapping[str, Any]], query: str = "", least: int = 0) -> Matrix:
    """The matrix of all associations with the first reference; `least` as in `disclosure`.

    Attributes match every word of `query`.
    """
    if not associations:
        return Matrix()
    reference = associations[0]["reference"]
    rows = [r for r in associations if r["reference"] == reference]
    columns = dict.fromkeys((r["evidence_level"], r["statistic"]) for r in rows)
    order = sorted(columns, key=lambda c: -EVIDENCE_LEVELS.index(c[0]))
    ranks = {r["attribute"]: r["value"] for r in rows
             if r["statistic"] == titles.RANKING and r["value"] is not None}  # fmt: skip
    names = dict.fromkeys(
        r["attribute"] for r in rows if all(w in r["attribute"] for w in query.lower().split())
    )
    ranked = sorted(names, key=lambda a: -ranks.get(a, -2.0))
    cells = {(r["attribute"], r["evidence_level"], r["statistic"]): _similar(r) for r in rows}
    return Matrix(reference, tuple(order), tuple(ranked), cells, least)


def _similar(row: Mapping[str, Any]) -> Similar:
    from tui.maps.map_texts import interval, number

    if row["suppressed"]:
        return Similar((SUPPRESSED,))
    if row["value"] is None:
        reason = textwrap.wrap(row["reason"] or "no value", _WIDTH)
        return Similar(("—", *reason, f"n {row['subjects']:,}"))
    low, high = row["low"], row["high"]
    inside = low is not None and low <= 0 <= high
    lines = [number(row["value"]) + (" incl. 0" if inside else ""), interval(low, high)]
    lines.append(f"n {row['subjects']:,}")
    if row["p_holm"] is not None:
        lines.append(f"Holm p {row['p_holm']:.3g}")
    elif row["p"] is not None:
        lines.append(f"p {row['p']:.3g}")
    if row["null"]:
        lines.append(str(row["null"]))
    if not row["interpretable"]:
        return Similar((*lines, _NOT_INTERPRETED))
    return Similar(tuple(lines), row["value"])


class Similarity(ScrollView, can_focus=True):
    """Shows a matrix; scrolls where it is larger than the page."""

    COMPONENT_CLASSES = {"similarity--head", "similarity--name", "similarity--dim"}  # noqa: RUF012
    DEFAULT_CSS = """
    Similarity {
        width: 1fr; height: 1fr; scrollbar-size: 1 1;
        .similarity--head { color: $primary; text-style: bold; }
        .similarity--name { text-style: bold; }
        .similarity--dim { color: $foreground 60%; }
    }
    """

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.matrix = Matrix()
        self._lines: list[Strip] = []

    def show(self, matrix: Matrix) -> None:
        """Show another matrix."""
        self.matrix = matrix
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._lines = []

    def _draw(self) -> None:
        """Measure the matrix; its lines are made when they are seen."""
        rows = sum(2 + self._height(row) for row in self.matrix.rows)
        heads = 1 + max((len(self._title(c)) for c in self.matrix.columns), default=0)
        self._lines = []
        self.virtual_size = Size(len(self.matrix.columns) * (self._width + _GAP), heads + rows)
        self.refresh()

    @property
    def _width(self) -> int:
        """Of a column, in cells."""
        count = len(self.matrix.columns)
        return max(_WIDTH, min(24, self.size.width // count - _GAP if count else 0))

    def _title(self, column: tuple[str, str]) -> list[str]:
        return textwrap.wrap(titles.statistic(column[1]), self._width)

    def _height(self, row: str) -> int:
        return max(len(self.matrix.cell(row, c).lines) for c in self.matrix.columns)

    def _heads(self, width: int) -> list[Strip]:
        style = self.get_component_rich_style("similarity--head")
        layers = [layer for layer, _ in self.matrix.columns]
        first = [
            name if i == 0 or layers[i - 1] != name else "" for i, name in enumerate(layers)
        ]  # fmt: skip
        titles = [self._title(column) for column in self.matrix.columns]
        lines = [first]
        for i in range(max(map(len, titles), default=0)):
            lines.append([title[i] if i < len(title) else "" for title in titles])
        return [Strip([Segment(f"{t[:width]:<{width + _GAP}}", style) for t in line])
                for line in lines]  # fmt: skip

    def _row(self, row: str) -> list[Strip]:
        width = self._width
        cells = [self.matrix.cell(row, column) for column in self.matrix.columns]
        name = self.get_component_rich_style("similarity--name")
        gap = Segment(" " * _GAP, self.rich_style)
        strips = [Strip.blank(1, self.rich_style), Strip([Segment(row, name)])]
        for i in range(self._height(row)):
            segments: list[Segment] = []
            for cell in cells:
                text = cell.lines[i] if i < len(cell.lines) else ""
                style = self._style(cell, first=i == 0)
                if len(text) > width:
                    text = text.replace(" to ", "…")
                text = f" {text}" if width > _ROOMY else text
                segments += [Segment(f"{text[:width]:<{width}}", style), gap]
            strips.append(Strip(segments))
        return strips

    def _style(self, cell: Similar, *, first: bool) -> Style:
        if cell.colour is None:
            return self.get_component_rich_style("similarity--dim")
        back = "#{:02x}{:02x}{:02x}".format(*cell.colour)
        return Style(color=ink_on(cell.colour), bgcolor=back, bold=first)

    def render_line(self, y: int) -> Strip:
        line, (across, down) = self.size.width, self.scroll_offset
        if not self._lines:
            self._lines = [*self._heads(self._width), *chain(*map(self._row, self.matrix.rows))]
        number = y + int(down)
        if number >= len(self._lines):
            return Strip.blank(line, self.rich_style)
        strip = self._lines[number].crop(int(across), int(across) + line)
        return strip.adjust_cell_length(line, self.rich_style)
