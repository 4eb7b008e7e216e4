"""The names of a run's jobs in the Slurm queue.

A cluster may reuse job numbers, so a number alone does not identify a run's job.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from data_contracts.run import RunRecord

#: Letters of a pipeline's run id that go into those of its jobs, which must not become too long.
_KEPT = 70


def submitted_job_name(run: str) -> str:
    """The job that `cxr submit` queues for a run, or for all shards of it."""
    return f"cxr-{run}"


def workspace_prefix(workspace: Path) -> str:
    """The prefix of the names of all jobs that pipelines in `workspace` submit."""
    place = str(workspace.resolve()).encode("utf-8", "surrogateescape")
    return f"cxr-{hashlib.sha256(place).hexdigest()[:16]}"


def pipeline_prefix(workspace: Path, run_id: str) -> str:
    """The prefix of the names of one pipeline's jobs."""
    return f"{workspace_prefix(workspace)}-{_mark(run_id)}"


def step_run_id(pipeline: str, number: int, job: str) -> str:
    """The id of the run of a pipeline's step."""
    return f"{pipeline[:_KEPT]}-{number:04d}-{job}"


def belongs(record: RunRecord, name: str) -> bool:
    """Whether the job of that name is the one of the record."""
    step = re.fullmatch(rf"(.+)-[0-9]{{4,}}-{re.escape(record.job)}", record.run_id)
    if step:
        # Snakemake's plugin adds an id of its own.
        return bool(re.fullmatch(rf"cxr-[0-9a-f]{{16}}-{_mark(step[1])}_.*", name))
    element = str(record.engine_id).partition("_")[2]
    run = record.run_id.removesuffix(f"-{element}") if element else record.run_id
    return name == submitted_job_name(run)


def _mark(pipeline: str) -> str:
    return hashlib.sha256(pipeline[:_KEPT].encode()).hexdigest()[:8]
