"""A line of the launch form: the flag's name, what is entered, and what is wrong with it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from tui.launch.choices import Choices
from tui.launch.complaints import REQUIRED
from tui.launch.form import Entry, Raw


class FormField(Container):
    """Asks for one entry; where there is room, its help stands beside it.

    It is empty until it is displayed: most fields are those of engines that are not chosen.
    """

    DEFAULT_CSS = """
    FormField {
        layout: grid; grid-size: 2; grid-columns: 16 1fr; grid-rows: auto; grid-gutter: 0 1;
        width: 1fr; height: auto; padding: 0 1;
    }
    FormField .name { color: $foreground 80%; text-align: right; }
    FormField.here .name { color: $text-primary; text-style: bold; }
    FormField Input { width: 1fr; background: $panel; }
    FormField .hint { display: none; column-span: 2; padding: 0 0 0 17; color: $foreground 65%; }
    FormField.fault .hint { display: block; color: $text-error; }
    FormField.note .hint { display: block; color: $text-warning; }
    """

    class Changed(Message):
        """Something else was entered."""

    def __init__(self, entry: Entry, value: Raw, *, display: bool) -> None:
        super().__init__(id=f"field-{entry.name}")
        self.display = display
        self.entry = entry
        self._control, self._posted = _control(entry, value), value
        self._status = ("", "")
        self.touched = False
        """Whether anything was entered, or the form was sent: before, nothing is missing."""

    @property
    def value(self) -> Raw:
        """What is entered at this moment."""
        if isinstance(self._control, Input):
            return self._control.value
        chosen = self._control.chosen
        if self.entry.kind == "switch":
            return bool(chosen)
        return chosen if self.entry.kind == "many" else chosen[0]

    def compose(self) -> ComposeResult:
        if self.display:
            yield Static(self.entry.label, classes="name", markup=False)
            yield self._control
            yield Static(self._hint, classes="hint", markup=False)

    @property
    def _hint(self) -> str:
        fault, note = self._status
        return fault or note or self.entry.help

    def update_status(self, fault: str, note: str) -> None:
        """What is wrong with what is entered, or good to know of it."""
        fault = "" if fault == REQUIRED and not self.touched else fault
        if (fault, note) != self._status:
            self._status = fault, note
            self.set_class(bool(fault), "fault")
            self.set_class(bool(note and not fault), "note")
            for hint in self.query(".hint").results(Static):
                hint.update(self._hint)

    def show(self, used: bool) -> None:
        """Display it, or not."""
        self.display = used
        if used and not self.children:
            self.refresh(recompose=True)

    def focus_control(self) -> None:
        """Go to where it is entered."""
        self._control.focus()

    def on_descendant_focus(self) -> None:
        self.add_class("here")

    def on_descendant_blur(self) -> None:
        self.remove_class("here")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._post_change()

    def on_choices_changed(self, event: Choices.Changed) -> None:
        event.stop()
        self._post_change()

    def _post_change(self) -> None:
        if self.value != self._posted:
            self._posted, self.touched = self.value, True
            self.post_message(self.Changed())


def _control(entry: Entry, value: Raw) -> Input | Choices:
    if entry.kind == "switch":
        return Choices(["yes"], ["yes"] if value else [], many=True)
    if isinstance(value, tuple):
        return Choices(entry.choices, value, many=True)
    if entry.kind == "choice":
        return Choices(entry.choices, [str(value)], many=False)
    empty = "required" if entry.required else entry.default
    suggester = SuggestFromList(entry.choices, case_sensitive=False) if entry.choices else None
    return Input(
        str(value), placeholder=empty, compact=True, select_on_focus=False, suggester=suggester
    )
