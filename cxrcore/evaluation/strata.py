"""The strata: variables that images are divided by, and their levels. This list is the only one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.evaluation import metrics
from data_contracts.cohort import LABEL_PREFIX, VIEWS

AGE_BANDS = ("under 40", "40-59", "60-79", "80 and over")
OUTCOMES = ("true_positive", "false_positive", "false_negative", "true_negative")


@dataclass(frozen=True)
class Subgroup:
    """One level of one stratum among n images; stratum and level 'all': all of them."""

    stratum: str
    level: str
    inside: NDArray[np.bool_]
    """(n,)"""


def with_strata(predictions: pl.DataFrame, cohort: pl.DataFrame) -> pl.DataFrame:
    """`predictions` with the columns the images are divided by: view, age band, every label.

    Every prediction has a row in the cohort when both are of one lineage.
    """
    age = pl.col("age")
    bands = pl.when(age < 40).then(pl.lit(AGE_BANDS[0])).when(age < 60).then(pl.lit(AGE_BANDS[1]))
    bands = (
        bands.when(age < 80).then(pl.lit(AGE_BANDS[2])).when(age >= 80).then(pl.lit(AGE_BANDS[3]))
    )
    labels = [c for c in cohort.columns if c.startswith(LABEL_PREFIX)]
    strata = cohort.select("image_id", "view", bands.otherwise(None).alias("age_band"), *labels)
    return predictions.join(strata, on="image_id", how="left", maintain_order="left")


def is_labelled() -> pl.Expr:
    """Whether an image's target is known, of whatever kind it is."""
    return pl.any_horizontal(pl.col("target", "labels", "value").is_not_null())


def subgroups(labelled: pl.DataFrame, task: str, *, divided: bool = True) -> Iterator[Subgroup]:
    """All images, and when `divided` each level of each variable but the task itself."""
    yield Subgroup("all", "all", np.ones(labelled.height, dtype=bool))
    if not divided:
        return
    for variable, of_level in levels_of(labelled, task).items():
        for level, inside in of_level.items():
            yield Subgroup(variable, level, inside)


def levels_of(labelled: pl.DataFrame, task: str) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """By variable but the task itself, by level that occurs: which images have it (n,)."""
    levels = {"view": VIEWS, "age_band": AGE_BANDS}
    for column in labelled.columns:
        if column.startswith(LABEL_PREFIX) and column != LABEL_PREFIX + task:
            levels[column] = tuple(cast(pl.Enum, labelled.schema[column]).categories)
    return {
        variable.removeprefix(LABEL_PREFIX): {
            level: inside for level in names if (inside := _is(labelled[variable], level)).any()
        }
        for variable, names in levels.items()
    }


def _is(column: pl.Series, level: str) -> NDArray[np.bool_]:
    return (column.cast(pl.String) == level).fill_null(False).to_numpy()


def target_subgroups(
    labelled: pl.DataFrame, classes: Sequence[str], threshold: float | None
) -> Iterator[Subgroup]:
    """The true classes, and for two of them the outcomes at `threshold` on the log odds."""
    target = labelled["target"].to_numpy()
    for index, name in enumerate(classes):
        yield Subgroup("true_class", name, target == index)
    if threshold is not None and labelled.height:
        called = log_odds(matrix(labelled["logits"]))[:, 1] >= threshold
        truth = target == 1
        inside = (truth & called, ~truth & called, truth & ~called, ~truth & ~called)
        yield from (Subgroup("outcome", n, i) for n, i in zip(OUTCOMES, inside, strict=True))


def validation_threshold(predictions: pl.DataFrame) -> float | None:
    """Youden's threshold on the log odds of the last of two classes, chosen on validation."""
    chosen = predictions.filter((pl.col("split") == "val") & pl.col("target").is_not_null())
    if not chosen.height or chosen["logits"].list.len().max() != 2:
        return None
    odds = log_odds(matrix(chosen["logits"]))[:, 1]
    return metrics.youden_threshold(odds, chosen["target"].to_numpy() == 1)


def log_odds(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds of each class against the rest, from logits (n, k): logit of the softmax."""
    exponent = logits - logits.max(axis=1, keepdims=True)
    rest = np.exp(exponent) @ (1 - np.eye(logits.shape[1]))
    return np.asarray(exponent - np.log(np.maximum(rest, np.finfo(np.float64).tiny)))


def matrix(lists: pl.Series) -> NDArray[np.float64]:
    """A column of equally long lists as (n, k) float64."""
    width = int(lists.list.len().max() or 0)  # type: ignore[arg-type]
    values = lists.explode(empty_as_null=False, keep_nulls=False).to_numpy()
    return values.astype(np.float64).reshape(len(lists), width)


def subgroup_counts(
    labelled: pl.DataFrame, classes: Sequence[str], found: Sequence[Subgroup]
) -> list[tuple[str, str, str, int]]:
    """Stratum, level, class (empty: all) and patients of each subgroup and class in it."""
    subject = labelled["subject_id"].rank("dense").to_numpy()
    target = labelled["target"].to_numpy()
    rows = []
    for group in found:
        parts = {"": group.inside}
        parts |= {name: group.inside & (target == c) for c, name in enumerate(classes)}
        for name, inside in parts.items():
            rows.append((group.stratum, group.level, name, len(np.unique(subject[inside]))))
    return rows
