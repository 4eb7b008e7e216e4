"""The tabs of a page, in one line, with their keys; a click opens one."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content
from textual.widgets import Static

from tui.shared.sanitize import escape_markup
from tui.shared.switch import after


class TabBar(Static):
    """Names the tabs; the present one stands out."""

    DEFAULT_CSS = """
    TabBar {
        height: 1; link-style: none; link-style-hover: bold; link-background-hover: $primary 40%;
    }
    """

    def __init__(self, tabs: Mapping[str, tuple[str, str]], caption: str = "") -> None:
        """`tabs`: key and title by name; a click does the page's `tab('NAME')`.

        `caption` stands beside the tabs.
        """
        super().__init__()
        self._tabs, self.caption, self.present = tabs, caption, next(iter(tabs))
        self._counts: dict[str, int] = {}

    def on_mount(self) -> None:
        self.mark(self.present)

    def on_resize(self) -> None:
        self.mark(self.present)

    def mark(self, present: str) -> None:
        """Another tab is seen."""
        self.present = present
        line = Content.from_markup(self._line(self._counts))
        # The caption needs its room more than the counts do.
        fits = not self.caption or line.cell_length <= self.size.width
        self.update(line if fits else Content.from_markup(self._line({})))

    def _line(self, counts: Mapping[str, int]) -> str:
        tabs = "  ".join(self._tab(name, counts) for name in self._tabs)
        caption = f"   [$foreground 70%]{escape_markup(self.caption)}[/]" if self.caption else ""
        return tabs + caption

    def count(self, name: str, number: int) -> None:
        """Name beside a tab how much there is to be seen in it."""
        self._counts[name] = number
        self.mark(self.present)

    def after(self, step: int) -> str:
        """The name of the tab that many tabs further, round and round."""
        return after(tuple(self._tabs), self.present, step)

    def _tab(self, name: str, counts: Mapping[str, int]) -> str:
        key, title = self._tabs[name]
        title += f" ({counts[name]:,})" if name in counts else ""
        look = "b $primary underline" if name == self.present else "$foreground 70%"
        return f"[@click=screen.tab('{name}')][{look}] {f'{key} {title}'.strip()} [/][/]"
