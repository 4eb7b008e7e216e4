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
    """Measure, average, compare, then tell people."""
    from contextlib import ExitStack

    from cxrcore import aggregation, report
    from data_contracts.store import open_arrays

    cohort = job.table(COHORT).frame
    models = aggregation.models(job.tables(PREDICTIONS), cohort)
    drawn = aggregation.resamples(models, config.replicates, config.seed)
    with ExitStack() as stack:
        maps = [stack.enter_context(open_arrays(ATTRIBUTIONS, p, verify=True)) for p in job.paths(ATTRIBUTIONS)]
        views = aggregation.views(maps, models)
        with job.progress("measure and compare", len(models) + 2 * len(views), "steps") as advance:
            metrics = aggregation.metrics(models, drawn, advance, job.say)
            heatmaps = aggregation.heatmaps(views, maps, advance)
            associations = aggregation.associations(config.reference, cohort, views, drawn, config.seed, advance)
    job.write(METRICS, metrics)
    job.write(MEAN_HEATMAPS, heatmaps)
    job.write(ASSOCIATIONS, associations)
    story = report.Story(
        cohort_flow=job.table(COHORT_FLOW).frame,
    )
