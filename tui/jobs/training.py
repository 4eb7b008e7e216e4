"""How well trainings did: the validation AUROC of their epochs, read once from their events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from data_contracts.run import RunRecord, run_folder
from jobs._engines import UNFINISHED

#: The job whose events have an AUROC.
JOB = "train-task"


@dataclass(frozen=True, slots=True)
class Training:
    """The AUROCs of a run's own epochs, from the events before the byte `offset`."""

    aurocs: tuple[float, ...] = ()
    offset: int = 0
    ended: bool = False
    """Whether there will be no more."""

    @property
    def best(self) -> float | None:
        """The highest, which is that of the epoch that is kept."""
        return max(self.aurocs, default=None)


def read_trainings(
    workspace: Path, records: Iterable[RunRecord], known: Mapping[str, Training]
) -> dict[str, Training]:
    """The trainings among `records` that are not `known` to the end. It reads the disk."""
    found: dict[str, Training] = {}
    for record in records:
        before = known.get(record.run_id, Training())
        if record.job == JOB and not before.ended:
            ended = record.state not in UNFINISHED
            found[record.run_id] = _read(run_folder(workspace, record.run_id), before, ended)
    return found


def _read(folder: Path, before: Training, ended: bool) -> Training:
    try:
        with (folder / "events.jsonl").open("rb") as file:
            file.seek(before.offset)
            data = file.read()
    except OSError:
        # Its curves say so where they are looked at.
        return Training(before.aurocs, before.offset, ended)
    whole = data[: data.rfind(b"\n") + 1]
    # Most lines tell of batches: they are not parsed.
    lines = (line for line in whole.splitlines() if b'"val_auroc"' in line)
    values = [value for line in lines if (value := _auroc(line)) is not None]
    return Training((*before.aurocs, *values), before.offset + len(whole), ended)


def _auroc(line: bytes) -> float | None:
    try:
        value = json.loads(line)["val_auroc"]
    except (ValueError, KeyError, TypeError):
        return None
    return float(value) if isinstance(value, int | float) else None
