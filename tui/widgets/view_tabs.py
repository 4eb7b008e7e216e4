"""The views of a page, in one line, with their keys; a click opens one."""

from __future__ import annotations

from collections.abc import Mapping

from textual.widgets import Static


class ViewTabs(Static):
    """Names the views; the present one stands out."""

    DEFAULT_CSS = """
    ViewTabs {
        height: 1; link-style: none; link-style-hover: bold; link-background-hover: $primary 40%;
    }
    """

    def __init__(self, views: Mapping[str, tuple[str, str]]) -> None:
        """`views`: key and title by name; a click does the page's `view('NAME')`."""
        super().__init__()
        self._views = views

    def mark(self, present: str) -> None:
        """Another view is seen."""
        self.update("  ".join(self._tab(name, name == present) for name in self._views))

    def _tab(self, name: str, present: bool) -> str:
        key, title = self._views[name]
        look = "b $primary underline" if present else "$foreground 70%"
        return f"[@click=screen.view('{name}')][{look}] {key} {title} [/][/]"
