"""What a table shows: its columns and rows, which rows are seen, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tui.shared.toned import Tone

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


@dataclass(frozen=True)
class Row:
    """A line. `key` names it; `values` sort it where the texts would not."""

    key: str
    cells: tuple[str, ...]
    values: tuple[Any, ...] = ()
    tones: tuple[Tone, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    """What a filter finds besides the cells, by name, such as `tag`."""


def arranged(
    rows: Sequence[Row], terms: Sequence[str], order: SortOrder | None, titles: Sequence[str] = ()
) -> list[Row]:
    """The rows that match every term, sorted; rows without a value in the column come last.

    `titles` of the columns: a term such as `state:failed` is looked for in that column alone.
    """
    matching = [row for row in rows if all(_holds(row, term, titles) for term in terms)]
    if order is None:
        return matching
    column, reverse = order
    valued = [row for row in matching if _value(row, column) is not None]
    valued.sort(key=lambda row: _value(row, column), reverse=reverse)
    return valued + [row for row in matching if _value(row, column) is None]


def _holds(row: Row, term: str, titles: Sequence[str]) -> bool:
    name, colon, text = term.partition(":")
    if colon and name in row.fields:
        return text in row.fields[name].lower()
    if colon and name in titles:
        return text in row.cells[titles.index(name)].lower()
    return term in " ".join((*row.cells, *row.fields.values())).lower()


def _value(row: Row, column: int) -> Any:
    return row.values[column] if row.values else row.cells[column]
