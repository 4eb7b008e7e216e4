"""What is in an artifact: its columns or datasets, as they are in the file."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from jobs._facts import Schema
from tui.shared.reading_pane import ReadingPane
from tui.shared.sanitize import escape_markup, sanitize


class SchemaTable(ReadingPane):
    """A line for each column or dataset; never a cell or a value."""

    def compose(self) -> ComposeResult:
        yield Static()

    def update_status(self, text: str) -> None:
        """Show why there is nothing to show."""
        self.query_one(Static).update(escape_markup(text))

    def show(self, schema: Schema) -> None:
        """Show what is in a file."""
        self.query_one(Static).update(_table(schema))


def _table(schema: Schema) -> Table:
    extent = "shape" if schema.rows is None else "nulls"
    table = Table(
        "name", "type", extent, "unit", "description", box=None, pad_edge=False,
        padding=(0, 2, 0, 0), header_style="bold", expand=True,
    )  # fmt: skip
    name, kind, size, _, meaning = table.columns
    longest = max((len(m.name) for m in schema.members), default=0)
    name.overflow = kind.overflow = "fold"
    name.min_width, size.no_wrap = min(longest, 30), True
    kind.ratio, meaning.ratio, meaning.style = 4, 7, "dim"
    for m in schema.members:
        cells = (m.name, m.type, m.extent, m.unit, m.description)
        table.add_row(*(Text(sanitize(cell)) for cell in cells))
    return table
