"""Which failed runs still matter: those that no later run has made good."""

from __future__ import annotations

from collections.abc import Sequence

from data_contracts.run import RunRecord

FAILED = ("failed", "lost")
#: The settings that tell the runs of one job apart.
_SUBJECT = ("task", "name", "shard", "method", "split")


def open_failures(runs: Sequence[RunRecord]) -> tuple[RunRecord, ...]:
    """The failed runs that no later run of the same job and subject made good, newest first.

    `runs`: newest first. A pipeline is made good by a later one, or by that of all its jobs that
    failed.
    """
    good: set[tuple[str, ...]] = set()
    found: list[RunRecord] = []
    for record in runs:
        if record.state == "succeeded":
            good.add(_subject(record))
        elif record.state in FAILED and _subject(record) not in good:
            found.append(record)
    failed_jobs = [r.run_id for r in runs if r.state in FAILED and r.job != "run"]
    still = {r.run_id for r in found if r.job != "run"}

    def is_open(record: RunRecord) -> bool:
        own = {i for i in failed_jobs if i.startswith(f"{record.run_id}-")}
        return record.job != "run" or not own or bool(own & still)

    return tuple(filter(is_open, found))


def _subject(record: RunRecord) -> tuple[str, ...]:
    config = record.config if isinstance(record.config, dict) else {}
    return record.job, *(str(config.get(name, "")) for name in _SUBJECT)
