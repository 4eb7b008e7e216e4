"""A command to read and copy."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static


class CommandBox(Horizontal):
    """Shows a command, wrapped; of several the first, and how many there are."""

    DEFAULT_CSS = """
    CommandBox { height: auto; background: $surface; padding: 0 1; }
    CommandBox .kind { width: 10; color: $foreground 60%; }
    CommandBox VerticalScroll { height: auto; max-height: 3; scrollbar-size-vertical: 1; }
    CommandBox VerticalScroll:focus { background: $panel; }
    CommandBox VerticalScroll Static { width: 1fr; }
    """

    def __init__(self, kind: str, classes: str | None = None) -> None:
        super().__init__(id=kind, classes=classes)
        self._kind = kind
        self.lines: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static(self._kind, classes="kind")
        with VerticalScroll():
            yield Static(classes="text", markup=False)

    def show(self, lines: Sequence[str]) -> None:
        """Other commands, or none."""
        if (lines := tuple(lines)) != self.lines:
            self.lines = lines
            count = f"\n1 of {len(lines)}" if len(lines) > 1 else ""
            self.query_one(".kind", Static).update(f"{self._kind}{count}")
            self.query_one(".text", Static).update("".join(lines[:1]))
