"""The newest runs of a workspace."""

from __future__ import annotations

from data_contracts.run import RunRecord, moment
from tui import clock
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
from tui.shared.table import Column, Row
from tui.workspace.records import duration_of
from tui.workspace.snapshot import Progress, Snapshot

#: More are on the page of all runs.
NEWEST = 100
#: Cells that an 80-column terminal leaves for it.
_PROGRESS = 24


class RunList(Rows):
    """State, job, task, age, and how far a run is or what became of it."""

    def __init__(self) -> None:
        super().__init__(
            Column("State", 13), Column("Job", 10), Column("Task", 16, name=True, most=32),
            Column("Age", 6, right=True), Column("Progress"),
        )  # fmt: skip

    def show(self, snapshot: Snapshot) -> None:
        """Take over the runs of a snapshot."""
        self.set_rows([_row(r, snapshot.progress.get(r.run_id)) for r in snapshot.runs[:NEWEST]])
        # Unless somebody walks through them, the newest are seen.
        if not self.has_focus:
            self.cursor = 0


def _row(record: RunRecord, progress: Progress | None) -> Row:
    begun, tone = moment(record.started), tone_of(record.state)
    cells = (
        state_text(record.state), sanitize(record.job), what_of(record),
        age_text(begun, clock.now()), _outcome(record, progress),
    )  # fmt: skip
    values = (*cells[:3], -begun.timestamp() if begun else None, cells[4])
    return Row(record.run_id, cells, values, (tone, "", "", "dim", tone if progress else ""))


def _outcome(record: RunRecord, progress: Progress | None) -> str:
    """How far it is while it runs; then how long it took, or why it failed."""
    if progress is not None:
        return progress_text(progress, _PROGRESS)
    if record.state != "succeeded":
        return reason_of(record)
    took = duration_text(duration_of(record, clock.now()))
    return f"took {took}" if took else ""
