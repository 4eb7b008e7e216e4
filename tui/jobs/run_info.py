"""What the record of a run contains."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from data_contracts.run import RunRecord, moment
from tui import clock
from tui.shared.reading_pane import ReadingPane
from tui.shared.run_texts import EXIT_CODES, duration_text, state_text
from tui.shared.sanitize import sanitize
from tui.workspace.notes import NO_NOTE, RunNote
from tui.workspace.records import config_of, duration_of


class RunInfo(ReadingPane):
    """Settings, inputs, outputs, times, and how it ended."""

    def compose(self) -> Iterator[Widget]:
        yield Static()

    def look_at(self, record: RunRecord, note: RunNote) -> None:
        """Show the record of a run, and what is noted about it."""
        self.query_one(Static).update(info_text(record, note))


def info_text(record: RunRecord, note: RunNote = NO_NOTE) -> Content:
    """The record as text; nothing in it can act as markup or as a command to the terminal."""
    sections = [
        ("Run", [*_run(record), *_noted(note)]),
        ("Settings", sorted(config_of(record).items())),
        ("Inputs", _artifacts(record.inputs)),
        ("Outputs", _artifacts(record.outputs)),
    ]
    width = max(len(sanitize(name)) for _, rows in sections for name, _ in rows)
    parts: list[str | tuple[str, str]] = []
    for title, rows in sections:
        parts += [(title, "bold $primary"), "\n" if rows else ("  none\n", "$foreground 60%")]
        for name, value in rows:
            parts += [(f"  {sanitize(name):<{width}}  ", "$foreground 60%"),
                      f"{sanitize(value)}\n"]  # fmt: skip
    return Content.assemble(*parts)


def _run(record: RunRecord) -> list[tuple[str, Any]]:
    now = clock.now()
    begun, ended = moment(record.started), moment(record.ended)
    code = "" if record.exit_code is None else f"{record.exit_code}"
    if record.exit_code in EXIT_CODES:
        code += f" ({EXIT_CODES[record.exit_code]})"
    rows = [
        ("id", record.run_id), ("job", record.job), ("state", state_text(record.state)),
        ("message", record.message), ("exit code", code),
        ("started", _local(begun)), ("ended", _local(ended)),
        ("duration", duration_text(duration_of(record, now))),
        ("host", record.host), ("process id", record.pid), ("engine", record.engine),
        ("engine id", record.engine_id or ""), ("version", record.package_version),
    ]  # fmt: skip
    return [(name, value) for name, value in rows if value != ""]


def _noted(note: RunNote) -> list[tuple[str, Any]]:
    rows = [("star", "★" * note.star), ("tags", " ".join(note.tags)), ("note", note.text)]
    return [(name, value) for name, value in rows if value]


def _local(time: datetime | None) -> str:
    return f"{clock.local(time):%Y-%m-%d %H:%M:%S %Z}" if time else ""


def _artifacts(items: object) -> list[tuple[str, Any]]:
    """Contract, place and the begin of the digest of each."""
    if not isinstance(items, list):
        return []
    entries = [item for item in items if isinstance(item, dict)]
    return [
        (str(i.get("contract")), f"{i.get('path')}  {str(i.get('digest', ''))[:19]}")
        for i in entries
    ]
