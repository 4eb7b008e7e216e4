"""A window in which a run is tagged and noted about."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from tui.shared.dialogs import Dialog
from tui.workspace.notes import RunNote


class NoteDialog(Dialog[RunNote]):
    """Asks for one line: words that begin with # are tags, the others the note."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Cancel", id="note.cancel"),
    ]

    def __init__(self, title: str, note: RunNote) -> None:
        super().__init__()
        self._title, self._note = title, note

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = self._title
            box.border_subtitle = "Enter keeps it · Esc cancels"
            line = note_line(self._note)
            yield Input(line, placeholder="#tags, and a note", compact=True, select_on_focus=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(note_of(event.value, star=self._note.star))


def note_line(note: RunNote) -> str:
    """Tags and note as one types them."""
    return " ".join([*(f"#{tag}" for tag in note.tags), note.text]).strip()


def note_of(line: str, *, star: bool) -> RunNote:
    """The note that was typed; each tag counts once."""
    words = line.split()
    tags = dict.fromkeys(w[1:].lower() for w in words if w.startswith("#") and w[1:])
    return RunNote(star, tuple(tags), " ".join(w for w in words if not w.startswith("#")))
