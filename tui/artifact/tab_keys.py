"""The keys by which whatever has the focus turns over the tabs of a page."""

from __future__ import annotations

from textual.binding import Binding

TAB_KEYS = (
    Binding("left,h", "screen.turn(-1)", "Previous tab", show=False, id="tab.previous"),
    Binding("right,l", "screen.turn(1)", "Next tab", show=False, id="tab.next"),
)
