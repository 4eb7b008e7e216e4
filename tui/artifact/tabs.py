"""The three tabs of an artifact, one of them seen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import ContentSwitcher

from tui.artifact.info import ArtifactInfo
from tui.artifact.lineage import Lineage
from tui.artifact.schema_table import SchemaTable
from tui.shared.tab_bar import TabBar


class ArtifactTabs(Vertical):
    """Info, schema and lineage, with a line of their names above."""

    DEFAULT_CSS = """
    ArtifactTabs {
        height: 1fr; width: 1fr;
        TabBar { background: $surface; }
        ContentSwitcher { height: 1fr; }
        ContentSwitcher > * { height: 1fr; }
    }
    """

    def compose(self) -> ComposeResult:
        yield TabBar({name: ("", name) for name in ("info", "schema", "lineage")}, "← →")
        with ContentSwitcher(initial="info"):
            yield ArtifactInfo(id="info")
            yield SchemaTable(id="schema")
            yield Lineage(id="lineage")

    def turn(self, step: int) -> None:
        """Show the tab before or after."""
        self.open_tab(self.query_one(TabBar).after(step))

    def open_tab(self, name: str) -> None:
        """Show a tab; the focus goes with it if it was on another."""
        had_focus = self.has_focus_within
        self.query_one(ContentSwitcher).current = name
        if name == "lineage":
            self.query_one(Lineage).draw()
        if had_focus:
            self.query_one(f"#{name}").focus()
        self.query_one(TabBar).mark(name)
