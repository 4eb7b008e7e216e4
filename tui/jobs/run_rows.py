"""The table of runs, updated every second while one is running."""

from __future__ import annotations

from datetime import datetime

from data_contracts.run import RunRecord, moment
from jobs._engines import UNFINISHED
from tui import clock
from tui.shared.rows import Rows
from tui.shared.run_texts import (
    age_text,
    duration_text,
    progress_text,
    state_text,
    tone_of,
    what_of,
)
from tui.shared.sanitize import sanitize
from tui.shared.table import Column, Row
from tui.shared.toned import Tone
from tui.workspace.records import duration_of
from tui.workspace.snapshot import Progress, Snapshot

_NARROW = (
    Column("state", 13), Column("job", 10), Column("task", name=True), Column("progress", 18),
    Column("age", 6, right=True), Column("time", 7, right=True),
)  # fmt: skip
_WIDE = (
    Column("state", 13), Column("job", 10), Column("task", 20, name=True), Column("progress"),
    Column("started", 11), Column("time", 7, right=True), Column("host", 10, name=True),
    Column("engine", 10),
)  # fmt: skip
#: From this width on, the wide columns have room.
_WIDE_FROM = 112


class RunRows(Rows):
    """Runs, the newest first. Only lines that have changed are made anew."""

    def __init__(self) -> None:
        super().__init__(*_NARROW)
        self.stopping: set[str] = set()
        """Runs that have been asked to end."""
        self._snapshot: Snapshot | None = None
        self._made: dict[str, tuple[RunRecord, Row]] = {}
        self._minute = ""

    def show(self, snapshot: Snapshot) -> None:
        """Show the runs of `snapshot` as they are now."""
        self._snapshot, now = snapshot, clock.now()
        if (minute := _minute(now)) != self._minute:
            self._made, self._minute = {}, minute
        rows = []
        for record in snapshot.runs:
            made = self._made.get(record.run_id)
            if made is None or made[0] is not record:
                made = record, self._row(record, snapshot.progress.get(record.run_id), now)
                if record.state not in UNFINISHED:
                    self._made[record.run_id] = made
            rows.append(made[1])
        self.set_rows(rows)

    def tick(self) -> None:
        """Let the durations of living runs go on, and all ages with the minute."""
        if self._snapshot is not None:
            alive = any(r.state in UNFINISHED for r in self._snapshot.runs)
            if alive or _minute(clock.now()) != self._minute:
                self.show(self._snapshot)

    def on_resize(self) -> None:
        columns = _WIDE if self.size.width >= _WIDE_FROM else _NARROW
        if columns != self.columns:
            self.set_columns(*columns)
            self._made = {}
        # The room for the numbers of bars, of living runs alone, has changed as well.
        if self._snapshot is not None:
            self.show(self._snapshot)

    def _row(self, record: RunRecord, progress: Progress | None, now: datetime) -> Row:
        duration, begun = duration_of(record, now), moment(record.started)
        state, tone = state_text(record.state), tone_of(record.state)
        if record.run_id in self.stopping and record.state in UNFINISHED:
            state, tone = "◌ stopping", "warn"
        job, what = sanitize(record.job), what_of(record)
        message = "" if record.message in ("done", "cancelled") else sanitize(record.message)
        outcome = progress_text(progress, self._widths()[3]) if progress else message
        done = progress.done / max(1, progress.total) if progress else None
        look: Tone = "live" if progress else "dim"
        time = duration_text(duration)
        if self.columns == _WIDE:
            started = f"{clock.local(begun):%m-%d %H:%M}" if begun else ""
            host, engine = sanitize(record.host), sanitize(record.engine)
            return Row(
                record.run_id, (state, job, what, outcome, started, time, host, engine),
                (record.state, job, what, done, record.started, duration, host, engine),
                (tone, "", "", look, "", "", "dim", "dim"),
            )  # fmt: skip
        return Row(
            record.run_id, (state, job, what, outcome, age_text(begun, now), time),
            (record.state, job, what, done, record.started, duration),
            (tone, "", "", look, "dim", ""),
        )  # fmt: skip


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M}"
