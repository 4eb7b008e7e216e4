"""The last line: what the keys do."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer


class KeyFooter(Footer):
    """A footer that is rebuilt only when its keys change, and not with every focus."""

    def __init__(self) -> None:
        super().__init__(compact=True)
        self._shown: list[tuple[Any, ...]] = []

    def compose(self) -> ComposeResult:
        for key in super().compose():
            # All but the palette's get this class anyway, and would then be styled again.
            yield key.set_class(not key.has_class("-command-palette"), "-compact", update=False)

    def bindings_changed(self, screen: Screen[Any]) -> None:
        active = [(b.binding, b.enabled) for b in screen.active_bindings.values()]
        shown = [(b.key, b.description, enabled) for b, enabled in active if b.show]
        if shown != self._shown:
            self._shown = shown
            super().bindings_changed(screen)
