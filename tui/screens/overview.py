"""The page Overview."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.widget import Widget

from tui.page import Page
from tui.snapshot import Snapshot
from tui.widgets.empty import Empty


class OverviewPage(Page):
    """Overview."""

    NAME: ClassVar[str] = "overview"
    HELP: ClassVar[str] = "Overview."

    def content(self) -> Iterator[Widget]:
        yield Empty("reading the workspace …")

    def show(self, snapshot: Snapshot) -> None:
        self.query_one(Empty).update(
            f"{len(snapshot.artifacts)} artifacts, {len(snapshot.runs)} runs"
        )
