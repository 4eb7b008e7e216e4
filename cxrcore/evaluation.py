"""The table of metrics: every task, split and stratum, with patient-bootstrap intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore import metrics
from cxrcore.bootstrap import (
    Advance,
    Statistic,
    part_of,
    patient_weights,
    percentile_interval,
    resample,
)
from data_contracts.cohort import LABEL_PREFIX, SPLITS, VIEWS
from data_contracts.summary import SMALLEST_CELL

AGE_BANDS = ("under 40", "40-59", "60-79", "80 and over")

Cell = tuple[str, str, NDArray[np.bool_]]


def with_strata(predictions: pl.DataFrame, cohort: pl.DataFrame) -> pl.DataFrame:
    """`predictions` with the columns the images are divided by: view, age band, every label.

    Raises `polars` errors only for a programming fault: every prediction has a cohort row
    when both are of one lineage.
    """
    age = pl.col("age")
    bands = pl.when(age < 40).then(pl.lit(AGE_BANDS[0])).when(age < 60).then(pl.lit(AGE_BANDS[1]))
    bands = (
        bands.when(age < 80).then(pl.lit(AGE_BANDS[2])).when(age >= 80).then(pl.lit(AGE_BANDS[3]))
    )
    labels = [c for c in cohort.columns if c.startswith(LABEL_PREFIX)]
    strata = cohort.select("image_id", "view", bands.otherwise(None).alias("age_band"), *labels)
    return predictions.join(strata, on="image_id", how="left", maintain_order="left")


def log_odds(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds of each class against the rest, from logits (n, k): logit of the softmax."""
    exponent = logits - logits.max(axis=1, keepdims=True)
    rest = np.exp(exponent) @ (1 - np.eye(logits.shape[1]))
    return np.asarray(exponent - np.log(np.maximum(rest, np.finfo(np.float64).tiny)))


def split_weights(
    predictions: Sequence[pl.DataFrame], replicates: int, seed: int
) -> dict[str, tuple[pl.Series, NDArray[np.uint8]]]:
    """For each split its subjects, sorted, and their resample weights (replicates, subjects).

    One draw for all tasks: differences between tasks are paired.
    """
    subjects = pl.concat(
        [p.select("subject_id", pl.col("split").cast(pl.String)) for p in predictions]
    )
    drawn = {}
    for split in SPLITS:
        names = subjects.filter(pl.col("split") == split)["subject_id"].unique().sort()
        drawn[split] = names, patient_weights(len(names), replicates, seed, split)
    return drawn


def columns_of(subjects: pl.Series, names: pl.Series) -> NDArray[np.intp]:
    """Where each of `subjects` stands in the sorted `names`."""
    return np.asarray(names.search_sorted(subjects), dtype=np.intp)


def validation_threshold(predictions: pl.DataFrame) -> float | None:
    """Youden's threshold on the log odds of the last of two classes, chosen on validation."""
    chosen = predictions.filter((pl.col("split") == "val") & pl.col("target").is_not_null())
    if not chosen.height or chosen["logits"].list.len().max() != 2:
        return None
    odds = log_odds(matrix(chosen["logits"]))[:, 1]
    return metrics.youden_threshold(odds, chosen["target"].to_numpy() == 1)


def matrix(lists: pl.Series) -> NDArray[np.float64]:
    """A column of equally long lists as (n, k) float64."""
    return np.array(lists.to_list(), dtype=np.float64).reshape(len(lists), -1)


def evaluate(
    task: str,
    model: str,
    classes: Sequence[str],
    predictions: pl.DataFrame,
    weights: Mapping[str, tuple[pl.Series, NDArray[np.uint8]]],
    advance: Advance = lambda _: None,
) -> tuple[pl.DataFrame, int]:
    """Metrics of one model as METRICS rows, and how many replicates were left out in all.

    `predictions` carry the strata of `with_strata`; images without a label are not counted.
    Cells of fewer than `SMALLEST_CELL` subjects get no values.
    """
    threshold = validation_threshold(predictions)
    rows, left_out = [], 0
    labelled_only = predictions.filter(pl.col("target").is_not_null())
    parts = {split: labelled_only.filter(pl.col("split") == split) for split in SPLITS}
    divided = {s: list(cells(part, task, s == "test")) for s, part in parts.items() if part.height}
    images = sum(inside.sum() for found in divided.values() for _, _, inside in found)
    for split, found_cells in divided.items():
        labelled, (names, drawn) = parts[split], weights[split]
        subject = columns_of(labelled["subject_id"], names)
        for stratum, level, inside in found_cells:
            target = labelled["target"].to_numpy()[inside].astype(np.intp)
            logits = matrix(labelled["logits"])[inside]
            found, missing = _measure(
                classes, target, logits, threshold, subject[inside], drawn,
                part_of(advance, len(target) / images),
            )  # fmt: skip
            left_out += missing
            where = {
                "task": task,
                "model": model,
                "split": split,
                "stratum": stratum,
                "level": level,
            }
            rows += [where | facts for facts in found]
    return _table(rows), left_out


