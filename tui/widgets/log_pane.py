"""The log of one run: read as it grows, with its search and a status line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from data_contracts.errors import ArtifactError
from data_contracts.run import run_folder
from jobs._engines import LOG_FILES, UNFINISHED
from tui.messages import ErrorMet
from tui.texts.log_lines import log_line
from tui.widgets.log_text import MOST_LINES, LogText
from tui.workspace.tail import Added, Place, read_added


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

    @dataclass
    class Read(Message):
        """The log has grown, or could not be read."""

        run_id: str
        added: Added | None
        fault: str = ""

    def __init__(self, workspace: Path) -> None:
        super().__init__()
        self._workspace = workspace
        self._run_id, self._state = "", ""
        self._place = Place()
        self._day = ""
        """That of the last line."""
        self._fault = ""

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
            self._read(self._run_id, self._place)

    @work(thread=True, exclusive=True, group="log", description="log")
    def _read(self, run_id: str, place: Place) -> None:
        folder = run_folder(self._workspace, run_id)
        try:
            added = read_added([folder / name for name in LOG_FILES], place)
        except ArtifactError as error:
            self.post_message(self.Read(run_id, None, str(error)))
        else:
            self.post_message(self.Read(run_id, added))

    def on_log_pane_read(self, message: Read) -> None:
        message.stop()
        if message.run_id != self._run_id:
            return
        if message.fault and message.fault != self._fault:
            self.post_message(ErrorMet("log", message.fault))
        self._fault = message.fault
        added, log = message.added, self.query_one(LogText)
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
        search.focus()

    def action_end_search(self) -> None:
        self.query_one(LogSearch).action_leave()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one(LogText).search(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        event.input.set_class(bool(event.value), "open")
        self.query_one(LogText).focus()
