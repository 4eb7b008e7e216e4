"""The three views of an artifact, one of them seen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import ContentSwitcher, Static

from tui.widgets.facts_view import FactsView
from tui.widgets.lineage import Lineage
from tui.widgets.schema_view import SchemaView

VIEWS = ("facts", "schema", "lineage")


class ArtifactViews(Vertical):
    """Facts, schema and lineage, with a line of their names above."""

    DEFAULT_CSS = """
    ArtifactViews {
        height: 1fr; width: 1fr;
        #views { height: 1; background: $surface; padding: 0 1; link-style: none; }
        ContentSwitcher { height: 1fr; }
        ContentSwitcher > * { height: 1fr; }
    }
    """

    def compose(self) -> ComposeResult:
        yield Static(id="views")
        with ContentSwitcher(initial="facts"):
            yield FactsView(id="facts")
            yield SchemaView(id="schema")
            yield Lineage(id="lineage")

    def on_mount(self) -> None:
        self._name_views()

    def turn(self, step: int) -> None:
        """Show the view before or after."""
        at = VIEWS.index(self.query_one(ContentSwitcher).current or VIEWS[0])
        self.open_view(VIEWS[(at + step) % len(VIEWS)])

    def open_view(self, name: str) -> None:
        """Show a view; the focus goes with it if it was on another."""
        had_focus = self.has_focus_within
        self.query_one(ContentSwitcher).current = name
        if name == "lineage":
            self.query_one(Lineage).draw()
        if had_focus:
            self.query_one(f"#{name}").focus()
        self._name_views()

    def _name_views(self) -> None:
        current = self.query_one(ContentSwitcher).current
        looks = ((v, "reverse" if v == current else "dim") for v in VIEWS)
        tabs = " ".join(f"[@click=screen.view('{v}')][{look}] {v} [/][/]" for v, look in looks)
        self.query_one("#views", Static).update(f"{tabs}  [dim]← →[/]")
