"""The keys by which whatever has the focus turns over the views of a page."""

from __future__ import annotations

from textual.binding import Binding

TAB_KEYS = (
    Binding("left,h", "screen.turn(-1)", "View before", show=False, id="view.before"),
    Binding("right,l", "screen.turn(1)", "Next view", show=False, id="view.next"),
)
