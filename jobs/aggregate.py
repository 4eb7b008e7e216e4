"""Bring the results together: metrics, heatmaps, similarity of views, figures and the report.

Every task of the given model name takes part. A workspace with one task gives metrics and
heatmaps; similarity needs the reference task and another.
"""

from __future__ import annotations

from pydantic import Field

from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.cohort import COHORT, COHORT_CHARACTERISTICS, COHORT_FLOW
from data_contracts.images import IMAGE_REJECTS
from data_contracts.model import PREDICTIONS, TRAINING_HISTORY
from data_contracts.summary import ASSOCIATIONS, MEAN_HEATMAPS, METRICS
from data_contracts.synthetic import SYNTHETIC_TRUTH
from jobs._config import JobConfig
from jobs._job import Job

READS = (
    COHORT, COHORT_FLOW, COHORT_CHARACTERISTICS, IMAGE_REJECTS, PREDICTIONS, TRAINING_HISTORY,
    ATTRIBUTIONS,
)  # fmt: skip
WRITES = (METRICS, ASSOCIATIONS, MEAN_HEATMAPS)


class Config(JobConfig):
    """What to compare with what."""

    name: str = Field(default="main", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    """The name of the models that take part."""
    reference: str = Field(default="mortality", pattern=r"^[A-Za-z0-9_]+$")
    """The task the others are compared with."""
    replicates: int = Field(default=2000, ge=100)
    """Resamples of the patient bootstrap, and permutations."""
    seed: int = Field(default=0, ge=0)
    """Seed of the resamples."""


def run(config: Config, job: Job) -> None:
    """Measure, average and compare; then tell people."""
    import sys

    from cxrcore import comparison, console, evaluation, report, summary
    from data_contracts.store import read_table

    cohort, histories = job.table(COHORT).frame, job.tables(TRAINING_HISTORY)
    models = summary.models(job.tables(PREDICTIONS), cohort)
    drawn = evaluation.split_weights(
        [m.predictions for m in models], config.replicates, config.seed
    )
    with summary.opened(job.paths(ATTRIBUTIONS)) as maps:
        views = summary.views(maps, models)
        with job.progress("aggregate", len(models) + 2 * len(views), "steps") as advance:
            metrics, left_out = summary.metrics(models, drawn, advance)
            heatmaps = summary.heatmaps(views, maps[0].read("mean_image"), advance)
            associations = comparison.associations(
                config.reference, cohort, views, drawn["test"], config.seed, advance
            )
    job.write(METRICS, metrics)
    job.write(MEAN_HEATMAPS, heatmaps)
    job.write(ASSOCIATIONS, associations)
    truth = SYNTHETIC_TRUTH.path(job.workspace)
    page = report.write(job.workspace / "report", report.Content(
        reference=config.reference, flow=job.table(COHORT_FLOW).frame,
        characteristics=job.table(COHORT_CHARACTERISTICS).frame,
        rejects=[t.frame for t in job.tables(IMAGE_REJECTS)], models=models,
        histories={t.header.attributes["task"]: t.frame for t in histories},
        metrics=metrics, heatmaps=heatmaps, associations=associations,
        truth=read_table(SYNTHETIC_TRUTH, truth).frame if truth.exists() else None,
        left_out=left_out, origin=job.origin,
    ))  # fmt: skip
    console.print_summary(metrics, associations, config.reference, sys.stdout)
    print(f"\nreport: {page}")
