"""The text of a log: follows its end, scrolls, wraps and is searched; draws only what is seen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

#: Earlier lines are forgotten.
MOST_LINES = 5000
#: The time that begins a line of a job's log.
_TIME = re.compile(r"(?:\d\d-\d\d )?\d\d:\d\d:\d\d ")


class LogText(ScrollView, can_focus=True):
    """Shows plain lines. It follows the end until one scrolls up, and again from the end on."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--time", "log--warning", "log--match", "log--current",
    }  # fmt: skip
    DEFAULT_CSS = """
    LogText {
        height: 1fr; width: 1fr; scrollbar-size: 1 1; overflow-x: hidden; overflow-y: scroll;
        &.unwrapped { overflow-x: auto; }
        .log--time { text-style: dim; }
        .log--warning { color: $text-warning; }
        .log--match { background: $accent 35%; }
        .log--current { background: $accent; color: $background; text-style: bold; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="log.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="log.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="log.page-up"),
        Binding("pagedown,space", "page(1)", "Page down", show=False, id="log.page-down"),
        Binding("home,g", "begin", "First line", show=False, id="log.first"),
        Binding("end,G", "follow", "Follow the end", show=False, id="log.follow"),
        Binding("w", "wrap", "Wrap lines", show=False, id="log.wrap"),
        Binding("n", "next(1)", "Next match", show=False, id="log.next"),
        Binding("N", "next(-1)", "Previous match", show=False, id="log.previous"),
    ]

    following: reactive[bool] = reactive(True)
    wrap: reactive[bool] = reactive(True)

    class Changed(Message):
        """It follows or not, wraps or not, or has other matches."""

    def __init__(self) -> None:
        super().__init__()
        self.left_out = False
        """Whether there were earlier lines than those shown."""
        self._lines: list[str] = []
        self._partial = ""
        self._rows: list[tuple[int, int, int]] = []
        """For each line on the screen: a line of the log by number, first and last column."""
        self._laying = False
        self._query = ""
        self._matches: list[tuple[int, int]] = []
        """Line and column."""
        self._spans: dict[int, list[int]] = {}
        """Columns of the matches by line."""
        self._at = -1

    @property
    def lines(self) -> Sequence[str]:
        """All lines there are to be seen; the last one may still grow."""
        return self._lines

    @property
    def matches(self) -> tuple[int, int]:
        """Number of the match that one is at, from 1, and how many there are."""
        return self._at + 1, len(self._matches)

    def add(self, lines: Sequence[str], partial: str = "", *, anew: bool = False) -> None:
        """More lines at the end; `partial` is shown after them until the next call.

        `anew`: forget all lines before, and follow.
        """
        if anew:
            self.left_out, self.following = False, True
            self._lines, self._partial, self._rows, self._at = [], "", [], -1
        elif not lines and partial == self._partial:
            return
        if self._partial:
            self._lines.pop()
        self._lines += [*lines, partial] if partial else lines
        self._partial = partial
        dropped = max(0, len(self._lines) - MOST_LINES)
        above = sum(1 for line, _, _ in self._rows if line < dropped)
        del self._lines[:dropped]
        self.left_out |= dropped > 0
        at = self._matches[self._at] if self._at >= 0 else None
        self._lay(above)
        self._find()
        # One stays at the same match of the same line.
        moved = at and (at[0] - dropped, at[1])
        self._at = self._matches.index(moved) if moved in self._matches else -1
        self.post_message(self.Changed())

    def search(self, text: str) -> None:
        """Mark `text`, in any case, and go to the first place from the top of the screen on."""
        self._query = text
        self._find()
        top = self._rows[int(self.scroll_offset.y)][0] if self._rows else 0
        later = (i for i, (line, _) in enumerate(self._matches) if line >= top)
        self._at = next(later, len(self._matches) - 1)
        self._show_match()

    def _find(self) -> None:
        pattern = re.compile(re.escape(self._query), re.IGNORECASE)
        numbered = enumerate(self.lines) if self._query else ()
        self._matches = [(i, m.start()) for i, line in numbered for m in pattern.finditer(line)]
        self._spans = {}
        for line, start in self._matches:
            self._spans.setdefault(line, []).append(start)

    def _show_match(self) -> None:
        if self._at >= 0:
            line, column = self._matches[self._at]
            rows = enumerate(self._rows)
            row = next((r for r, (i, a, b) in rows if i == line and a <= column < max(b, 1)), 0)
            width, height = self.scrollable_content_region.size
            if not self.scroll_offset.y <= row < self.scroll_offset.y + height:
                self.scroll_to(y=row - height // 2, animate=False)
            if not self.wrap:
                self.scroll_to(x=max(0, column - width // 2), animate=False)
        self.refresh()
        self.post_message(self.Changed())

    def _lay(self, dropped: int = 0) -> None:
        """Divide the lines into lines of the screen; keep the end, or what was seen, in place."""
        y, following = self.scroll_offset.y - dropped, self.following
        width = self.scrollable_content_region.width
        self._rows = [
            (i, a, b) for i, line in enumerate(self.lines) for a, b in self._pieces(line, width)
        ]
        if not self.wrap:
            width = max(map(cell_len, self.lines), default=0)
        self._laying = True
        self.virtual_size = Size(width, len(self._rows))
        self.scroll_to(y=self.max_scroll_y if following else max(0, y), animate=False)
        self._laying = False
        self.refresh()

    def _pieces(self, line: str, width: int) -> list[tuple[int, int]]:
        if not self.wrap or not line or width < 1:
            return [(0, len(line))]
        if line.isascii():
            return [(a, min(a + width, len(line))) for a in range(0, len(line), width)]
        ends = [0]
        for piece in chop_cells(line, width):
            ends.append(ends[-1] + len(piece))
        return list(pairwise(ends))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if not self._laying:
            self.following = new_value >= self.max_scroll_y

    def watch_following(self) -> None:
        self.post_message(self.Changed())

    def watch_wrap(self) -> None:
        self.set_class(not self.wrap, "unwrapped")
        self.scroll_to(x=0, animate=False)
        self._lay()
        self.post_message(self.Changed())

    def on_resize(self) -> None:
        self._lay()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Without a search, the keys that go to a match belong to the page."""
        return bool(self._query) if action == "next" else True

    def action_move(self, step: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + step, animate=False)

    def action_page(self, step: int) -> None:
        self.action_move(step * max(1, self.scrollable_content_region.height - 1))

    def action_begin(self) -> None:
        self.scroll_to(y=0, animate=False)

    def action_follow(self) -> None:
        self.scroll_to(y=self.max_scroll_y, animate=False)
        self.following = True

    def action_wrap(self) -> None:
        self.wrap = not self.wrap

    def action_next(self, step: int) -> None:
        if self._matches:
            self._at = (self._at + step) % len(self._matches)
            self._show_match()

    def render_line(self, y: int) -> Strip:
        number, x = y + int(self.scroll_offset.y), int(self.scroll_offset.x)
        width, base = self.scrollable_content_region.width, self.visual_style.rich_style
        if number >= len(self._rows):
            return Strip.blank(width, base)
        line, start, end = self._rows[number]
        text = self._styled_line(line)[start:end]
        text.end = ""
        strip = Strip(text.render(self.app.console)).apply_style(base)
        return strip.crop_extend(x, x + width, base)

    def _styled_line(self, number: int) -> Text:
        line = self.lines[number]
        text = Text(line)
        if "warning" in line:
            text.stylize(self._style("log--warning"))
        if time := _TIME.match(line):
            text.stylize(self._style("log--time"), 0, time.end())
        if self._query:
            here = self._matches[self._at] if self._at >= 0 else None
            for start in self._spans.get(number, ()):
                name = "log--current" if (number, start) == here else "log--match"
                text.stylize(self._style(name), start, start + len(self._query))
        return text

    def _style(self, name: str) -> Style:
        # Only a whole style has its background blended with what lies below.
        marked = name in ("log--match", "log--current")
        return self.get_component_rich_style(name, partial=not marked)
