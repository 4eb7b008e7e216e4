"""The table of runs, updated every second while one is running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from data_contracts.run import RunRecord, moment
from jobs._engines import UNFINISHED
from tui import clock
from tui.jobs.run_tree import in_tree, parents_of
from tui.jobs.sparkline import sparkline
from tui.jobs.training import Training
from tui.shared.numbers import number
from tui.shared.rows import Rows
from tui.shared.run_texts import (
    age_text,
    duration_text,
    progress_text,
    reason_of,
    state_text,
    tone_of,
    what_of,
)
from tui.shared.sanitize import sanitize
from tui.shared.table import Column, LazyRow, Row
from tui.shared.toned import Tone
from tui.workspace.notes import NO_NOTE, RunNote
from tui.workspace.records import duration_of
from tui.workspace.snapshot import Progress, Snapshot

_NARROW = (
    Column("", 1), Column("state", 11), Column("job", 10), Column("task", name=True),
    Column("outcome", 13), Column("age", 6, right=True), Column("time", 7, right=True),
)  # fmt: skip
_WIDE = (
    Column("", 1), Column("state", 13), Column("job", 10), Column("task", 25, name=True, most=32),
    Column("outcome"), Column("best AUROC", 13, right=True), Column("started", 11),
    Column("time", 7, right=True), Column("host", 10, name=True), Column("engine", 7),
)  # fmt: skip
#: As the narrow ones, with more room for outcomes.
_MIDDLE = (
    _NARROW[0], Column("state", 13), _NARROW[2], Column("task", 20, name=True, most=32),
    Column("outcome"), *_NARROW[5:],
)  # fmt: skip
#: From these widths on, the middle and the wide columns have room.
_MIDDLE_FROM, _WIDE_FROM = 90, 124
_OUTCOME, _BARS = 4, 7
#: How many rows' texts are made at once (about 1 ms), and after so many seconds the next.
_AT_ONCE, _PAUSE = 100, 0.01
#: Before the state: a run that is marked; a pipeline whose runs are folded away, or not; a run of a
#: pipeline; a star.
_MARK, _FOLDED, _UNFOLDED, _CHILD, _STAR = "●", "+", "−", "│", "★"

_UNREAD = Training()


def _gap(columns: Sequence[Column]) -> int:
    """Where there is little room, names of tasks need it more."""
    return 1 if columns == _NARROW else 2


def _fields(note: RunNote) -> Mapping[str, str]:
    return {"tag": " ".join(note.tags), "note": note.text, "star": "yes" * note.star}


#: Most runs have no note.
_NO_FIELDS = _fields(NO_NOTE)

_Seen = tuple[Any, ...]


class RunRows(Rows):
    """Runs, the newest first, below their pipelines. Only lines that have changed are made anew.

    Sorted or filtered, all runs stand for themselves.
    """

    def __init__(self) -> None:
        super().__init__(*_NARROW)
        self.gap = _gap(_NARROW)
        self.stopping: set[str] = set()
        """Runs that have been asked to end."""
        self.marks: dict[str, None] = {}
        """Runs that are to be cancelled or retried together, in the order of marking."""
        self.trainings: Mapping[str, Training] = {}
        self._unfolded: set[str] = set()
        self._parents: dict[str, str] = {}
        self._pipelines: set[str] = set()
        """Those that runs belong to."""
        self._snapshot: Snapshot | None = None
        self._made: dict[str, tuple[_Seen, LazyRow]] = {}
        self._minute = ""
        self._is_flat = False
        """Whether the rows are those of all runs, not of a tree."""

    def on_mount(self) -> None:
        self._reading_ahead = self.set_interval(_PAUSE, self._read_ahead, pause=True)

    def _read_ahead(self) -> None:
        """Make some of the texts that a filter looks in: its first letter waits for few of them."""
        unread = [*islice((r for _, r in self._made.values() if not r.is_read), _AT_ONCE)]
        for row in unread:
            _ = row.text
        if len(unread) < _AT_ONCE:
            self._reading_ahead.pause()

    def show(self, snapshot: Snapshot) -> None:
        """Show the runs of `snapshot` as they are now."""
        if self._snapshot is None or snapshot.runs is not self._snapshot.runs:
            self._parents = parents_of(snapshot.runs)
            self._pipelines = set(self._parents.values())
        self._snapshot = snapshot
        self.show_again()

    def show_again(self) -> None:
        """Show the same runs, of which something else is known."""
        if (snapshot := self._snapshot) is None:
            return
        now = clock.now()
        if (minute := f"{now:%Y-%m-%dT%H:%M}") != self._minute:
            self._minute = minute
            if self.columns != _WIDE:  # which have no age
                self._made = {}
        runs, self._is_flat = snapshot.runs, self._flat
        shown = runs if self._flat else in_tree(runs, self._parents, self._unfolded)
        self.set_rows([self._row_of(record, snapshot, now) for record in shown])
        self._reading_ahead.resume()

    def _arrange(self) -> None:
        if self._is_flat == self._flat:
            super()._arrange()
        else:
            self.show_again()

    @property
    def _flat(self) -> bool:
        return bool(self._terms or self.order)

    def tick(self) -> None:
        """Let the durations of living runs go on, and all ages with the minute."""
        if self._snapshot is not None:
            alive = any(r.state in UNFINISHED for r in self._snapshot.runs)
            if alive or f"{clock.now():%Y-%m-%dT%H:%M}" != self._minute:
                self.show_again()

    def go_to(self, key: str) -> None:
        """Put the cursor on a run; its pipeline is unfolded."""
        if (parent := self._parents.get(key)) and parent not in self._unfolded:
            self.fold(parent)
        super().go_to(key)

    def fold(self, key: str) -> bool:
        """Fold the runs of a pipeline away, or show them; of a run of it, those beside it.

        Returns whether there are any.
        """
        parent = self._parents.get(key, key)
        if parent not in self._pipelines:
            return False
        self._unfolded ^= {parent}
        self.show_again()
        super().go_to(parent if parent not in self._unfolded else key)
        return True

    def on_resize(self) -> None:
        width = self.size.width
        columns = _WIDE if width >= _WIDE_FROM else _MIDDLE if width >= _MIDDLE_FROM else _NARROW
        if columns != self.columns:
            self.gap = _gap(columns)
            self.set_columns(*columns)
            self._made = {}
        # The room for the numbers of bars, of living runs alone, has changed as well.
        self.show_again()

    def _row_of(self, record: RunRecord, snapshot: Snapshot, now: datetime) -> Row:
        run_id = record.run_id
        note, training = snapshot.notes.get(run_id, NO_NOTE), self.trainings.get(run_id)
        seen = record, note, training, run_id in self._unfolded, run_id in self.marks
        made = self._made.get(run_id)
        if made is not None and made[0][0] is record and made[0][1:] == seen[1:]:
            return made[1]
        progress = snapshot.progress.get(run_id)
        row = LazyRow(run_id, partial(self._row, record, progress, note, now))
        if record.state not in UNFINISHED:
            self._made[run_id] = seen, row
        return row

    def _row(
        self, record: RunRecord, progress: Progress | None, note: RunNote, now: datetime
    ) -> Row:
        duration, begun = duration_of(record, now), moment(record.started)
        state, tone = state_text(record.state), tone_of(record.state)
        if record.run_id in self.stopping and record.state in UNFINISHED:
            state, tone = "◌ stopping", "warn"
        job, what = sanitize(record.job), what_of(record)
        host, engine = sanitize(record.host), sanitize(record.engine)
        training = self.trainings.get(record.run_id, _UNREAD)
        best = training.best
        auroc = "" if best is None else f"{sparkline(training.aurocs, _BARS)} {number(best)}"
        outcome, rank = self._outcome(record, progress, best)
        tags = "".join(f"#{tag} " for tag in note.tags)
        outcome = tags + outcome if self.columns == _WIDE else outcome or auroc
        started = f"{clock.local(begun):%m-%d %H:%M}" if begun else ""
        facts: dict[str, tuple[str, Any, Tone]] = {
            "": (self._mark(record.run_id, note), not note.star, "warn"),
            "state": (state, record.state, tone), "job": (job, job, ""), "task": (what, what, ""),
            "outcome": (outcome, rank, "live" if progress else "dim"),
            "best AUROC": (auroc, best, "good"),
            "started": (started, record.started, ""),
            "age": (age_text(begun, now), record.started, "dim"),
            "time": (duration_text(duration), duration, ""),
            "host": (host, host, "dim"), "engine": (engine, engine, "dim"),
        }  # fmt: skip
        cells, values, tones = zip(*(facts[c.title] for c in self.columns), strict=True)
        fields = _NO_FIELDS if note is NO_NOTE else _fields(note)
        return Row(record.run_id, cells, values, tones, fields)

    def _outcome(
        self, record: RunRecord, progress: Progress | None, best: float | None
    ) -> tuple[str, tuple[int, float, str] | None]:
        """How far a run is, or why it ended as it did, and what that is sorted by."""
        if progress is not None:
            done = progress.done / max(1, progress.total)
            return progress_text(progress, self._widths()[_OUTCOME]), (0, done, "")
        if reason := reason_of(record):
            return reason, (1, 0.0, reason)
        return "", None if best is None else (2, best, "")

    def _mark(self, run_id: str, note: RunNote) -> str:
        if run_id in self.marks:
            return _MARK
        if note.star:
            return _STAR
        if run_id in self._parents:
            return _CHILD
        if run_id not in self._pipelines:
            return ""
        return _UNFOLDED if run_id in self._unfolded else _FOLDED
