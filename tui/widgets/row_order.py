"""Which rows of a table are shown, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tui.widgets.rows import Row

#: A column's number, and whether its highest value comes first.
Order = tuple[int, bool]


def arranged(rows: Sequence[Row], words: Sequence[str], order: Order | None) -> list[Row]:
    """The rows that hold every word, sorted; rows without a value in the column come last."""
    found = [row for row in rows if _holds(row, words)] if words else list(rows)
    if order is None:
        return found
    column, reverse = order
    known = [row for row in found if _value(row, column) is not None]
    known.sort(key=lambda row: _value(row, column), reverse=reverse)
    return known + [row for row in found if _value(row, column) is None]


def _holds(row: Row, words: Sequence[str]) -> bool:
    text = " ".join(row.cells).lower()
    return all(word in text for word in words)


def _value(row: Row, column: int) -> Any:
    return row.values[column] if row.values else row.cells[column]
