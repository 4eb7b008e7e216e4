"""What was verified of the study's data and networks, each from an artifact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from cxrcore.associations.evidence import LEAST_TRAININGS
from cxrcore.model import Model
from cxrcore.reporting import tables
from cxrcore.reporting.facts import listed
from cxrcore.reporting.methods import differing_settings
from data_contracts.cohort import LABEL_PREFIX, tasks_of
from data_contracts.header import Header


@dataclass(frozen=True)
class Check:
    """One thing that was verified."""

    question: str
    found: str
    artifact: str
    """The contract of what was read."""
    passed: bool | None
    """None: it could not be told."""

    @property
    def verdict(self) -> str:
        return {True: "yes", False: "no", None: "not known"}[self.passed]


def data_checks(cohort: pl.DataFrame, flow: pl.DataFrame, known: Sequence[Model]) -> list[Check]:
    """Checks of split and labels. No number of patients is told."""
    return [_split(cohort), _labels(cohort, flow), _predictions(cohort, known)]


def network_checks(
    metrics: pl.DataFrame, models: pl.DataFrame, trainings: int, headers: Sequence[Header]
) -> list[Check]:
    """Checks of the networks and their controls; `headers` are those of the predictions."""
    return [*_chance(metrics, models), _trainings(trainings), _settings(headers)]


def _split(cohort: pl.DataFrame) -> Check:
    shared = cohort.group_by("subject_id").agg(pl.col("split").n_unique())["split"]
    several = int((shared > 1).sum())
    return Check("Is every patient in one split only?", f"{several} patients in several splits",
                 "cohort", several == 0)  # fmt: skip


def _labels(cohort: pl.DataFrame, flow: pl.DataFrame) -> Check:
    usable = dict(flow.filter(rule="usable").select("scope", "images").iter_rows())
    tasks = [task for task in tasks_of(cohort.columns) if usable.get(task) is not None]
    wrong = [t for t in tasks if cohort[LABEL_PREFIX + t].count() != usable[t]]
    told = f"they differ for {listed(wrong)}" if wrong else f"they agree for {listed(tasks)}"
    return Check("Do the label counts of the cohort agree with the flow?",
                 told if tasks else "no task has a count that is disclosed", "cohort_flow",
                 not wrong if tasks else None)  # fmt: skip


def _predictions(cohort: pl.DataFrame, known: Sequence[Model]) -> Check:
    wrong = [f"{m.task} ({m.name})" for m in known if not _fits(m, cohort)]
    told = f"not {listed(wrong)}" if wrong else f"{len(known)} of {len(known)} networks"
    return Check("Do predictions have the cohort's split and labels?", told, "predictions",
                 not wrong)  # fmt: skip


def _fits(model: Model, cohort: pl.DataFrame) -> bool:
    label = LABEL_PREFIX + model.task
    asked = [pl.col("split").alias("_split")]
    if model.kind == "classes" and label in cohort.columns:
        asked.append(pl.col(label).to_physical().cast(pl.Int64).alias("_target"))
    both = model.predictions.join(cohort.select("image_id", *asked), on="image_id", how="left")
    same = both["split"].cast(pl.String).eq_missing(both["_split"].cast(pl.String)).all()
    if "_target" not in both.columns:
        return same
    return same and both["target"].cast(pl.Int64).eq_missing(both["_target"]).all()


def _chance(metrics: pl.DataFrame, models: pl.DataFrame) -> list[Check]:
    primary, nulls = models.filter("primary"), models.filter(pl.col("control") != "none")
    blind = primary.filter(~pl.col("interpretable"))
    told = "; ".join([f"{primary.height - blind.height} of {primary.height}", *blind["reason"]])
    checks = [Check("May the network of each task be interpreted?", told, "models",
                    not blind.height)]  # fmt: skip
    score = metrics.filter(pl.col("metric").is_in(["auroc", "r2"]), split="test", stratum="all")
    seeing = nulls.filter("interpretable").join(score, on=["task", "name"], how="left")
    above = [
        f"{r['task']} ({r['name']}) {tables.value(r)}, {tables.interval(r)}"
        for r in seeing.iter_rows(named=True)
    ]
    if not nulls.height:
        told = "there are none"
    else:
        told = f"{nulls.height - seeing.height} of {nulls.height}"
        told += f"; above chance: {'; '.join(above)}" if above else ""
    question = "Do null networks fail the same test, as they should?"
    return [*checks, Check(question, told, "models", not above if nulls.height else None)]


def _trainings(trainings: int) -> Check:
    told = f"at least {trainings} of each network that is compared"
    return Check(f"Are there {LEAST_TRAININGS} trainings or more, for claims of an order?", told,
                 "verdicts", trainings >= LEAST_TRAININGS)  # fmt: skip


def _settings(headers: Sequence[Header]) -> Check:
    differing = differing_settings(headers)
    told = f"they differ in {listed(differing)}" if differing else "they have the same settings"
    return Check("Were all networks trained alike, but for task, seed and control?", told,
                 "predictions", not differing)  # fmt: skip
