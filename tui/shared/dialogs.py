"""Windows over a page: help, errors, and a question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

_Answer = TypeVar("_Answer")


class Dialog(ModalScreen[_Answer]):
    """A window over a page: what has the class `box`."""

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > .box {
        width: 76; max-width: 96%; height: auto; max-height: 90%;
        border: round $primary; background: $surface; padding: 0 1;
    }
    """


class TextDialog(Dialog[None]):
    """A text to read; any of the usual keys closes it."""

    DEFAULT_CSS = "TextDialog Static { width: 1fr; height: auto; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,E,enter", "dismiss", "Close", id="dialog.close")
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="box") as box:
            box.border_title, box.border_subtitle = self._title, "Esc closes"
            yield Static(self._text)


class Question(Dialog[str]):
    """A question to answer with y or n; of `several` runs to launch also with o, one at a time."""

    DEFAULT_CSS = "Question > .box { width: 70; border: round $warning; padding: 1 2; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss('y')", "Yes", id="question.yes"),
        Binding("o", "one_at_a_time", "One at a time", id="question.one-at-a-time"),
        Binding("n,escape", "dismiss('n')", "No", id="question.no"),
    ]

    def __init__(self, text: str, *, several: bool = False) -> None:
        super().__init__()
        self._text, self._several = text, several

    def compose(self) -> ComposeResult:
        answers = {"y": "all at once", "o": "one at a time"} if self._several else {"y": "yes"}
        keys = "    ".join(f"[b]{key}[/b] {text}" for key, text in (answers | {"n": "no"}).items())
        yield Static(f"{self._text}\n\n{keys}", classes="box")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return self._several or action != "one_at_a_time"

    def action_one_at_a_time(self) -> None:
        self.dismiss("o")


def keys_text(bindings: Sequence[tuple[str, str]]) -> str:
    """Keys and what they do, a line each."""
    width = max((len(key) for key, _ in bindings), default=0)
    return "\n".join(f"[b]{key:>{width}}[/b]  {text}" for key, text in bindings)
