"""State, header, settings and attributes of an artifact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from data_contracts.catalog import contracts
from jobs._facts import Schema, short
from tui import clock
from tui.shared.pipeline import SIGNS, GroupState, human_size
from tui.shared.reading_pane import ReadingPane
from tui.shared.sanitize import escape_markup, sanitize
from tui.shared.toned import in_tone
from tui.workspace.snapshot import Artifact


@dataclass(frozen=True)
class Verdict:
    """What came of verifying an artifact: its fault, or nothing."""

    fault: str
    when: datetime


class ArtifactInfo(ReadingPane):
    """The state in colour above a table."""

    def compose(self) -> ComposeResult:
        yield Static(id="state")
        yield Static(id="header")

    def show(
        self,
        artifact: Artifact,
        path: Path,
        job: str,
        schema: Schema | None = None,
        verdict: Verdict | None = None,
    ) -> None:
        """Show an artifact that `job` makes; schema and verdict where available."""
        self.query_one("#state", Static).update(_state(artifact, job, verdict))
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, text in _info_rows(artifact, path, schema):
            table.add_row(Text(name), Text(sanitize(text)))
        header = artifact.header
        for title, values in (
            ("config", header.config if header else {}),
            ("attributes", header.attributes if header else {}),
        ):
            _section(table, title, values)
        self.query_one("#header", Static).update(table)

    def show_missing(self, place: str, job: str) -> None:
        """Show that there is no file at a place."""
        text = f"{_signed('missing')}: no file at {escape_markup(place)}; `cxr {job}` creates it"
        self.query_one("#state", Static).update(text)
        self.query_one("#header", Static).update("")


def _state(artifact: Artifact, job: str, verdict: Verdict | None) -> str:
    if verdict is not None and verdict.fault:
        lines = [f"{_signed('damaged')}: {escape_markup(verdict.fault)}"]
    else:
        reason = f": {escape_markup(artifact.reason)}" if artifact.reason else ""
        lines = [_signed(artifact.state) + reason]
    if verdict is not None and not verdict.fault:
        text = f"[$text-success]✓ verified at {clock.local(verdict.when):%H:%M:%S}[/]"
        lines.append(f"{text}: complete, valid, digest matches")
    if artifact.state in ("damaged", "stale") or (verdict and verdict.fault):
        lines.append(f"`cxr {job}` re-creates it: press [b $text-accent]n[/]")
    return "\n".join(lines)


def _signed(state: GroupState) -> str:
    sign, tone = SIGNS[state]
    return in_tone(tone, f"{sign} {state}")


def _info_rows(artifact: Artifact, path: Path, schema: Schema | None) -> Iterator[tuple[str, str]]:
    header = artifact.header
    version = f" {header.version}" if header else ""
    yield "contract", f"{artifact.contract}{version}"
    yield "description", contracts()[artifact.contract].description
    yield "path", str(path)
    yield (
        "size",
        human_size(artifact.size)
        + (f", {schema.rows:,} rows" if schema is not None and schema.rows is not None else ""),
    )
    if header is not None:
        yield "created", header.created
        yield "job", header.job
        yield "package", header.package_version
        yield "digest", header.digest


def _section(table: Table, title: str, values: Mapping[str, Any]) -> None:
    if values:
        table.add_row("", "")
        table.add_row(Text(title, style="bold not dim"), "")
    for name, value in values.items():
        table.add_row(Text(f"  {sanitize(name)}"), Text(sanitize(short(value, 300))))
