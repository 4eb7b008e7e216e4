"""Take some steps and write a table, as slowly as a test likes."""

from __future__ import annotations

import time

from pydantic import Field

from data_contracts.cohort import COHORT
from data_contracts.cohort_description import COHORT_FLOW
from jobs._config import JobConfig
from jobs._job import Job

READS = (COHORT,)
WRITES = (COHORT_FLOW,)
FILES = ("steps.txt",)


class Config(JobConfig):
    """How to step."""

    steps: int = 5
    """How many."""
    pause: float = Field(default=0.0, exclude=True)
    """Seconds before each."""
    workers: int = Field(default=1, exclude=True)
    """Has no effect."""
    fail_with: str = ""
    """Text of an error to end with."""


def run(config: Config, job: Job) -> None:
    import polars as pl

    if config.fail_with:
        raise ValueError(config.fail_with)
    with job.progress("step", config.steps, "steps") as advance:
        for _ in range(config.steps):
            time.sleep(config.pause)
            advance()
    example = pl.DataFrame(COHORT_FLOW.example())
    flow = example.with_columns(images=pl.lit(config.steps, pl.Int64))
    job.write(COHORT_FLOW, flow, min_cell_count=0)
    (job.workspace / "steps.txt").write_text("done")
