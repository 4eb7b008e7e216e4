"""The table of metrics: every model, split and subgroup, with patient-bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    Part,
    Statistic,
    at_least_exact,
    log_interval,
    logit_interval,
    part_of,
    patient_weights,
    percentile_interval,
    resample_parts,
    share_interval,
)
from cxrcore.evaluation.calibration import Recalibration
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
    images = sum(labelled.height for labelled in parts.values())
    for split, labelled in parts.items():
        if not labelled.height:
            continue
        names, drawn = resamples[split]
        subject = columns_of(labelled["subject_id"], names)
        found = [
            (group, _subgroup(model, labelled.filter(group.inside), subject[group.inside]))
            for group in subgroups(labelled, model.task, divided=split == "test")
        ]
        parts_of = [part for _, one in found for part in one.parts]
        drawn_values = iter(
            resample_parts(parts_of, drawn, part_of(advance, labelled.height / images))
        )
        for group, one in found:
            where = {"split": split, "stratum": group.stratum, "level": group.level}
            values = [next(drawn_values) for _ in one.parts]
            rows += [model.columns | where | facts for facts in _measured(one, values)]
    return rows


@dataclass(frozen=True)
class _Metric:
    """One metric of one subgroup."""

    name: str
    of: tuple[tuple[int, int], ...]
    """Part and row of what it is the mean of: one value, or one for each class."""
    positive: NDArray[np.bool_] | None = None
    """(n,) the images of its positive class, if it has one."""
    counted: NDArray[np.intp] | None = None
    """(n,) for a ratio: 2 for the images that count, 1 for those that do not, 0 for others."""
    divides: bool = False
    """For an AUROC: whether every image is of the positive class or known to be of another."""


@dataclass(frozen=True)
class _Subgroup:
    """The metrics of some images, and what they are computed by."""

    subject: NDArray[np.intp]
    parts: list[Part]
    metrics: list[_Metric]


def _subgroup(model: Model, labelled: pl.DataFrame, subject: NDArray[np.intp]) -> _Subgroup:
    one = _Subgroup(subject, [], [])
    if model.kind == "value":
        _add_value(one, labelled)
    elif model.kind == "multi-label":
        _add_labels(one, model.classes, matrix(labelled["logits"]), matrix(labelled["labels"]))
    else:
        target = labelled["target"].to_numpy().astype(np.intp)
        _add_classes(one, model, target, matrix(labelled["logits"]))
    return one


def _add_value(one: _Subgroup, labelled: pl.DataFrame) -> None:
    truth, predicted = (labelled[c].to_numpy().astype(float) for c in ("value", "predicted_value"))
    statistics = (
        partial(metrics.r2, truth, predicted),
        partial(metrics.weighted_mean, np.abs(truth - predicted)),
    )
    one.parts.append(Part(one.subject, partial(_each, statistics)))
    one.metrics.extend([_Metric("r2", ((0, 0),)), _Metric("mae", ((0, 1),))])


def _add_labels(
    one: _Subgroup, names: Sequence[str], logits: NDArray[np.float64], labels: NDArray[np.float64]
) -> None:
    for index, name in enumerate(names):
        known = np.flatnonzero(np.isfinite(labels[:, index]))
        positive = labels[:, index] == 1
        ranking = metrics.Ranking(logits[known, index], positive[known])
        one.parts.append(Part(one.subject[known[ranking.order]], ranking.areas))
        one.metrics.append(_Metric(f"auroc:{name}", ((index, 0),), positive))


def _each(statistics: Sequence[Statistic], weights: NDArray[Any]) -> NDArray[np.float64]:
    """Statistics of weights (r, n) from weights (n, r): (statistics, r)."""
    return np.stack([statistic(weights.T) for statistic in statistics])


def _add_classes(
    one: _Subgroup, model: Model, target: NDArray[np.intp], logits: NDArray[np.float64]
) -> None:
    ranked = log_odds(logits)
    # Probabilities are judged at the prevalence of training; ranks, as the network gives them.
    shifted = logits + model.prior_shift
    calibrated = log_odds(shifted)
    two = len(model.classes) == 2
    chosen = [1] if two else list(range(len(model.classes)))
    for c in chosen:
        one.parts.append(_of_class(one.subject, ranked[:, c], calibrated[:, c], target == c))
    positive = target == 1 if two else None
    for row, name in enumerate(("auroc", "auprc", "calibration_slope", "calibration_intercept")):
        of = tuple((part, row) for part in range(len(chosen)))
        one.metrics.append(_Metric(name, of, positive, divides=two))
        if name == "auroc" and not two:
            names = [f"auroc:{model.classes[c]}" for c in chosen]
            one.metrics.extend(
                [_Metric(names[c], (of[c],), target == c, divides=True) for c in chosen]
            )
    ratios = {
        "brier": partial(
            metrics.weighted_mean, metrics.squared_errors(softmax(shifted, axis=1), target)
        )
    }
    counted: dict[str, NDArray[np.intp]] = {}
    if two and model.threshold is not None:
        score, at = ranked[:, 1], model.threshold
        ratios["sensitivity"] = partial(metrics.sensitivity, score, target == 1, at)
        ratios["specificity"] = partial(metrics.specificity, score, target == 1, at)
        counted = {
            "sensitivity": np.where(target == 1, 1 + (score >= at), 0),
            "specificity": np.where(target == 1, 0, 1 + (score >= at)),
        }
    one.parts.append(Part(one.subject, partial(_each, list(ratios.values()))))
    one.metrics.extend(
        [
            _Metric(name, ((len(chosen), row),), positive, counted.get(name))
            for row, name in enumerate(ratios)
        ]
    )


def _of_class(
    subject: NDArray[np.intp], ranked: NDArray[np.float64], calibrated: NDArray[np.float64],
    positive: NDArray[np.bool_],
) -> Part:  # fmt: skip
    """AUROC, AUPRC, calibration slope and intercept of a class against the rest."""
    ranking = metrics.Ranking(ranked, positive)
    order = ranking.order
    recalibration = Recalibration(calibrated[order], positive[order])

    def statistics(weights: NDArray[Any]) -> NDArray[np.float64]:
        return np.concatenate([ranking.areas(weights), recalibration.fits(weights)])

    return Part(subject[order], statistics)


def _measured(one: _Subgroup, resampled: Sequence[NDArray[np.float64]]) -> list[dict[str, Any]]:
    """Every metric of one subgroup with its interval."""
    whole = [part.statistics(np.ones((len(part.subject), 1))) for part in one.parts]
    subjects, rows = len(np.unique(one.subject)), []
    for metric in one.metrics:
        value, low, high = float(np.mean([whole[p][row, 0] for p, row in metric.of])), None, None
        if np.isfinite(value):
            drawn_values = np.mean([resampled[p][row] for p, row in metric.of], axis=0)
            low, high = _interval(metric, value, drawn_values, one.subject)
        sides = (metric.counted == side for side in (2, 1)) if metric.counted is not None else ()
        rows.append({
            "metric": metric.name, "value": value if np.isfinite(value) else None, "low": low,
            "high": high, "images": len(one.subject), "subjects": subjects,
            "positives": None if metric.positive is None else int(metric.positive.sum()),
            "ratio_of": [len(np.unique(one.subject[side])) for side in sides],
        })  # fmt: skip
    return rows


def _interval(
    metric: _Metric, value: float, drawn: NDArray[np.float64], subject: NDArray[np.intp]
) -> tuple[float | None, float | None]:
    """Percentiles, but for metrics whose resamples are so skewed that they miss on one side."""
    if metric.counted is not None:
        patients = len(np.unique(subject[metric.counted > 0]))
        return share_interval(value, drawn, patients)[:2]
    if metric.name.startswith("auroc") and value in (0, 1):
        # Where several classes or unknown labels stand behind it, an end would reveal a small one.
        if metric.positive is None or not metric.divides:
            return None, None
        # As many pairs of a patient of each class as the smaller has are independent.
        sides = (subject[metric.positive], subject[~metric.positive])
        pairs = min(len(np.unique(side)) for side in sides)
        return at_least_exact(value, *percentile_interval(drawn)[:2], pairs)
    if metric.name == "auprc":
        return logit_interval(value, drawn)[:2]
    if metric.name == "calibration_slope":
        return log_interval(value, drawn)[:2]
    return percentile_interval(drawn)[:2]
