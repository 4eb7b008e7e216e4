"""One run in three tabs: log, curves, info."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from data_contracts.run import RunRecord
from jobs._engines import UNFINISHED
from tui.texts.run_texts import what_of
from tui.texts.sanitize import escape_markup
from tui.widgets.gpu import GpuUse
from tui.widgets.log_pane import LogPane
from tui.widgets.log_text import LogText
from tui.widgets.run_curves import RunCurves
from tui.widgets.run_info import RunInfo

#: Views with the key that opens each.
TABS = {"log": "l", "curves": "v", "info": "i"}
_ASK_GPU_EVERY = 2


class RunDetails(Vertical):
    """Reads only what the chosen tab shows, and again only while the run is alive."""

    DEFAULT_CSS = """
    RunDetails #head { height: 1; background: $panel; }
    RunDetails #tabs { width: auto; link-style: none; link-style-hover: bold;
        link-background-hover: $primary 40%; }
    RunDetails #subject { width: 1fr; text-align: right; padding: 0 1; color: $foreground 70%;
        text-wrap: nowrap; text-overflow: ellipsis; }
    RunDetails ContentSwitcher { height: 1fr; }
    """

    def __init__(self, workspace: Path) -> None:
        super().__init__()
        self._workspace = workspace
        self._record: RunRecord | None = None
        self._resumed: Sequence[str] = ()
        self._ticks = 0

    def compose(self) -> Iterator[Widget]:
        with Horizontal(id="head"):
            yield Static(id="tabs")
            yield Static(id="subject")
            yield GpuUse()
        with ContentSwitcher(initial="log"):
            for name, pane in (
                ("log", LogPane(self._workspace)),
                ("curves", RunCurves(self._workspace)),
                ("info", RunInfo()),
            ):
                pane.id = name
                yield pane

    def on_mount(self) -> None:
        self._name_tabs()

    @property
    def tab(self) -> str:
        """The tab that is seen."""
        return self.query_one(ContentSwitcher).current or "log"

    def look_at(self, record: RunRecord, resumed: Sequence[str]) -> None:
        """Show a run, or its changed record; it has `resumed` earlier runs, the newest first."""
        if record is self._record:
            return
        self._record, self._resumed = record, resumed
        subject = escape_markup(f"{record.job} {what_of(record)}".strip())
        self.query_one("#subject", Static).update(subject, layout=False)
        if not self._works_here:
            self.query_one(GpuUse).clear()
        self._show_tab()

    def choose(self, tab: str) -> None:
        """Show another tab of the same run."""
        focused = self.has_focus_within
        self.query_one(ContentSwitcher).current = tab
        self._name_tabs()
        self._show_tab()
        if focused:
            self.focus_tab()

    def focus_tab(self) -> None:
        """Give the keys to the tab that is seen."""
        target: Widget = self.query_one(LogText if self.tab == "log" else f"#{self.tab}")
        target.focus()

    def tick(self) -> None:
        """Read what a living run has added."""
        record = self._record
        if record is None or record.state not in UNFINISHED:
            return
        if self.tab == "log":
            self.query_one(LogPane).read_on()
        elif self.tab == "curves":
            self.query_one(RunCurves).read_on()
        else:
            self.query_one(RunInfo).look_at(record)
        if self._works_here and self._ticks % _ASK_GPU_EVERY == 0:
            self.query_one(GpuUse).ask()
        self._ticks += 1

    @property
    def _works_here(self) -> bool:
        record = self._record
        return bool(record and record.state == "running" and record.host == socket.gethostname())

    def _show_tab(self) -> None:
        record = self._record
        if record is None:
            return
        if self.tab == "log":
            self.query_one(LogPane).look_at(record.run_id, record.state)
        elif self.tab == "curves":
            self.query_one(RunCurves).look_at(record, self._resumed)
        else:
            self.query_one(RunInfo).look_at(record)

    def _name_tabs(self) -> None:
        tabs = []
        for name, key in TABS.items():
            look = "bold $primary" if name == self.tab else "dim"
            tabs.append(f"[@click=screen.tab('{name}')][{look}] {key} {name.capitalize()} [/][/]")
        self.query_one("#tabs", Static).update("".join(tabs))
