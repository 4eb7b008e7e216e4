"""What a table shows: its columns and rows, which rows are seen, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


def arranged(rows: Sequence[Row], terms: Sequence[str], order: SortOrder | None) -> list[Row]:
    """The rows that match every term, sorted; rows without a value in the column come last."""
    matching = [row for row in rows if _holds(row, terms)] if terms else list(rows)
    if order is None:
        return matching
    column, reverse = order
    valued = [row for row in matching if _value(row, column) is not None]
    valued.sort(key=lambda row: _value(row, column), reverse=reverse)
    return valued + [row for row in matching if _value(row, column) is None]


def _holds(row: Row, terms: Sequence[str]) -> bool:
    text = " ".join(row.cells).lower()
    return all(term in text for term in terms)


def _value(row: Row, column: int) -> Any:
    return row.values[column] if row.values else row.cells[column]
