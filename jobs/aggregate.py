"""Bring all models together: metrics, curves, heatmaps, shared evidence, figures, the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from pydantic import Field

from data_contracts.added_value import ADDED_VALUE, METADATA_PREDICTIONS
from data_contracts.associations import ASSOCIATIONS, ORDERS, VERDICTS
from data_contracts.attributions import ATTRIBUTIONS, LUNG_FRAME
from data_contracts.cohort import COHORT
from data_contracts.cohort_description import (
    COHORT_CHARACTERISTICS,
    COHORT_FLOW,
    MIN_CELL_COUNT,
)
from data_contracts.crossed_metrics import CROSSED_METRICS
from data_contracts.differences import DIFFERENCES
from data_contracts.errors import UsageError
from data_contracts.header import Header
from data_contracts.images import IMAGE_REJECTS
from data_contracts.mean_heatmaps import ALIGNED_HEATMAPS, MEAN_HEATMAPS
from data_contracts.model import TRAINING_HISTORY
from data_contracts.predictions import FEATURES, PREDICTIONS
from data_contracts.region_evidence import REGION_EVIDENCE
from data_contracts.replication import REPLICATION
from data_contracts.summary import CURVES, METRICS, MODELS
from data_contracts.synthetic import SYNTHETIC_TRUTH
from jobs._config import JobConfig
from jobs._job import Job

if TYPE_CHECKING:
    import polars as pl

READS = (COHORT, COHORT_FLOW, COHORT_CHARACTERISTICS, IMAGE_REJECTS,
         PREDICTIONS, FEATURES, TRAINING_HISTORY, ATTRIBUTIONS)  # fmt: skip
WRITES = (MODELS, METRICS, CROSSED_METRICS, METADATA_PREDICTIONS, ADDED_VALUE, DIFFERENCES,
          CURVES, ASSOCIATIONS, VERDICTS, ORDERS, REPLICATION, MEAN_HEATMAPS,
          ALIGNED_HEATMAPS, REGION_EVIDENCE)  # fmt: skip
FILES = ("report/report.html", "report/report.pdf")
#: Earlier versions compared magnitudes of maps, without nulls.
SINCE = "0.4.0"

_COMPARED = "verdicts of "


class Config(JobConfig):
    """What to compare with what; every trained model takes part."""

    models: str = Field(default="*", pattern=r"^[A-Za-z0-9_*?\[\]-]{1,64}$")
    """Pattern of the names of the models that take part, such as seed*."""
    reference: str = Field(default="mortality", pattern=r"^[A-Za-z0-9_]{1,64}$")
    """The task the others are compared with."""
    method: str = Field(default="gradcam", pattern=r"^[a-z0-9_]{1,32}$")
    """The attribution method whose maps are averaged and compared."""
    replicates: int = Field(default=2000, ge=100, le=100_000)
    """Resamples of the patient bootstrap."""
    surrogates: int = Field(default=4999, ge=99, le=100_000)
    """Moran surrogates of a map that its similarity to another is judged by."""
    permutations: int = Field(default=999, ge=99, le=100_000)
    """Shuffles of patients that other associations are judged by; at most 499 where expensive."""
    min_cell_count: int = Field(default=MIN_CELL_COUNT, ge=0, le=1000)
    """Fewer patients are not disclosed; 0: all are. Never applied to synthetic patients."""
    compare: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=())] = Field(
        default=(), max_length=20, exclude=True
    )
    """Other workspaces, already aggregated, whose verdicts stand beside these."""
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Seed of all random draws."""
    author: str | None = Field(default=None, pattern=r"^[^\x00-\x1f\x7f]{1,200}$")
    """Who signs the report."""

    def keys(self) -> dict[str, str]:
        """The models that take part, and the maps of them that are read."""
        return {"name": self.models, "method": self.method, "split": "test"}


def sources(config: Config) -> dict[str, Path]:
    """The planted truth of synthetic patients, and the verdicts of other workspaces."""
    truth = SYNTHETIC_TRUTH.path(config.workspace)
    found = {"synthetic_truth": truth} if truth.exists() else {}
    for folder in map(Path, config.compare):
        name = _COMPARED + folder.resolve().name
        if name in found or folder.resolve() == config.workspace.resolve():
            raise UsageError(
                f"--compare {folder}: want other workspaces, each folder of a name of its own"
            )
        found[name] = VERDICTS.path(folder)
    return found


