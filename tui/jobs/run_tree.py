"""Pipelines above the runs of their jobs, which are folded away until they are wanted."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from data_contracts.run import RunRecord
from jobs._engines.slurm.job_names import step_run_id

_STEP = re.compile(r"(.+)-\d{4}-[a-z-]+")


def parents_of(runs: Sequence[RunRecord]) -> dict[str, str]:
    """The pipeline of each run that belongs to one, by run id."""
    starts = {_start(r.run_id): r.run_id for r in runs if r.job == "run"}
    found = ((r.run_id, _STEP.fullmatch(r.run_id)) for r in runs if r.job != "run")
    return {i: starts[step[1]] for i, step in found if step and step[1] in starts}


def _start(pipeline: str) -> str:
    """What the ids of a pipeline's jobs begin with."""
    step = _STEP.fullmatch(step_run_id(pipeline, 0, "job"))
    return step[1] if step else pipeline


def in_tree(
    runs: Sequence[RunRecord], parents: Mapping[str, str], unfolded: Collection[str]
) -> Iterator[RunRecord]:
    """`runs` in their order, but those of a pipeline below it, or not at all if it is folded."""
    children: dict[str, list[RunRecord]] = {}
    for record in runs:
        if parent := parents.get(record.run_id):
            children.setdefault(parent, []).append(record)
    for record in runs:
        if record.run_id not in parents:
            yield record
            if record.run_id in unfolded:
                yield from children.get(record.run_id, ())
