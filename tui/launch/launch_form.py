"""The fields of a launch form, one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from jobs._registry import Spec
from tui.launch.complaints import REQUIRED
from tui.launch.form import Entry, Raw, option_entries, used_entries
from tui.launch.form_field import FormField


class LaunchForm(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Asks for the settings of a job, and below them where to run it."""

    DEFAULT_CSS = """
    LaunchForm { height: 1fr; scrollbar-size-vertical: 1; }
    LaunchForm .section { color: $text-primary; padding: 1 1 0 1; width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page_up", "Page up", show=False, id="form.page-up"),
        Binding("pagedown", "page_down", "Page down", show=False, id="form.page-down"),
    ]

    def __init__(self, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self.entries: tuple[Entry, ...] = ()

    @property
    def raw(self) -> dict[str, Raw]:
        """What is entered at this moment, by entry."""
        return {f.entry.name: f.value for f in self.query(FormField)}

    async def fill(self, spec: Spec, own: Sequence[Entry], raw: Mapping[str, Raw]) -> None:
        """Ask for other entries; `raw`: their first values, where it is not blank."""
        options = option_entries(spec)
        self.entries = (*own, *options)
        held = {e.name: raw.get(e.name, e.blank) for e in self.entries}
        used = used_entries(spec, held)
        fields = [FormField(e, held[e.name], display=e.name in used) for e in self.entries]
        section = [Static("where to run it", classes="section")] if options else []
        with self.app.batch_update():
            await self.remove_children()
            await self.mount(*fields[: len(own)], *section, *fields[len(own) :])
        self.focus_first()

    def focus_first(self) -> None:
        """Go to the first field that must be filled and is not, or to the first."""
        fields = list(self.query(FormField))
        empty = (f for f in fields if f.entry.required and not f.value)
        next(empty, fields[0]).focus_control()

    def update_status(
        self, used: frozenset[str], faults: Mapping[str, str], notes: Mapping[str, str]
    ) -> None:
        """Show the fields that are `used`, each with its fault or note."""
        for field in self.query(FormField):
            name = field.entry.name
            field.show(name in used)
            field.update_status(faults.get(name, ""), notes.get(name, ""))

    def touch(self) -> None:
        """From now on, what is missing is wrong."""
        for field in self.query(FormField):
            field.touched = True

    def faults_text(self, faults: Mapping[str, str]) -> str:
        """Which fields are wrong; or, where nothing was entered that is, which are required."""
        fields = [f for f in self.query(FormField) if f.entry.name in faults]
        wrong = [f for f in fields if f.touched or faults[f.entry.name] != REQUIRED]
        names = ", ".join(f.entry.label for f in wrong or fields)
        return f"fix: {names}" if wrong else f"required: {names}"
