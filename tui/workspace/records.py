"""What run records say together: settings, times, and which failures still matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from data_contracts.run import RunRecord, moment, seconds_between
from jobs._engines import UNFINISHED
from jobs._execute import UP_TO_DATE
from tui import clock

FAILED = ("failed", "lost")
#: The settings that tell the runs of one job apart.
_SUBJECT = ("task", "name", "shard", "method", "split")


def config_of(record: RunRecord) -> dict[str, Any]:
    """The settings of a run; none where its record is not what a job writes."""
    return record.config if isinstance(record.config, dict) else {}


def duration_of(record: RunRecord, now: datetime) -> float | None:
    """Seconds from start to end, or until now; None where they are unknown."""
    ended = now if record.state in UNFINISHED else moment(record.ended)
    return seconds_between(moment(record.started), ended)


def usual_seconds(runs: Iterable[RunRecord]) -> float | None:
    """The median time of those that did their work; None where none did."""
    worked = (r for r in runs if r.state == "succeeded" and r.message != UP_TO_DATE)
    took = [seconds for r in worked if (seconds := duration_of(r, clock.now()))]
    return median(took) if took else None


def open_failures(runs: Sequence[RunRecord]) -> tuple[RunRecord, ...]:
    """The failed runs that no later run of the same job and subject made good, newest first.

    `runs`: newest first. Of one that failed again when it was retried, only the latest counts. A
    pipeline is made good by a later one, or by that of all its jobs that failed.
    """
    seen: set[tuple[str, ...]] = set()
    found: list[RunRecord] = []
    for record in runs:
        if record.state in FAILED and _subject(record) not in seen:
            found.append(record)
        if record.state in (*FAILED, "succeeded"):
            seen.add(_subject(record))
    failed_jobs = [r.run_id for r in runs if r.state in FAILED and r.job != "run"]
    still = {r.run_id for r in found if r.job != "run"}

    def is_open(record: RunRecord) -> bool:
        own = {i for i in failed_jobs if i.startswith(f"{record.run_id}-")}
        return record.job != "run" or not own or bool(own & still)

    return tuple(filter(is_open, found))


def _subject(record: RunRecord) -> tuple[str, ...]:
    config = config_of(record)
    return record.job, *(str(config.get(name, "")) for name in _SUBJECT)
