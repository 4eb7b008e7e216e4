"""The table of metrics: every model, split and subgroup, with patient-bootstrap intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import softmax

from cxrcore.evaluation import metrics
from cxrcore.evaluation.bootstrap import (
    Advance,
    Statistic,
    logit_interval,
    part_of,
    patient_weights,
    percentile_interval,
    resample_each,
)
from cxrcore.evaluation.strata import log_odds, matrix, subgroups
from cxrcore.model import Model
from data_contracts.cohort import SPLITS

#: For each split its patients, sorted, and their resample weights (replicates, patients).
Resamples = Mapping[str, tuple[pl.Series, NDArray[np.uint8]]]


def split_weights(predictions: Sequence[pl.DataFrame], replicates: int, seed: int) -> Resamples:
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


def evaluate(
    model: Model, resamples: Resamples, advance: Advance = lambda _: None
) -> list[dict[str, Any]]:
    """Metrics of one model as rows of METRICS before anything is suppressed.

    Each row also has `ratio_of`: the numbers of patients that a sensitivity or specificity is
    the ratio of, which it would reveal. Images without a label are not counted.
    """
    rows = []
    parts = {split: model.labelled(split) for split in SPLITS}
    divided = {
        split: list(subgroups(part, model.task, divided=split == "test"))
        for split, part in parts.items()
        if part.height
    }
    images = sum(group.inside.sum() for found in divided.values() for group in found)
    for split, found in divided.items():
        labelled, (names, drawn) = parts[split], resamples[split]
        subject = columns_of(labelled["subject_id"], names)
        for group in found:
            inside = group.inside
            measured = _measure(
                list(_statistics(model, labelled.filter(inside))), subject[inside], drawn,
                part_of(advance, inside.sum() / images),
            )  # fmt: skip
            where = {"split": split, "stratum": group.stratum, "level": group.level}
            rows += [model.columns | where | facts for facts in measured]
    return rows


@dataclass(frozen=True)
class _Measured:
    """One metric of one subgroup, as functions of weights."""

    name: str
    parts: tuple[Statistic, ...]
    """It is their mean: one, or one for each class."""
    positive: NDArray[np.bool_] | None = None
    """(n,) the images of its positive class, if it has one."""
    counted: NDArray[np.intp] | None = None
    """(n,) for a ratio: 2 for the images that count, 1 for those that do not, 0 for others."""


def _statistics(model: Model, labelled: pl.DataFrame) -> Iterator[_Measured]:
    if model.kind == "value":
        return _value_statistics(labelled)
    logits = matrix(labelled["logits"])
    if model.kind == "multi-label":
        return _label_statistics(model.classes, logits, matrix(labelled["labels"]))
    target = labelled["target"].to_numpy().astype(np.intp)
    return _class_statistics(model, target, logits)


def _value_statistics(labelled: pl.DataFrame) -> Iterator[_Measured]:
    truth, predicted = (labelled[c].to_numpy().astype(float) for c in ("value", "predicted_value"))
    yield _Measured("r2", (partial(metrics.r2, truth, predicted),))
    yield _Measured("mae", (partial(metrics.weighted_mean, np.abs(truth - predicted)),))


def _label_statistics(
    names: Sequence[str], logits: NDArray[np.float64], labels: NDArray[np.float64]
) -> Iterator[_Measured]:
    for index, name in enumerate(names):
        known = np.isfinite(labels[:, index])
        positive = labels[:, index] == 1
        statistic = partial(_among, known, metrics.auroc, logits[known, index], positive[known])
        yield _Measured(f"auroc:{name}", (statistic,), positive)


def _among(
    known: NDArray[np.bool_], metric: Any, scores: Any, positive: Any, weights: NDArray[Any]
) -> NDArray[np.float64]:
    return np.asarray(metric(scores, positive, weights[:, known]))


def _class_statistics(
    model: Model, target: NDArray[np.intp], logits: NDArray[np.float64]
) -> Iterator[_Measured]:
    ranked = log_odds(logits)
    # Probabilities are judged at the prevalence of training; ranks, as the network gives them.
    shifted = logits + model.prior_shift
    calibrated = log_odds(shifted)
    rest = {
        "auroc": (metrics.auroc, ranked),
        "auprc": (metrics.auprc, ranked),
        "calibration_slope": (metrics.calibration_slope, calibrated),
        "calibration_intercept": (metrics.calibration_intercept, calibrated),
    }
    two = len(model.classes) == 2
    chosen = [1] if two else range(len(model.classes))
    for name, (metric, odds) in rest.items():
        each = tuple(partial(metric, odds[:, c], target == c) for c in chosen)
        yield _Measured(name, each, target == 1 if two else None)
        if name == "auroc" and not two:
            for c, one in enumerate(model.classes):
                yield _Measured(f"auroc:{one}", (each[c],), target == c)
    error = partial(metrics.brier, softmax(shifted, axis=1), target)
    yield _Measured("brier", (error,), target == 1 if two else None)
    if two and model.threshold is not None:
        yield from _ratios(ranked[:, 1], target == 1, model.threshold)


def _ratios(
    score: NDArray[np.float64], positive: NDArray[np.bool_], threshold: float
) -> Iterator[_Measured]:
    called = score >= threshold
    for name, ratio, of in (
        ("sensitivity", metrics.sensitivity, positive),
        ("specificity", metrics.specificity, ~positive),
    ):
        statistic = partial(ratio, score, positive, threshold)
        yield _Measured(name, (statistic,), positive, np.where(of, 1 + called, 0))


def _measure(
    statistics: Sequence[_Measured],
    subject: NDArray[np.intp],
    drawn: NDArray[np.uint8],
    advance: Advance,
) -> list[dict[str, Any]]:
    """Every metric of one subgroup with its interval."""
    # The mean over classes and the classes themselves share their parts.
    parts = list({id(part): part for one in statistics for part in one.parts}.values())
    whole = [part(np.ones((1, len(subject)))) for part in parts]
    resampled = resample_each(parts, drawn, subject, advance)
    at = {id(part): row for row, part in enumerate(parts)}
    subjects, rows = len(np.unique(subject)), []
    for one in statistics:
        own = [at[id(part)] for part in one.parts]
        value, low, high = float(np.mean([whole[i] for i in own])), None, None
        if np.isfinite(value):
            drawn_values = np.mean(resampled[own], axis=0)
            low, high, _ = (
                logit_interval(value, drawn_values)
                if one.name == "auprc"
                else percentile_interval(drawn_values)
            )
        sides = (one.counted == side for side in (2, 1)) if one.counted is not None else ()
        rows.append({
            "metric": one.name, "value": value if np.isfinite(value) else None, "low": low,
            "high": high, "images": len(subject), "subjects": subjects,
            "positives": None if one.positive is None else int(one.positive.sum()),
            "ratio_of": [len(np.unique(subject[side])) for side in sides],
        })  # fmt: skip
    return rows
