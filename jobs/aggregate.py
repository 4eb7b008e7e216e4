"""Bring the results together: metrics, heatmaps, similarity of views, figures and the report."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.cohort import COHORT, COHORT_CHARACTERISTICS, COHORT_FLOW
from data_contracts.images import IMAGE_REJECTS
from data_contracts.model import PREDICTIONS, TRAINING_HISTORY
from data_contracts.summary import ASSOCIATIONS, MEAN_HEATMAPS, METRICS
from data_contracts.synthetic import SYNTHETIC_TRUTH
from jobs._config import JobConfig
from jobs._job import Job

READS = (COHORT, COHORT_FLOW, COHORT_CHARACTERISTICS, IMAGE_REJECTS,
         PREDICTIONS, TRAINING_HISTORY, ATTRIBUTIONS)  # fmt: skip
WRITES = (METRICS, ASSOCIATIONS, MEAN_HEATMAPS)
FILES = ("report/report.html",)


class Config(JobConfig):
    """What to compare with what; every task that has a model of the given name takes part."""

    name: str = Field(default="main", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    """The name of the models that take part."""
    reference: str = Field(default="mortality", pattern=r"^[A-Za-z0-9_]{1,64}$")
    """The task the others are compared with."""
    replicates: int = Field(default=2000, ge=100, le=100_000)
    """Resamples of the patient bootstrap."""
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Seed of the resamples."""


def sources(config: Config) -> dict[str, Path]:
    """The planted truth of synthetic patients: the report is made again when it changes."""
    truth = SYNTHETIC_TRUTH.path(config.workspace)
    return {"synthetic_truth": truth} if truth.exists() else {}


def run(config: Config, job: Job) -> None:
    """Measure, average and compare; then tell people."""
    from cxrcore import summary
    from cxrcore.reporting import console, report
    from data_contracts.store import read_table

    cohort, truth = job.table(COHORT).frame, job.sources.get("synthetic_truth")
    models = summary.models(job.tables(PREDICTIONS), job.tables(TRAINING_HISTORY), cohort)
    tasks = [model.task for model in models]
    if config.reference not in tasks:
        job.warn(
            f"--reference {config.reference} is none of the tasks here ({', '.join(tasks)}): "
            "no similarity is computed"
        )
    planted = read_table(SYNTHETIC_TRUTH, truth).frame if truth else None
    job.require_same_sources()
    with job.opened(ATTRIBUTIONS) as maps, job.progress("aggregate", 100, "%") as advance:
        found = summary.summarise(
            cohort, models, maps, config.reference, config.replicates, config.seed,
            lambda share: advance(100 * share),
        )  # fmt: skip
    # The report comes first: whole artifacts mean that the job is done.
    page = report.write(job.workspace / "report", report.Content(
        config.reference, job.table(COHORT_FLOW).frame, job.table(COHORT_CHARACTERISTICS).frame,
        [t.frame for t in job.tables(IMAGE_REJECTS)], models, found,
        planted, job.origin,
    ))  # fmt: skip
    job.write(METRICS, found.metrics)
    job.write(MEAN_HEATMAPS, found.heatmaps)
    job.write(ASSOCIATIONS, found.associations)
    console.print_summary(found.metrics, found.associations, config.reference)
    print(f"\nreport: {page}")
