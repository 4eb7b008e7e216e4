"""What can be done with the table of runs besides reading it: fold, mark, star, note, compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from data_contracts.run import RunRecord
from tui.jobs.note_dialog import NoteDialog
from tui.jobs.run_diff import diff_text
from tui.jobs.run_rows import RunRows
from tui.jobs.training import Training, read_trainings
from tui.shared.dialogs import TextDialog
from tui.shared.messages import WorkspaceChanged
from tui.shared.reading import Reading
from tui.shared.run_texts import what_of
from tui.workspace.notes import NO_NOTE, RunNote, change_note
from tui.workspace.snapshot import Snapshot


class RunTable(RunRows):
    """The runs of a workspace, with the keys that change how they are seen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "fold", "Fold", id="jobs.fold", tooltip="the runs of a pipeline"),
        Binding(
            "m", "mark", "Mark", show=False, id="jobs.mark", tooltip="to cancel or retry several"
        ),
        Binding("u", "unmark", "Unmark all", show=False, id="jobs.unmark"),
        Binding("asterisk", "star", "Star", show=False, id="jobs.star"),
        Binding("t", "note", "Note", show=False, id="jobs.note", tooltip="tags and a note"),
        Binding("d", "diff", "Diff", show=False, id="jobs.diff", tooltip="what two runs differ by"),
    ]

    class Marked(Message):
        """Other runs are marked."""

    def __init__(self, workspace: Path) -> None:
        super().__init__()
        self._workspace = workspace
        self._first: RunRecord | None = None
        """The first of two runs to be compared."""
        self._reading = Reading(self, "trainings", self._take, in_turn=True)
        self._noting = Reading[None](self, "note", lambda _: self.post_message(WorkspaceChanged()))

    def show(self, snapshot: Snapshot) -> None:
        changed, had_pipelines = snapshot is not self._snapshot, bool(self._pipelines)
        super().show(snapshot)
        if had_pipelines != bool(self._pipelines):
            self.refresh_bindings()
        if changed:
            read = partial(self._read_trainings, snapshot.runs)
            self._reading.want(self._workspace, read, again=True)

    def _read_trainings(self, runs: Sequence[RunRecord]) -> Mapping[str, Training]:
        """Read what is new of trainings; the first time, of thousands, takes a while."""
        return read_trainings(self._workspace, runs, self.trainings)

    def _take(self, found: Mapping[str, Training]) -> None:
        if found:
            self.trainings = {**self.trainings, **found}
            self.show_again()

    @property
    def record(self) -> RunRecord | None:
        """The run under the cursor."""
        return self._snapshot.run(self.current.key) if self._snapshot and self.current else None

    @property
    def chosen(self) -> list[RunRecord]:
        """The marked runs; without marks the one under the cursor."""
        found = map(self._snapshot.run, self.marks) if self._snapshot else ()
        return [r for r in found if r] or [r for r in (self.record,) if r]

    def mark_stopping(self, run_ids: Iterable[str]) -> None:
        """Show that runs have been asked to end."""
        self.stopping.update(run_ids)
        self.tick()

    def count_text(self, total: int) -> str:
        """How many runs there are, pass the filter, and are marked."""
        found = f"{len(self.shown):,} of " if self._terms else ""
        marked = f", {len(self.marks)} marked" if self.marks else ""
        return f"{found}{total:,} run{'s' * (total != 1)}{marked}"

    def action_mark(self) -> None:
        if record := self.record:
            if record.run_id in self.marks:
                del self.marks[record.run_id]
            else:
                self.marks[record.run_id] = None
            self._show_marks()
            self.action_move(1)

    def action_unmark(self) -> None:
        self.marks.clear()
        self._show_marks()

    def _show_marks(self) -> None:
        self.show_again()
        self.post_message(self.Marked())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without pipelines nothing is folded."""
        return (
            bool(self._pipelines) if action == "fold" else super().check_action(action, parameters)
        )

    def action_fold(self) -> None:
        if self.current and not self.fold(self.current.key):
            self.notify("not part of a pipeline", timeout=2)

    def action_star(self) -> None:
        if record := self.record:
            note = self._note(record)
            self._keep(record.run_id, replace(note, star=not note.star))

    def action_note(self) -> None:
        if record := self.record:

            def keep(note: RunNote | None) -> None:
                if note is not None:
                    self._keep(record.run_id, note)

            title = f"{record.job} {what_of(record)}".strip()
            self.app.push_screen(NoteDialog(title, self._note(record)), keep)

    def _note(self, record: RunRecord) -> RunNote:
        return self._snapshot.notes.get(record.run_id, NO_NOTE) if self._snapshot else NO_NOTE

    def _keep(self, run_id: str, note: RunNote) -> None:
        self._noting.do(partial(change_note, self._workspace, run_id, note))

    def action_diff(self) -> None:
        """Remember a run; of the next one show what it differs by."""
        first, record = self._first, self.record
        if record is None:
            return
        self._first = None if first else record
        name = f"{record.job} {what_of(record)}".strip()
        if first is None:
            self.notify(f"{name}: go to another run and press d again", title="diff", markup=False)
        elif first.run_id == record.run_id:
            self.notify("the same run: nothing differs", title="diff")
        else:
            self.app.push_screen(TextDialog("What two runs differ by", diff_text(first, record)))
