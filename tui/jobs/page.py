"""The page Jobs: all runs, and one of them in detail; launch, cancel, launch again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from data_contracts.errors import CxrError
from data_contracts.run import RunRecord
from jobs import _engines
from tui.jobs import actions
from tui.jobs.event_series import resumed_by
from tui.jobs.run_details import TABS, RunDetails
from tui.jobs.run_rows import RunRows
from tui.jobs.run_table import RunTable
from tui.shared.dialogs import Question
from tui.shared.filter_bar import FilterBar
from tui.shared.messages import ErrorMet, OpenLaunch
from tui.shared.page import Page
from tui.shared.placeholder import Placeholder
from tui.shared.rows import Rows
from tui.shared.run_texts import what_of
from tui.shared.sanitize import escape_markup
from tui.workspace.notes import RunNote
from tui.workspace.snapshot import Snapshot

_GRACE = _engines.GRACE
_NOTHING = """No runs in this workspace yet.

Press [b]n[/b] to launch a job. [b]cxr synthesize[/b] creates data to try it on."""


class JobsPage(Page):
    """Owns no run: whatever is launched here continues without the dashboard."""

    NAME: ClassVar[str] = "jobs"
    HELP: ClassVar[str] = """All runs of this workspace, newest first; those of a pipeline
below it, once Space has unfolded them. Sorted or filtered, all runs stand for themselves:
[b]tag:paper state:failed job:train[/b] looks for each word in its column.

Best AUROC: the highest validation AUROC of a training's epochs, after all of them as bars. The
network that is kept is that of the lowest validation loss.

Below the table: log, curves and info of the selected run. Enter shows it full-page, Esc returns
to the table. The log follows its end until you scroll up.

