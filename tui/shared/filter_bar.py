"""The line in which `/` filters what a page shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input


class FilterBar(Input):
    """Hidden until opened. Enter keeps the filter, Esc clears it."""

    DEFAULT_CSS = """
    FilterBar { height: 1; border: none; padding: 0 1; display: none; background: $panel; }
    FilterBar.open { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Clear filter", show=False, id="filter.clear")
    ]

    @dataclass
    class Filtered(Message):
        """The query has changed."""

        text: str

    def __init__(self) -> None:
        super().__init__(
            placeholder="filter: every word must match; state:failed looks in one column",
            compact=True,
        )
        # Else it would take the keys of a page that has nothing else to focus.
        self.can_focus = False

    def open(self) -> None:
        """Show the line and go to it."""
        self.add_class("open")
        self.can_focus = True
        # At once, and not as `focus` does when all else has been dealt with: letters follow.
        self.screen.set_focus(self)

    def restore(self, text: str) -> None:
        """Filter by `text`, as it was before."""
        self.value = text
        self.add_class("open")

    def action_leave(self) -> None:
        self.value = ""
        self._close()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Filtered(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close()

    def _close(self) -> None:
        self.set_class(bool(self.value), "open")
        self.can_focus = False
        self.screen.focus_next("Rows")
        if self.screen.focused is self:
            # There is no table; keys go to what else takes them, or to the page.
            self.screen.focus_next()
        if self.screen.focused is self:
            self.screen.set_focus(None)
