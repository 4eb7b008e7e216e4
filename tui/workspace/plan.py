"""What a pipeline has still to do: its steps, what each waits for, and when the last would end."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs._pipeline.folder import FOLDER

_CONTROL = re.compile(r" --control=(\S+)")


@dataclass(frozen=True)
class PlannedStep:
    """A job that is to run with so many threads, once those in `needs` have ended, by run id."""

    run_id: str
    threads: int
    control: str
    needs: frozenset[str]


def read_plan(workspace: Path, prefix: str) -> list[PlannedStep]:
    """The steps of the pipeline whose run ids begin with `prefix` that were not up to date.

    Empty where the plan is of another pipeline or cannot be read.
    """
    folder = workspace / FOLDER
    try:
        plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        maker, run_id = {}, ""
        # The files of a step follow the first of them, which names the step.
        for target in plan["targets"]:
            place = target.removeprefix("receipts/")
            run_id = plan["steps"][place]["run_id"] if place in plan["steps"] else run_id
            maker[target] = run_id
        return [
            PlannedStep(
                step["run_id"],
                int(step["threads"]),
                found[1] if (found := _CONTROL.search(step["command"])) else "none",
                frozenset(maker[i] for i in step["inputs"]),
            )
            for place, step in plan["steps"].items()
            if step["run_id"].startswith(prefix) and not (folder / "receipts" / place).exists()
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def seconds_until_done(
    steps: Sequence[PlannedStep], left: Mapping[str, float], running: Collection[str]
) -> float:
    """When the last of `steps` ends if each takes as long as is `left`, both by run id.

    Steps start in their order, as soon as what they need is there and their threads are free. There
    are as many threads as the largest step takes, since one that runs alone is given all, or as
    those take that run now.
    """
    waiting = sorted(steps, key=lambda step: step.run_id not in running)
    at_work = sum(step.threads for step in steps if step.run_id in running)
    free = max(at_work, *(step.threads for step in steps))
    ends: dict[str, tuple[float, int]] = {}
    now = 0.0
    while waiting or ends:
        undone = {*(step.run_id for step in waiting), *ends}
        for step in list(waiting):
            if step.threads <= free and (step.run_id in running or not step.needs & undone):
                waiting.remove(step)
                free -= step.threads
                ends[step.run_id] = now + left[step.run_id], step.threads
        if not ends:
            break
        first = min(ends, key=lambda run_id: ends[run_id][0])
        now, threads = ends.pop(first)
        free += threads
    return now
