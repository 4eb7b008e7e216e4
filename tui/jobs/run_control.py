"""Launch, cancel, retry and clone: one run, or all that are marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from textual import work
from textual.message import Message

from data_contracts.errors import CxrError
from data_contracts.run import RunRecord
from jobs import _engines
from tui.jobs import actions
from tui.jobs.run_table import RunTable
from tui.shared.dialogs import Question
from tui.shared.launchable import settings_of
from tui.shared.messages import ErrorMet, OpenLaunch, OpenRun
from tui.shared.page import Page
from tui.shared.run_texts import what_of
from tui.shared.sanitize import escape_markup

_GRACE = _engines.GRACE


class RunControl(Page):
    """The actions of a page with a `RunTable`."""

    @dataclass
    class Done(Message):
        """An action is over."""

        action: str
        results: Mapping[str, str]
        """By run, the state that a cancelled one is in, or the run started in its place."""
        faults: Mapping[str, str]
        """By run, why it could not be done."""

    def action_new(self) -> None:
        record = self.query_one(RunTable).record
        has_form = record and not actions.why_no_form(record)
        self.post_message(OpenLaunch(record.job if record and has_form else None))

    def action_clone(self) -> None:
        record = self.query_one(RunTable).record
        if record and self._able("clone", [record], actions.why_no_form):
            self.post_message(OpenLaunch(record.job, settings_of(record)))

    def action_retry(self) -> None:
        why = partial(actions.why_no_retry, writable=self.writable)
        records = self._able("retry", self.query_one(RunTable).chosen, why)
        if elsewhere := [r for r in records if r.engine != "process"]:
            record = elsewhere[0]
            text = f"the record lacks the options for {record.engine}: choose them here"
            self.notify(text, title="retry", markup=False)
            self.post_message(OpenLaunch(record.job, settings_of(record)))
        elif len(records) > 1:
            question = Question(f"Retry [b]{len(records)} runs[/b]?", several=True)
            self.app.push_screen(question, partial(self._retry_all, records))
        elif records:
            self._launch_again(records, one_at_a_time=False)

    def _retry_all(self, records: Sequence[RunRecord], answer: str | None) -> None:
        if answer in ("y", "o"):
            self._launch_again(records, one_at_a_time=answer == "o")

    @work(thread=True, group="launch", description="launch")
    def _launch_again(self, records: Sequence[RunRecord], *, one_at_a_time: bool) -> None:
        workspace = self.dashboard.workspace
        again = partial(actions.launch_again, workspace, one_at_a_time=one_at_a_time)
        self._do("retry", records, again)

    def action_cancel(self) -> None:
        why = partial(actions.why_no_cancel, writable=self.writable)
        records = self._able("cancel", self.query_one(RunTable).chosen, why)
        if not records:
            return
        one = f"{records[0].job} {what_of(records[0])}".strip()
        subject = one if len(records) == 1 else f"{len(records)} runs"
        each = "It has" if len(records) == 1 else "Each has"
        question = Question(
            f"Cancel [b]{escape_markup(subject)}[/b]?\n\n"
            f"{each} {_GRACE:.0f} s to save a checkpoint, then it is killed."
        )
        self.app.push_screen(question, partial(self._begin_cancel, records))

    def _begin_cancel(self, records: Sequence[RunRecord], answer: str | None) -> None:
        if answer == "y":
            self.query_one(RunTable).mark_stopping(r.run_id for r in records)
            for record in records:
                self._cancel(record)

    @work(thread=True, group="cancel", description="cancel")
    def _cancel(self, record: RunRecord) -> None:
        workspace = self.dashboard.workspace
        self._do("cancel", [record], lambda r: _engines.cancel(workspace, r.run_id, _GRACE).state)

    def _do(
        self, action: str, records: Sequence[RunRecord], act: Callable[[RunRecord], str]
    ) -> None:
        """Act on each run, and tell what became of it. For workers."""
        results, faults = {}, {}
        for record in records:
            try:
                results[record.run_id] = act(record)
            except CxrError as error:
                faults[record.run_id] = str(error)
        self.post_message(self.Done(action, results, faults))

    def on_run_control_done(self, message: Done) -> None:
        table = self.query_one(RunTable)
        table.stopping -= {*message.results, *message.faults}
        table.action_unmark()
        for fault in dict.fromkeys(message.faults.values()):
            self.post_message(ErrorMet(message.action, fault))
        if message.action == "cancel":
            for run_id, state in message.results.items():
                self.notify(f"{run_id} is {state}", title="cancel", markup=False)
        elif started := list(message.results.values()):
            text = started[0] if len(started) == 1 else f"{len(started)} runs"
            self.notify(text, title="launched", markup=False)
            self.post_message(OpenRun(started[0]))
        self.dashboard.refresh_workspace()

    def _able(
        self, action: str, records: Sequence[RunRecord], why_not: Callable[[RunRecord], str]
    ) -> list[RunRecord]:
        """The runs that nothing speaks against; shows why the others are left alone."""
        reasons = {r.run_id: why_not(r) for r in records}
        able = [r for r in records if not reasons[r.run_id]]
        if refused := [reason for reason in reasons.values() if reason]:
            count = f"{len(refused)} of {len(records)} runs: " if len(records) > 1 else ""
            self.notify(f"{count}{refused[0]}", title=action, severity="warning", markup=False)
        return able
