"""The tabs of a page, in one line, with their keys; a click opens one."""

from __future__ import annotations

from collections.abc import Mapping

from textual.widgets import Static


class TabBar(Static):
    """Names the tabs; the present one stands out."""

    DEFAULT_CSS = """
    TabBar {
        height: 1; link-style: none; link-style-hover: bold; link-background-hover: $primary 40%;
    }
    """

    def __init__(self, tabs: Mapping[str, tuple[str, str]]) -> None:
        """`tabs`: key and title by name; a click does the page's `tab('NAME')`."""
        super().__init__()
        self._tabs = tabs

    def mark(self, present: str) -> None:
        """Another tab is seen."""
        self.update("  ".join(self._tab(name, name == present) for name in self._tabs))

    def _tab(self, name: str, present: bool) -> str:
        key, title = self._tabs[name]
        look = "b $primary underline" if present else "$foreground 70%"
        return f"[@click=screen.tab('{name}')][{look}] {key} {title} [/][/]"
