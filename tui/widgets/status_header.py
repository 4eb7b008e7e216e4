"""The first line of every page: the pages, the workspace, and how many errors there are."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

PAGES = ("overview", "jobs", "metrics", "heatmaps", "cohort", "artifact", "results")


class StatusHeader(Horizontal):
    """Names the pages with their keys; a click opens one."""

    DEFAULT_CSS = """
    StatusHeader Static {
        link-style: none; link-style-hover: bold; link-background-hover: $primary 40%;
    }
    StatusHeader { height: 1; background: $panel; dock: top; }
    StatusHeader #tabs { width: auto; }
    StatusHeader #place {
        width: 1fr; text-align: right; color: $foreground 60%; padding: 0 1;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self._page = page

    def compose(self) -> ComposeResult:
        yield Static("".join(self._tab(i, p) for i, p in enumerate(PAGES, 1)), id="tabs")
        yield Static(id="place")

    def update_status(self, text: str) -> None:
        """What stands at the right: content markup."""
        self.query_one("#place", Static).update(text)

    def _tab(self, number: int, page: str) -> str:
        look = "reverse bold" if page == self._page else "dim"
        return f"[@click=app.switch_mode('{page}')][{look}] {number} {page.capitalize()} [/][/]"
