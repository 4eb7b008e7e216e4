"""How far running jobs are, and how long they will still take."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from data_contracts.run import RunRecord
from jobs._pipeline.folder import FOLDER
from tui import clock
from tui.workspace.records import duration_of, usual_seconds
from tui.workspace.snapshot import Progress


def progress_of(events: Sequence[Mapping[str, Any]]) -> Progress | None:
    """What the last event of progress reports, and how fast the work went over the events given."""
    progress = [e for e in events if e.get("event") == "progress"]
    progress = [e for e in progress if e.get("what") == progress[-1].get("what")]
    try:
        first, last = progress[0], progress[-1]
        begun, present = (datetime.fromisoformat(e["time"]) for e in (first, last))
        done, seconds = int(last["done"]), (present - begun).total_seconds()
        rate = (done - int(first["done"])) / seconds if seconds > 0 else None
        return Progress(str(last["what"]), done, int(last["total"]), str(last["unit"]), rate)
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def seconds_left(
    workspace: Path,
    pipeline: RunRecord,
    records: Sequence[RunRecord],
    progress: Mapping[str, Progress],
) -> float | None:
    """How long a pipeline will still take, to 5 s; None while a job is to come that never ran here.

    A job takes as long as those like it took, a running one what its own progress promises. The
    pipeline goes on to do as much at once as it has done until now.
    """
    now, prefix = clock.now(), f"{pipeline.run_id}-"
    known = {r.run_id: r for r in records}
    own = [r for r in records if r.run_id.startswith(prefix)]
    spent = sum(duration_of(r, now) or 0.0 for r in own)
    wall = duration_of(pipeline, now)
    coming = _unfinished(workspace, prefix, known)
    left = [_step_left(i, known.get(i), records, progress.get(i)) for i in coming]
    if not spent or not wall or not left or None in left:
        return None
    at_once = min(spent / wall, len(left))
    return 5.0 * round(sum(seconds or 0.0 for seconds in left) / at_once / 5)


def _unfinished(workspace: Path, prefix: str, known: Mapping[str, RunRecord]) -> list[str]:
    """Run ids of the steps of the plan that have neither ended nor been up to date from the start.

    Empty where the plan is not that of the pipeline whose run ids begin with `prefix`.
    """
    folder = workspace / FOLDER
    try:
        steps = json.loads((folder / "plan.json").read_text(encoding="utf-8"))["steps"]
        ids = [
            str(step["run_id"])
            for place, step in steps.items()
            if not (folder / "receipts" / place).exists()
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    ended = {i for i, r in known.items() if r.state not in ("submitted", "running")}
    return [i for i in ids if i.startswith(prefix) and i not in ended]


def _step_left(
    run_id: str,
    record: RunRecord | None,
    records: Sequence[RunRecord],
    progress: Progress | None,
) -> float | None:
    if progress and progress.rate:
        return max(0, progress.total - progress.done) / progress.rate
    usual = usual_seconds(r for r in records if run_id.endswith(f"-{r.job}"))
    running = duration_of(record, clock.now()) if record else None
    return None if usual is None else max(0.0, usual - (running or 0.0))
