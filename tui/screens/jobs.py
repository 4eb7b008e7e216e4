"""The page Jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from textual.widget import Widget

from tui.page import Page
from tui.snapshot import Snapshot
from tui.widgets.empty import Empty


class JobsPage(Page):
    """Jobs."""

    NAME: ClassVar[str] = "jobs"
    HELP: ClassVar[str] = "Jobs."

    def content(self) -> Iterator[Widget]:
        yield Empty("reading the workspace …")

    def show(self, snapshot: Snapshot) -> None:
        self.query_one(Empty).update(
            f"{len(snapshot.artifacts)} artifacts, {len(snapshot.runs)} runs"
        )

    def open(self, run_id: str) -> None:
        """Show a run."""

    def launch(self, job: str, settings: Mapping[str, Any]) -> None:
        """Show the form of a job."""