def run(config: Config, job: Job) -> None:
    """Measure, average and compare; then report."""
    from cxrcore.associations.inputs import Draws
    from cxrcore.model import models
    from cxrcore.replication import replication
    from cxrcore.reporting import console, report
    from cxrcore.reporting.content import Content
    from cxrcore.summary import Settings, summarise
    from data_contracts.store import read_table

    cohort, flow = job.table(COHORT).frame, job.table(COHORT_FLOW)
    truth = job.sources.get("synthetic_truth")
    known = models(job.tables(PREDICTIONS), job.tables(TRAINING_HISTORY), cohort)
    tasks = list(dict.fromkeys(model.task for model in known))
    if config.reference not in tasks:
        job.warn(
            f"--reference {config.reference} is none of the tasks here ({', '.join(tasks)}): "
            "no similarity is computed"
        )
    others = {
        name.removeprefix(_COMPARED): read_table(VERDICTS, path).frame
        for name, path in job.sources.items()
        if name.startswith(_COMPARED)
    }
    _warn_of_shared_patients(config, job, cohort)
    planted = read_table(SYNTHETIC_TRUTH, truth).frame if truth else None
    job.require_same_sources()
    least = 0 if flow.header.attributes.get("synthetic") else config.min_cell_count
    draws = Draws(config.surrogates, config.permutations)
    settings = Settings(config.replicates, draws, config.seed, least)
    with (
        job.opened(ATTRIBUTIONS) as maps, job.opened(FEATURES) as features,
        job.progress("aggregate", 100, "%") as advance,
    ):  # fmt: skip
        found = summarise(
            cohort, known, maps, features, config.reference, settings,
            lambda share: advance(100 * share),
        )  # fmt: skip
    replicated = replication(found.verdicts, others)
    # The report comes first: whole artifacts mean that the job is done.
    page = report.write(job.workspace / "report", Content(
        config.reference, flow.frame, job.table(COHORT_CHARACTERISTICS).frame,
        [t.frame for t in job.tables(IMAGE_REJECTS)], _headers(job), cohort, known, found,
        replicated, planted, job.origin,
    ))  # fmt: skip
    job.write(MODELS, found.models)
    job.write(METRICS, found.metrics, min_cell_count=least)
    job.write(CROSSED_METRICS, found.crossed_metrics, min_cell_count=least)
    job.write(ADDED_VALUE, found.added_value, min_cell_count=least)
    job.write(METADATA_PREDICTIONS, found.metadata_predictions)
    job.write(DIFFERENCES, found.differences, min_cell_count=least)
    job.write(CURVES, found.curves, min_cell_count=least)
    job.write(MEAN_HEATMAPS, found.heatmaps, min_cell_count=least)
    job.write(
        ALIGNED_HEATMAPS, found.aligned_heatmaps, min_cell_count=least, lung_frame=[*LUNG_FRAME]
    )
    job.write(REGION_EVIDENCE, found.region_evidence, min_cell_count=least)
    job.write(ASSOCIATIONS, found.associations, min_cell_count=least)
    job.write(ORDERS, found.orders, min_cell_count=least)
    job.write(REPLICATION, replicated, min_cell_count=least)
    job.write(VERDICTS, found.verdicts, min_cell_count=least, sentence=found.sentence)
    console.print_summary(found.models, found.metrics, found.verdicts, config.reference)
    print(f"\n{found.sentence}")
    print(f"\nreport: {page}")


def _warn_of_shared_patients(config: Config, job: Job, cohort: pl.DataFrame) -> None:
    """Differences between workspaces are judged as those of other patients."""
    from data_contracts.store import read_table

    who = ["source", "subject_id"]
    for folder in map(Path, config.compare):
        path = COHORT.path(folder)
        if path.exists():
            theirs = read_table(COHORT, path).frame.select(who).unique()
            if shared := cohort.select(who).unique().join(theirs, on=who).height:
                job.warn(
                    f"{shared} patients are in {folder.name} too: the intervals of differences "
                    "take them for other patients, and are too wide"
                )


def _headers(job: Job) -> dict[str, list[Header]]:
    """The header of every input, by contract: what the report says of settings comes from them."""
    from data_contracts.store import read_header

    found: dict[str, list[Header]] = {}
    for item in job.origin.inputs:
        if item.contract != "source":
            found.setdefault(item.contract, []).append(read_header(job.workspace / item.path))
    return found
