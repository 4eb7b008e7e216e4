"""One run in three tabs: log, curves, info."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from data_contracts.run import RunRecord
from jobs._engines import UNFINISHED
from tui.jobs.log_pane import LogPane
from tui.jobs.log_text import LogText
from tui.jobs.run_curves import RunCurves
from tui.jobs.run_info import RunInfo
from tui.shared.run_texts import what_of
from tui.shared.sanitize import escape_markup
from tui.shared.tab_bar import TabBar
from tui.workspace.notes import NO_NOTE, RunNote

#: Views with the key that opens each.
TABS = {"log": "l", "curves": "v", "info": "i"}


class RunDetails(Vertical):
    """Reads only what the chosen tab shows, and again only while the run is alive."""

    DEFAULT_CSS = """
    RunDetails #head { height: 1; background: $panel; }
    RunDetails TabBar { width: auto; }
    RunDetails #subject { width: 1fr; text-align: right; padding: 0 1; color: $foreground 70%;
        text-wrap: nowrap; text-overflow: ellipsis; }
    RunDetails ContentSwitcher { height: 1fr; }
    """

    def __init__(self, workspace: Path) -> None:
        super().__init__()
        self._workspace = workspace
        self._record: RunRecord | None = None
        self._resumed: Sequence[str] = ()
        self._note = NO_NOTE

    def compose(self) -> Iterator[Widget]:
        with Horizontal(id="head"):
            yield TabBar({name: (key, name.capitalize()) for name, key in TABS.items()})
            yield Static(id="subject")
        with ContentSwitcher(initial="log"):
            for name, pane in (
                ("log", LogPane(self._workspace)),
                ("curves", RunCurves(self._workspace)),
                ("info", RunInfo()),
            ):
                pane.id = name
                yield pane

    @property
    def tab(self) -> str:
        """The tab that is seen."""
        return self.query_one(ContentSwitcher).current or "log"

    def look_at(self, record: RunRecord, resumed: Sequence[str], note: RunNote) -> None:
        """Show a run, or its changed record; it has `resumed` earlier runs, the newest first."""
        if record is self._record and note == self._note:
            return
        self._record, self._resumed, self._note = record, resumed, note
        words = ["★"] * note.star + [record.job, what_of(record), *(f"#{t}" for t in note.tags)]
        subject = escape_markup("  ".join(filter(None, [" ".join(words), note.text])))
        self.query_one("#subject", Static).update(subject, layout=False)
        self._show_tab()

    def choose(self, tab: str) -> None:
        """Show another tab of the same run."""
        focused = self.has_focus_within
        self.query_one(ContentSwitcher).current = tab
        self.query_one(TabBar).mark(tab)
        self._show_tab()
        if focused:
            self.focus_tab()

    def focus_tab(self) -> None:
        """Give the keys to the tab that is seen."""
        target: Widget = self.query_one(LogText if self.tab == "log" else f"#{self.tab}")
        target.focus()

    def tick(self) -> None:
        """Read what a living run has added."""
        if self._record is not None and self._record.state in UNFINISHED:
            self._show_tab()

    def _show_tab(self) -> None:
        record = self._record
        if record is None:
            return
        if self.tab == "log":
            self.query_one(LogPane).look_at(record.run_id, record.state)
        elif self.tab == "curves":
            self.query_one(RunCurves).look_at(record, self._resumed)
        else:
            self.query_one(RunInfo).look_at(record, self._note)
