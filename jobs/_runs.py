"""Shows the runs of a workspace: a table on a terminal, tab-separated lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from data_contracts.run import RunRecord, State, moment, seconds_between

HEAD = ("run", "state", "job", "task", "started", "duration", "engine")
_COLOURS: dict[State, str] = {
    "submitted": "yellow", "running": "cyan", "succeeded": "green", "failed": "red",
    "interrupted": "yellow", "cancelled": "dim", "lost": "red",
}  # fmt: skip


def show(records: Sequence[RunRecord]) -> None:
    """Print one line for each run, in the order given."""
    if not sys.stdout.isatty():
        print(*HEAD, sep="\t")
        for record in records:
            print(*row(record), sep="\t")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*HEAD, box=None, pad_edge=False)
    for record in records:
        table.add_row(*row(record), style=_COLOURS[record.state])
    Console().print(table if records else "no runs yet")


def row(record: RunRecord) -> tuple[str, ...]:
    """The cells of a run; times are UTC, to the second."""
    begun, ended = moment(record.started), moment(record.ended)
    if ended is None and record.state == "running":
        ended = datetime.now(UTC)
    passed = seconds_between(begun, ended)
    duration = "" if passed is None else str(timedelta(seconds=int(passed)))
    task = str(record.config.get("task", ""))
    engine = f"{record.engine} {record.engine_id or ''}".strip()
    started = f"{begun:%Y-%m-%d %H:%M:%S}" if begun else ""
    return (record.run_id, record.state, record.job, task, started, duration, engine)
