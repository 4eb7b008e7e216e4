"""What is in an artifact: its columns or datasets, as they are in the file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from data_contracts.catalog import contracts
from data_contracts.errors import CxrError, concerns_content
from jobs._facts import Schema, schema_of
from tui.shared.reading import Reading
from tui.shared.reading_pane import ReadingPane
from tui.shared.sanitize import escape_markup, sanitize
from tui.workspace.snapshot import Artifact

#: Seconds for which the cursor must rest on an artifact before its file is read.
_REST = 0.15


class SchemaTable(ReadingPane):
    """A line for each column or dataset; never a cell or a value."""

    @dataclass
    class Read(Message):
        """What is in a file, or why that is unknown."""

        artifact: Artifact
        schema: Schema | None
        fault: str = ""
        damaged: bool = False

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._artifact: Artifact | None = None
        self._path = Path()
        self._resting: Timer | None = None
        self._file = Reading(self, "schema", self._take, self._fail)
        self.is_reading = False
        """Whether a file has been asked for and is not shown yet."""

    def compose(self) -> ComposeResult:
        yield Static()

    def update_status(self, text: str) -> None:
        """Show why there is nothing to show."""
        self.query_one(Static).update(escape_markup(text))

    def read(self, artifact: Artifact, path: Path) -> None:
        """Show what is in the file of an artifact, once it has been read."""
        self._artifact, self._path = artifact, path
        self._file.forget()
        if self._resting is not None:
            self._resting.stop()
        self.is_reading = artifact.header is not None and artifact.state != "writing"
        if not self.is_reading:
            self.update_status(artifact.reason)
            return
        self.update_status("reading …")
        read = partial(schema_of, contracts()[artifact.contract], path)
        self._resting = self.set_timer(_REST, lambda: self._file.want(artifact.identity, read))

    def _take(self, schema: Schema) -> None:
        self.is_reading = False
        self.query_one(Static).update(_table(schema))
        assert self._artifact is not None
        self.post_message(self.Read(self._artifact, schema))

    def _fail(self, error: CxrError) -> None:
        assert self._artifact is not None
        # What has been removed since is no damage; the next snapshot shows it.
        if self._path.exists():
            self.is_reading = False
            self.update_status(str(error))
            damaged = concerns_content(error)
            self.post_message(self.Read(self._artifact, None, str(error), damaged))


def _table(schema: Schema) -> Table:
    extent = "shape" if schema.rows is None else "nulls"
    table = Table(
        "name", "type", extent, "unit", "description", box=None, pad_edge=False,
        padding=(0, 2, 0, 0), header_style="bold", expand=True,
    )  # fmt: skip
    name, kind, size, _, meaning = table.columns
    longest = max((len(m.name) for m in schema.members), default=0)
    name.overflow, name.min_width, size.no_wrap = "fold", min(longest, 30), True
    kind.ratio, meaning.ratio, meaning.style = 4, 7, "dim"
    for m in schema.members:
        cells = (m.name, m.type, m.extent, m.unit, m.description)
        table.add_row(*(Text(sanitize(cell)) for cell in cells))
    return table