def cells(labelled: pl.DataFrame, task: str, divided: bool) -> Iterator[Cell]:
    """The whole split, and when `divided` each level of each variable but the task itself."""
    yield "all", "all", np.ones(labelled.height, dtype=bool)
    if not divided:
        return
    labels = [
        c for c in labelled.columns if c.startswith(LABEL_PREFIX) and c != LABEL_PREFIX + task
    ]
    levels = {"view": VIEWS, "age_band": AGE_BANDS}
    levels |= {c: tuple(cast(pl.Enum, labelled.schema[c]).categories) for c in labels}
    for variable, names in levels.items():
        column = labelled[variable].cast(pl.String)
        for level in names:
            inside = (column == level).fill_null(False).to_numpy()
            if inside.any():
                yield variable.removeprefix(LABEL_PREFIX), level, inside


def statistics_of(
    classes: Sequence[str],
    target: NDArray[np.intp],
    logits: NDArray[np.float64],
    threshold: float | None,
) -> Iterator[tuple[str, int | None, Statistic]]:
    """Each metric: its name, the images of its positive class (if it has one), and itself."""
    odds = log_odds(logits)
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    error = partial(metrics.brier, probabilities, target)
    rest = {
        "auroc": metrics.auroc,
        "auprc": metrics.auprc,
        "calibration_slope": metrics.calibration_slope,
    }
    if len(classes) == 2:
        positive, count = target == 1, int((target == 1).sum())
        for name, metric in rest.items():
            yield name, count, partial(metric, odds[:, 1], positive)
        yield "brier", count, error
        if threshold is not None:
            yield (
                "sensitivity",
                count,
                partial(metrics.sensitivity, odds[:, 1], positive, threshold),
            )
            yield (
                "specificity",
                count,
                partial(metrics.specificity, odds[:, 1], positive, threshold),
            )
        return
    for name, metric in rest.items():
        against_rest: list[Statistic] = [
            partial(metric, odds[:, c], target == c) for c in range(len(classes))
        ]
        yield name, None, partial(_macro, against_rest)
        if name == "auroc":
            for c, one in enumerate(classes):
                yield f"auroc:{one}", int((target == c).sum()), against_rest[c]
    yield "brier", None, error


def _macro(statistics: Sequence[Statistic], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.mean([s(weights) for s in statistics], axis=0))


def _measure(
    classes: Sequence[str],
    target: NDArray[np.intp],
    logits: NDArray[np.float64],
    threshold: float | None,
    subject: NDArray[np.intp],
    drawn: NDArray[np.uint8],
    advance: Advance,
) -> tuple[list[dict[str, Any]], int]:
    """Every metric of one cell with its interval, and the replicates left out."""
    rows, left_out = [], 0
    subjects = len(np.unique(subject))
    statistics = list(statistics_of(classes, target, logits, threshold))
    each = part_of(advance, 1 / len(statistics))
    for name, positives, statistic in statistics:
        value: float | None = None
        low = high = None
        if subjects >= SMALLEST_CELL:
            value = float(statistic(np.ones((1, len(target))))[0])
            value = value if np.isfinite(value) else None
        if value is not None:
            low, high, missing = percentile_interval(resample(statistic, drawn, subject, each))
            left_out += missing
        else:
            each(1)
        rows.append({
            "metric": name, "value": value, "low": low, "high": high,
            "images": len(target), "subjects": subjects, "positives": positives,
        })  # fmt: skip
    return rows, left_out


def _table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    types: dict[str, type[pl.DataType]] = {
        **dict.fromkeys(("task", "model", "split", "stratum", "level", "metric"), pl.String),
        **dict.fromkeys(("value", "low", "high"), pl.Float64),
        **dict.fromkeys(("images", "subjects", "positives"), pl.Int64),
    }
    return pl.DataFrame(rows, schema=types)
