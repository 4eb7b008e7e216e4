"""The last line: what the keys do."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

#: What help, quit and cancel do: their keys are named however little room there is.
_KEPT = ("explain", "quit", "dismiss(False)")


class KeyFooter(Footer):
    """A footer that is rebuilt only when its keys or its room change, and not with every focus.

    Without room for all keys it names fewer, the palette's being the first to go.
    """

    def __init__(self) -> None:
        super().__init__(compact=True)
        self._shown: tuple[Any, ...] = ()

    def compose(self) -> ComposeResult:
        keys = list(super().compose())
        optional = [key for key in keys if _facts(key).action not in _KEPT]
        while optional and sum(map(_width, keys)) > self._room:
            keys.remove(optional.pop())
        for key in keys:
            # All but the palette's get this class anyway, and would then be styled again.
            yield key.set_class(not key.has_class("-command-palette"), "-compact", update=False)

    @property
    def _room(self) -> int:
        """Cells; all of the terminal's before the first layout."""
        return self.size.width or self.app.size.width

    def on_resize(self) -> None:
        if self._shown:
            self.bindings_changed(self.screen)

    def bindings_changed(self, screen: Screen[Any]) -> None:
        active = [(b.binding, b.enabled) for b in screen.active_bindings.values()]
        keys = [(b.key, b.description, enabled) for b, enabled in active if b.show]
        if (self._room, keys) != self._shown:
            self._shown = self._room, keys
            super().bindings_changed(screen)


def _facts(key: Widget) -> FooterKey:
    assert isinstance(key, FooterKey)
    return key


def _width(key: Widget) -> int:
    """Cells of a key and what it does, with the gap after it."""
    facts = _facts(key)
    return cell_len(f"{facts.key_display} {facts.description} ")
