"""Words of which one is chosen, or several are ticked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.style import Style
from textual.widget import Widget

_GAP = "  "


class Choices(Widget, can_focus=True):
    """Left and right choose, or go along where several may be ticked; space ticks."""

    DEFAULT_CSS = """
    Choices { width: 1fr; height: auto; pointer: pointer; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "Previous", show=False, id="choices.previous"),
        Binding("right", "move(1)", "Next", show=False, id="choices.next"),
        Binding("space,enter", "tick", "Tick", show=False, id="choices.tick"),
    ]

    class Changed(Message):
        """Other options are chosen."""

    def __init__(self, options: Sequence[str], chosen: Sequence[str], *, many: bool) -> None:
        super().__init__()
        # What was chosen once stays a choice, also where it is none any more.
        self.options = tuple(dict.fromkeys((*options, *chosen)))
        self.chosen, self._many = tuple(chosen), many
        self._at = next((i for i, option in enumerate(self.options) if option in self.chosen), 0)

    def action_move(self, step: int) -> None:
        if not self.options:
            return
        self._at = (self._at + step) % len(self.options)
        self.refresh()
        if not self._many:
            self._choose((self.options[self._at],))

    def action_tick(self) -> None:
        if self.options:
            self._pick(self._at)

    def on_click(self, event: events.Click) -> None:
        if (at := event.style.meta.get("option")) is not None:
            self._pick(at)

    def _pick(self, at: int) -> None:
        """Choose a word, or tick it, or take its tick away."""
        self._at = at
        ticked = set(self.chosen) ^ {self.options[at]} if self._many else {self.options[at]}
        self._choose(tuple(option for option in self.options if option in ticked))

    def _choose(self, chosen: tuple[str, ...]) -> None:
        self.refresh()
        if chosen != self.chosen:
            self.chosen = chosen
            self.post_message(self.Changed())

    def get_content_height(self, _container: Size, _viewport: Size, width: int) -> int:
        return max(1, len(self._lines(width)))

    def render(self) -> Content:
        lines = self._lines(self.size.width)
        return Content("\n").join(Content(_GAP).join(map(self._part, line)) for line in lines)

    def _lines(self, width: int) -> list[list[int]]:
        """The options by line, none of them broken."""
        lines: list[list[int]] = []
        free = 0
        for at, option in enumerate(self.options):
            need = 2 + cell_len(option) + len(_GAP)
            if not lines or need > free + len(_GAP):
                lines.append([])
                free = width
            lines[-1].append(at)
            free -= need
        return lines

    def _part(self, at: int) -> Content:
        option = self.options[at]
        on = option in self.chosen
        mark = ("■" if on else "□") if self._many else ("●" if on else "○")
        look = "$text-primary bold" if on else "$foreground 75%"
        if at == self._at and self.has_focus:
            look += " reverse"
        text = Content(f"{mark} {option or 'default'}").stylize(look)
        return text.stylize(Style.from_meta({"option": at}))
