"""What a table shows: its columns and rows, which rows are seen, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tui.shared.toned import Tone

#: Cells that columns without a width keep before others grow.
_ROOMY = 28

#: A column's number, and whether its highest value comes first.
SortOrder = tuple[int, bool]


@dataclass(frozen=True)
class Column:
    """A column. `width` in cells; 0: what the others leave."""

    title: str
    width: int = 0
    right: bool = False
    """Align to the right, as numbers are."""
    name: bool = False
    """Holds names, whose ends differ: they are cut in the middle."""
    most: int = 0
    """Cells that it grows to where there is room."""
    counts: bool = False
    """Its title tells how many rows there are."""


@dataclass(frozen=True)
class Row:
    """A line. `key` names it; `values` sort it where the texts would not."""

    key: str
    cells: tuple[str, ...]
    values: tuple[Any, ...] = ()
    tones: tuple[Tone, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    """What a filter finds besides the cells, by name, such as `tag`."""

    @cached_property
    def text(self) -> str:
        """What a filter looks for a word in."""
        return " ".join((*self.cells, *self.fields.values())).lower()


class LazyRow(Row):
    """A row that is made when it is first seen or sorted: of thousands few are seen."""

    _make: Callable[[], Row]

    def __init__(self, key: str, make: Callable[[], Row]) -> None:
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "_make", make)

    @cached_property
    def _made(self) -> Row:
        return self._make()

    @cached_property
    def text(self) -> str:
        # Of rows that a filter leaves out nothing else is kept.
        return self._make().text

    @property
    def is_read(self) -> bool:
        """Whether its text has been made."""
        return "text" in vars(self)

    @property
    def cells(self) -> tuple[str, ...]:
        return self._made.cells

    @property
    def values(self) -> tuple[Any, ...]:
        return self._made.values

    @property
    def tones(self) -> tuple[Tone, ...]:
        return self._made.tones

    @property
    def fields(self) -> Mapping[str, str]:
        return self._made.fields


def column_widths(columns: Sequence[Column], room: int, gap: int) -> list[int]:
    """How the cells of a line, less the gaps between columns, are shared out."""
    free = max(1, sum(1 for column in columns if not column.width))
    rest = room - sum(column.width for column in columns) - gap * (len(columns) - 1)
    widths = []
    for column in columns:
        grown = max(0, min(column.most - column.width, rest - free * _ROOMY))
        rest -= grown
        widths.append(column.width + grown)
    return [width or max(8, rest // free) for width in widths]


def arranged(
    rows: Sequence[Row], terms: Sequence[str], order: SortOrder | None, titles: Sequence[str] = ()
) -> list[Row]:
    """The rows that match every term, sorted; rows without a value in the column come last.

    `titles` of the columns: a term such as `state:failed` is looked for in that column alone.
    """
    matching: Iterable[Row] = rows
    for term in terms:
        matching = _matching(matching, term, titles)
    if order is None:
        return list(matching)
    column, reverse = order
    values = [(row, row.values[column] if row.values else row.cells[column]) for row in matching]
    valued = [pair for pair in values if pair[1] is not None]
    valued.sort(key=lambda pair: pair[1], reverse=reverse)
    return [row for row, _ in valued] + [row for row, value in values if value is None]


def _matching(rows: Iterable[Row], term: str, titles: Sequence[str]) -> Iterable[Row]:
    name, colon, text = term.partition(":")
    if not colon:
        return [row for row in rows if term in row.text]
    column = titles.index(name) if name in titles else None
    return [row for row in rows if _holds(row, term, name, text, column)]


def _holds(row: Row, term: str, name: str, text: str, column: int | None) -> bool:
    if name in row.fields:
        return text in row.fields[name].lower()
    return term in row.text if column is None else text in row.cells[column].lower()