* stars a run, t tags it (#paper) and notes about it, d on two runs shows what they differ by.

Cancel gives a job 30 s to save a checkpoint, then kills it. Retry launches the same job with the
same settings; training resumes from its checkpoint."""
    # A run stands below the table, or beside it where there is room.
    HORIZONTAL_BREAKPOINTS = [(0, "below"), (170, "beside")]  # noqa: RUF012
    DEFAULT_CSS = """
    JobsPage #runs { height: 1fr; layout: vertical; }
    JobsPage RunRows { height: 2fr; }
    JobsPage RunDetails { height: 3fr; }
    JobsPage.beside #runs { layout: horizontal; }
    JobsPage.beside RunRows { width: 3fr; height: 1fr; }
    JobsPage.beside RunDetails { width: 2fr; height: 1fr; }
    JobsPage.whole RunRows { display: none; }
    JobsPage #note { max-height: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "New", id="jobs.new"),
        Binding("c", "cancel", "Cancel", id="jobs.cancel"),
        Binding("r", "retry", "Retry", id="jobs.retry"),
        Binding("e", "clone", "Clone", id="jobs.clone"),
        *(
            Binding(key, f"tab('{tab}')", tab.capitalize(), show=False, id=f"jobs.{tab}")
            for tab, key in TABS.items()
        ),
        Binding("escape", "back", "Back to the table", show=False, id="jobs.back"),
    ]

    @dataclass
    class Ended(Message):
        """A run that was to end has ended, or an error says why not."""

        run_id: str
        state: str
        fault: str = ""

    def __init__(self) -> None:
        super().__init__()
        self._wanted = ""
        """A run to go to once it is there."""
        self._newest: str | None = None
        """The newest run before a launch: the next one is to be gone to."""

    def content(self) -> Iterator[Widget]:
        yield Static(id="note")
        with Container(id="runs"):
            yield RunTable(self.dashboard.workspace)
            yield RunDetails(self.dashboard.workspace)
        yield Placeholder()

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        if self.is_current:
            self.query_one(RunRows).tick()
            self.query_one(RunDetails).tick()

    def show(self, snapshot: Snapshot) -> None:
        self.show_placeholder("" if snapshot.runs else _NOTHING)
        self.show_note(escape_markup(snapshot.silent))
        rows = self.query_one(RunRows)
        rows.show(snapshot)
        if self._newest not in (None, self._newest_run()):
            rows.go_to(self._newest_run())
            self._newest = None
        if self._wanted and snapshot.run(self._wanted) is not None:
            rows.go_to(self._wanted)
            self._wanted = ""
        self._show_details()

    def on_rows_chosen(self) -> None:
        self.add_class("whole")
        self.query_one(RunDetails).focus_tab()

    def on_filter_bar_filtered(self, message: FilterBar.Filtered) -> None:
        self.query_one(RunRows).filter(message.text)

    def on_rows_highlighted(self) -> None:
        self._show_details()

    def _show_details(self) -> None:
        snapshot = self.dashboard.snapshot
        if snapshot and (record := self._record()):
            note = snapshot.notes.get(record.run_id, RunNote())
            resumed = resumed_by(record, snapshot.runs)
            self.query_one(RunDetails).look_at(record, resumed, note)

    def _record(self) -> RunRecord | None:
        """The record of the run under the cursor."""
        snapshot, row = self.dashboard.snapshot, self.query_one(RunRows).current
        return snapshot.run(row.key) if snapshot and row else None

    def open(self, run_id: str) -> None:
        """Go to a run and show its log; if it is not there yet, as soon as it is."""
        if (bar := self.query_one(FilterBar)).value:
            bar.action_leave()
        rows = self.query_one(RunRows)
        rows.filter("")
        rows.go_to(run_id)
        self._wanted = "" if rows.current and rows.current.key == run_id else run_id
        self.query_one(RunDetails).choose("log")

    def await_launched(self, launched: bool | None) -> None:
        """Go to the next new run, if a form has just `launched` one."""
        self._newest = self._newest_run() if launched else None

    def _newest_run(self) -> str:
        snapshot = self.dashboard.snapshot
        return snapshot.runs[0].run_id if snapshot and snapshot.runs else ""

    def _may(self, action: str, reason: str) -> bool:
        """Whether nothing speaks against an action; else show why not."""
        if reason:
            self.notify(reason, title=action, severity="warning", markup=False)
        return not reason

    def action_tab(self, tab: str) -> None:
        self.query_one(RunDetails).choose(tab)

    def action_back(self) -> None:
        self.remove_class("whole")
        self.query_one(Rows).focus()

    def action_new(self) -> None:
        has_form = (record := self._record()) and not actions.why_no_form(record)
        self.post_message(OpenLaunch(record.job if record and has_form else None))

    def action_clone(self) -> None:
        record = self._record()
        if record and self._may("clone", actions.why_no_form(record)):
            self.post_message(OpenLaunch(record.job, actions.settings_of(record)))

    def action_retry(self) -> None:
        record = self._record()
        if not record or not self._may("retry", actions.why_no_retry(record, self.writable)):
            return
        if record.engine != "process":
            why = f"the record lacks the options for {record.engine}: choose them here"
            self.notify(why, title="retry", markup=False)
            self.post_message(OpenLaunch(record.job, actions.settings_of(record)))
            return
        self._launch_again(record)

    @work(thread=True, group="launch", description="launch")
    def _launch_again(self, record: RunRecord) -> None:
        try:
            run_id = actions.launch_again(self.dashboard.workspace, record)
        except CxrError as error:
            self.post_message(ErrorMet("retry", str(error)))
        else:
            self.call_later(self._launched, run_id)

    def _launched(self, run_id: str) -> None:
        self.notify(run_id, title="launched", markup=False)
        self.open(run_id)
        self.dashboard.refresh_workspace()

    def action_cancel(self) -> None:
        record = self._record()
        if not record or not self._may("cancel", actions.why_no_cancel(record, self.writable)):
            return
        subject = escape_markup(f"{record.job} {what_of(record)}".strip())
        question = Question(
            f"Cancel [b]{subject}[/b]?\n\n"
            f"It has {_GRACE:.0f} s to save a checkpoint, then it is killed."
        )
        self.app.push_screen(question, lambda yes: self._begin_cancel(record) if yes else None)

    def _begin_cancel(self, record: RunRecord) -> None:
        rows = self.query_one(RunRows)
        rows.stopping.add(record.run_id)
        rows.tick()
        self._cancel(record.run_id)

    @work(thread=True, group="cancel", description="cancel")
    def _cancel(self, run_id: str) -> None:
        try:
            state = _engines.cancel(self.dashboard.workspace, run_id, _GRACE).state
        except CxrError as error:
            self.post_message(self.Ended(run_id, "", str(error)))
        else:
            self.post_message(self.Ended(run_id, state))

    def on_jobs_page_ended(self, message: Ended) -> None:
        self.query_one(RunRows).stopping.discard(message.run_id)
        if message.fault:
            self.post_message(ErrorMet("cancel", message.fault))
        else:
            self.notify(f"{message.run_id} is {message.state}", title="cancel", markup=False)
        self.dashboard.refresh_workspace()
