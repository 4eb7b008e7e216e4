"""The log of one run: read as it grows, with its search and a status line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input, Static

from data_contracts.errors import CxrError
from data_contracts.run import run_folder
from jobs._engines import LOG_FILES, UNFINISHED
from tui.jobs.log_lines import log_line
from tui.jobs.log_text import MOST_LINES, LogText
from tui.jobs.tail import Added, Place, read_added
from tui.shared.messages import ErrorMet
from tui.shared.reading import Reading


class LogSearch(Input):
    """Where one types what is looked for. Enter goes back to the log, Escape ends the search."""

    DEFAULT_CSS = """
    LogSearch { height: 1; border: none; padding: 0 1; display: none; background: $panel; }
    LogSearch.open { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "End the search", show=False, id="log.leave-search")
    ]

    def __init__(self) -> None:
        super().__init__(placeholder="find in the log", compact=True)

    def action_leave(self) -> None:
        self.value = ""
        self.post_message(self.Submitted(self, ""))


class LogPane(Vertical):
    """The log of a run, or what its process printed if it ended before it logged anything."""

    DEFAULT_CSS = """
    LogPane #log-state { height: 1; background: $panel; color: $foreground 70%; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f,slash", "search", "Find in the log", show=False, id="log.search"),
        Binding("escape", "end_search", "End the search", show=False, id="log.end-search"),
    ]

    def __init__(self, workspace: Path) -> None:
        super().__init__()
        self._workspace = workspace
        self._run_id, self._state = "", ""
        self._place = Place()
        self._day = ""
        """That of the last line."""
        self._fault = ""
        self._reading = Reading(self, "log", self._take, self._fail)

    def compose(self) -> Iterator[Widget]:
        yield LogText()
        yield LogSearch()
        yield Static(id="log-state")

    def look_at(self, run_id: str, state: str) -> None:
        """Show the log of a run."""
        if run_id != self._run_id:
            # The log before stays in sight for the moment that reading takes.
            self._run_id, self._place, self._fault, self._day = run_id, Place(), "", ""
        self._state = state
        self.read_on()

    def read_on(self) -> None:
        """Read what has been added."""
        if self._run_id:
            folder = run_folder(self._workspace, self._run_id)
            read = partial(read_added, [folder / name for name in LOG_FILES], self._place)
            self._reading.want(self._run_id, read, again=True)

    def _fail(self, error: CxrError) -> None:
        if str(error) != self._fault:
            self.post_message(ErrorMet("log", str(error)))
        self._fault = str(error)
        self._update_status()

    def _take(self, added: Added | None) -> None:
        self._fault, log = "", self.query_one(LogText)
        if added is None and log.lines:
            log.add([], anew=True)
        # Of two readings from the same place only the first counts.
        elif added is not None and added.before == self._place:
            self._place, lines = added.after, []
            for line in added.lines:
                shown, self._day = log_line(line, self._day)
                lines.append(shown)
            log.add(lines, log_line(added.partial, self._day)[0], anew=added.anew)
            log.left_out |= added.left_out
        self._update_status()

    def on_descendant_focus(self) -> None:
        self._update_status()

    def on_descendant_blur(self) -> None:
        self._update_status()

    def on_log_text_changed(self, message: LogText.Changed) -> None:
        message.stop()
        self._update_status()

    def _update_status(self) -> None:
        log, search = self.query_one(LogText), self.query_one(LogSearch)
        alive = self._state in UNFINISHED
        if self._fault:
            parts = ["[$text-error]cannot read the log (see E)[/]"]
        elif not log.lines:
            parts = ["no output yet" if alive else "no output"]
        elif not log.following:
            parts = ["[$text-warning]paused (End to follow)[/]"]
        else:
            parts = ["[$text-success]following[/]" if alive else "end of log"]
        if search.value:
            number, count = log.matches
            parts.append(f"match {number} of {count}, n N" if count else "no match")
        if log.left_out:
            parts.append(f"last {min(MOST_LINES, len(log.lines)):,} lines, earlier ones omitted")
        elif count := len(log.lines):
            parts.append(f"{count:,} line{'s' * (count != 1)}")
        # Elsewhere these keys belong to others.
        keys = ["f find", "w unwrap" if log.wrap else "w wrap"]
        parts += keys if self.has_focus_within else ["Tab: scroll, find, wrap"]
        self.query_one("#log-state", Static).update(" · ".join(parts), layout=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Escape ends a search; without one it belongs to the page."""
        return bool(self.query_one(LogSearch).value) if action == "end_search" else True

    def action_search(self) -> None:
        search = self.query_one(LogSearch)
        search.add_class("open")
        self.screen.set_focus(search)

    def action_end_search(self) -> None:
        self.query_one(LogSearch).action_leave()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one(LogText).search(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        event.input.set_class(bool(event.value), "open")
        self.query_one(LogText).focus()
