"""A text to read, which scrolls."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll


class ReadingPane(VerticalScroll, can_focus=True):
    """Something to read, with the keys of vim."""

    DEFAULT_CSS = """
    ReadingPane { padding: 0 1; scrollbar-size-vertical: 1; }
    ReadingPane Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False, id="reading.down"),
        Binding("k", "scroll_up", "Up", show=False, id="reading.up"),
        Binding("g", "scroll_home", "Top", show=False, id="reading.top"),
        Binding("G", "scroll_end", "Bottom", show=False, id="reading.bottom"),
    ]
