"""The three tabs of an artifact, one of them seen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import ContentSwitcher, Static

from tui.widgets.artifact_info import ArtifactInfo
from tui.widgets.lineage import Lineage
from tui.widgets.schema_table import SchemaTable

TABS = ("info", "schema", "lineage")


class ArtifactTabs(Vertical):
    """Info, schema and lineage, with a line of their names above."""

    DEFAULT_CSS = """
    ArtifactTabs {
        height: 1fr; width: 1fr;
        #tabs { height: 1; background: $surface; padding: 0 1; link-style: none; }
        ContentSwitcher { height: 1fr; }
        ContentSwitcher > * { height: 1fr; }
    }
    """

    def compose(self) -> ComposeResult:
        yield Static(id="tabs")
        with ContentSwitcher(initial="info"):
            yield ArtifactInfo(id="info")
            yield SchemaTable(id="schema")
            yield Lineage(id="lineage")

    def on_mount(self) -> None:
        self._name_tabs()

    def turn(self, step: int) -> None:
        """Show the tab before or after."""
        at = TABS.index(self.query_one(ContentSwitcher).current or TABS[0])
        self.open_tab(TABS[(at + step) % len(TABS)])

    def open_tab(self, name: str) -> None:
        """Show a tab; the focus goes with it if it was on another."""
        had_focus = self.has_focus_within
        self.query_one(ContentSwitcher).current = name
        if name == "lineage":
            self.query_one(Lineage).draw()
        if had_focus:
            self.query_one(f"#{name}").focus()
        self._name_tabs()

    def _name_tabs(self) -> None:
        current = self.query_one(ContentSwitcher).current
        looks = ((v, "reverse" if v == current else "dim") for v in TABS)
        tabs = " ".join(f"[@click=screen.tab('{v}')][{look}] {v} [/][/]" for v, look in looks)
        self.query_one("#tabs", Static).update(f"{tabs}  [dim]← →[/]")
