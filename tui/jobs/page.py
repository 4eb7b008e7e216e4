"""The page Jobs: all runs, and one of them in detail, on a host as busy as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widget import Widget
from textual.widgets import Static

from tui.jobs.event_series import resumed_by
from tui.jobs.host_meters import HostMeters
from tui.jobs.run_control import RunControl
from tui.jobs.run_details import TABS, RunDetails
from tui.jobs.run_table import RunTable
from tui.shared.filter_bar import FilterBar
from tui.shared.placeholder import Placeholder
from tui.shared.rows import Rows
from tui.shared.sanitize import escape_markup
from tui.workspace.notes import NO_NOTE
from tui.workspace.snapshot import Snapshot

_LOOK_EVERY = 2.0
_NOTHING = """No runs in this workspace yet.

Press [b]n[/b] to launch a job. [b]cxr synthesize[/b] creates data to try it on."""


class JobsPage(RunControl):
    """Owns no run: whatever is launched here continues without the dashboard."""

    NAME: ClassVar[str] = "jobs"
    HELP: ClassVar[str] = """All runs of this workspace, newest first; those of a pipeline
below it, once Space has unfolded them. Sorted or filtered, all runs stand for themselves:
[b]tag:paper state:failed job:train[/b] looks for each word in its column.

Best AUROC: the highest validation AUROC of a training's epochs, after all of them as bars. The
network that is kept is that of this epoch, of several the one of the lowest validation loss.

Below the table: log, curves and info of the selected run. Enter shows it full-page, Esc returns
to the table. The log follows its end until you scroll up.

* stars a run, t tags it (#paper) and notes about it, d on two runs shows what they differ by.

Cancel gives a job 30 s to save a checkpoint, then kills it. Retry launches the same job with the
same settings; training resumes from its checkpoint. Both take all runs that m has marked; several
are retried all at once or one at a time. A pipeline is retried and cloned like a job.

The first line counts the runs and shows how busy this host is, with the last minutes as bars."""
    # A run stands below the table, or beside it where there is room.
    HORIZONTAL_BREAKPOINTS = [(0, "below"), (170, "beside")]  # noqa: RUF012
    DEFAULT_CSS = """
    JobsPage #runs { height: 1fr; layout: vertical; }
    JobsPage RunRows { height: 2fr; }
    JobsPage RunDetails { height: 3fr; }
    JobsPage.beside #runs { layout: horizontal; }
    JobsPage.beside RunRows { width: 3fr; height: 1fr; }
    JobsPage.beside RunDetails { width: 2fr; height: 1fr; margin-left: 1; }
    JobsPage.whole RunRows { display: none; }
    JobsPage #note { max-height: 2; }
    JobsPage #host { height: 1; background: $surface; }
    JobsPage #count { width: 1fr; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
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

    def __init__(self) -> None:
        super().__init__()
        self._wanted = ""
        """A run to go to once it is there."""
        self._newest: str | None = None
        """The newest run before a launch: the next one is to be gone to."""

    def content(self) -> Iterator[Widget]:
        with Horizontal(id="host"):
            yield Static(id="count")
            yield HostMeters(self.dashboard.workspace)
        yield Static(id="note")
        with Container(id="runs"):
            yield RunTable(self.dashboard.workspace)
            yield RunDetails(self.dashboard.workspace)
        yield Placeholder()

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)
        self.set_interval(_LOOK_EVERY, self._look_at_host)

    def _tick(self) -> None:
        if self.is_current:
            self.query_one(RunTable).tick()
            self.query_one(RunDetails).tick()

    def _look_at_host(self) -> None:
        if self.is_current:
            self.query_one(HostMeters).ask()

    def on_screen_resume(self) -> None:
        self._look_at_host()

    def on_resize(self) -> None:
        self._update_count()

    def _update_count(self) -> None:
        table, snapshot = self.query_one(RunTable), self.snapshot
        text = table.count_text(len(snapshot.runs) if snapshot else 0)
        self.query_one("#count", Static).update(text, layout=False)
        meters = self.query_one(HostMeters)
        meters.room = self.size.width - len(text) - 4
        meters.show()

    def show(self, snapshot: Snapshot) -> None:
        self.show_placeholder("" if snapshot.runs else _NOTHING)
        self.show_note(escape_markup(snapshot.silent))
        rows = self.query_one(RunTable)
        rows.show(snapshot)
        if self._newest not in (None, self._newest_run()):
            rows.go_to(self._newest_run())
            self._newest = None
        if self._wanted and snapshot.run(self._wanted) is not None:
            rows.go_to(self._wanted)
            self._wanted = ""
        self._show_details()
        self._update_count()

    def on_rows_chosen(self) -> None:
        self.add_class("whole")
        self.query_one(RunDetails).focus_tab()

    def apply_filter(self, text: str) -> None:
        super().apply_filter(text)
        self._update_count()

    def on_run_table_marked(self) -> None:
        self._update_count()

    def on_rows_highlighted(self) -> None:
        self._show_details()

    def _show_details(self) -> None:
        snapshot = self.snapshot
        if snapshot and (record := self.query_one(RunTable).record):
            note = snapshot.notes.get(record.run_id, NO_NOTE)
            resumed = resumed_by(record, snapshot.runs)
            self.query_one(RunDetails).look_at(record, resumed, note)

    def open(self, run_id: str) -> None:
        """Go to a run and show its log; if it is not there yet, as soon as it is."""
        if (bar := self.query_one(FilterBar)).value:
            bar.action_leave()
        rows = self.query_one(RunTable)
        rows.filter("")
        rows.go_to(run_id)
        self._wanted = "" if rows.current and rows.current.key == run_id else run_id
        self.query_one(RunDetails).choose("log")

    def await_launched(self, launched: bool | None) -> None:
        """Go to the next new run, if a form has just `launched` one."""
        self._newest = self._newest_run() if launched else None

    def _newest_run(self) -> str:
        snapshot = self.snapshot
        return snapshot.runs[0].run_id if snapshot and snapshot.runs else ""

    def action_tab(self, tab: str) -> None:
        self.query_one(RunDetails).choose(tab)

    def action_back(self) -> None:
        self.remove_class("whole")
        self.query_one(Rows).focus()
