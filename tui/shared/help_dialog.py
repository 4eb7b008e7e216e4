"""The help of a page: what it shows, and all keys by page, filtered by typing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Input, Static

from tui.shared.dialogs import Dialog, keys_text
from tui.shared.sanitize import escape_markup

KeyGroups = Mapping[str, Sequence[tuple[str, str]]]
"""Keys and what they do, by page."""


class HelpDialog(Dialog[None]):
    """A text, and below it the keys; what is typed narrows them."""

    DEFAULT_CSS = """
    HelpDialog VerticalScroll { scrollbar-size-vertical: 1; }
    HelpDialog Input { background: $panel; margin: 0 0 1 0; dock: top; }
    HelpDialog Static { width: 1fr; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close", id="help.close"),
        Binding("up", "scroll(-1)", "Up", show=False, id="help.up"),
        Binding("down", "scroll(1)", "Down", show=False, id="help.down"),
        Binding("pageup", "scroll(-10)", "Page up", show=False, id="help.page-up"),
        Binding("pagedown", "scroll(10)", "Page down", show=False, id="help.page-down"),
    ]

    def __init__(self, title: str, text: str, groups: KeyGroups) -> None:
        super().__init__()
        self._title, self._text, self._groups = title, text, groups

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="box", can_focus=False) as box:
            box.border_title, box.border_subtitle = self._title, "Esc closes"
            yield Input(placeholder="type to find a key", compact=True)
            yield Static(help_text(self._text, self._groups, ""))

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one(Static).update(help_text(self._text, self._groups, event.value))

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def help_text(text: str, groups: KeyGroups, query: str) -> str:
    """`text` and all keys; of a query only the keys whose line or page has every word of it."""
    words = query.lower().split()
    parts = [] if words else [text]
    for title, keys in groups.items():
        found = [k for k in keys if all(w in f"{title} {' '.join(k)}".lower() for w in words)]
        if found:
            shown = [(escape_markup(key), what) for key, what in found]
            parts.append(f"[b $primary]{title}[/]\n{keys_text(shown)}")
    return "\n\n".join(parts) or "no such key"
