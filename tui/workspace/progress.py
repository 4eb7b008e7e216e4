"""How far running jobs are, and how long they will still take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from data_contracts.run import RunRecord
from jobs._engines import UNFINISHED
from tui import clock
from tui.workspace.plan import PlannedStep, read_plan, seconds_until_done
from tui.workspace.records import config_of, duration_of, usual_seconds
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

    A job takes as long as those like it took, and what its own progress promises if that is longer.
    Jobs run side by side as the plan lets them.
    """
    prefix, known = f"{pipeline.run_id}-", {r.run_id: r for r in records}
    planned = read_plan(workspace, prefix)
    ended = {i for i, r in known.items() if r.state not in UNFINISHED}
    steps = [step for step in planned if step.run_id not in ended]
    left = {s.run_id: _step_left(s, prefix, known, progress.get(s.run_id)) for s in steps}
    sure = {run_id: seconds for run_id, seconds in left.items() if seconds is not None}
    if not steps or len(sure) < len(left):
        return None
    running = {step.run_id for step in steps if step.run_id in known}
    return 5.0 * round(seconds_until_done(steps, sure, running) / 5)


def _step_left(
    step: PlannedStep, prefix: str, known: Mapping[str, RunRecord], progress: Progress | None
) -> float | None:
    like = [r for r in known.values() if step.run_id.endswith(f"-{r.job}") and _is_like(r, step)]
    # Those of the same pipeline had the same settings, and as much beside them.
    own = usual_seconds(r for r in like if r.run_id.startswith(prefix))
    usual = own or usual_seconds(like)
    if usual is None:
        return None
    record = known.get(step.run_id)
    running = duration_of(record, clock.now()) if record else None
    promised = 0.0
    if progress and progress.rate:
        promised = max(0, progress.total - progress.done) / progress.rate
    return max(0.0, usual - (running or 0.0)) or promised


def _is_like(record: RunRecord, step: PlannedStep) -> bool:
    """Whether both train, or neither does: random and pretrained weights stay as they are."""
    return (config_of(record).get("control") or "none") == step.control
