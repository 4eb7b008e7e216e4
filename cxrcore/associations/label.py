"""Evidence level 'label': how far the labels of two tasks go together, without any network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.associations.estimate import Adjustment, Estimate
from cxrcore.associations.odds import log_odds_ratios
from cxrcore.associations.partial import (
    bands,
    indicators,
    partial,
    patient_columns,
    patient_means,
)
from cxrcore.associations.row import Row, association_row
from cxrcore.associations.strength import NO_PATIENT, strength_estimate
from cxrcore.evaluation.bootstrap import image_weights, patient_weights, percentile_interval
from cxrcore.evaluation.table import columns_of
from data_contracts.cohort import LABEL_PREFIX

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

ADJUSTMENTS: tuple[Adjustment, ...] = ("crude", "adjusted")


def label_estimates(
    reference: Ints, attribute: Ints, classes: tuple[Sequence[str], Sequence[str]],
    regressors: Floats, subject: Ints, weights: NDArray[np.uint8],
    permutations: int = 999, seed: int = 0,
) -> list[Estimate]:  # fmt: skip
    """How the labels of two tasks go together: Cramér's V and odds ratios, crude and adjusted.

    `reference` and `attribute` (n,) are class indices of images, `classes` their names,
    `regressors` (n, q) the covariates with an intercept, `subject` (n,) each image's column in the
    resample `weights` (r, subjects). A patient counts once, as the mean of their images.

    - `cramers_v` decides; its p value is that of no association of any class. Crude, patients are
      permuted; adjusted, it is the V of what covariates leave over of both labels (see
      `partial.Partial.strength`), by Freedman-Lane permutation within bands of the reference's
      fitted probability, since a label's residuals vary with it.
    - `odds_ratio` of the reference's last class, of each class of the attribute against its first
      (`odds_ratio:CLASS` beyond two classes): Firth's logistic regression. Only for a reference
      of two classes. A class that is not there has a reason and no value.
    """
    names = np.unique(subject)
    if not len(names):
        return [Estimate("cramers_v", np.nan, 0, a, reason=NO_PATIENT) for a in ADJUSTMENTS]
    outcome, group, known = (
        patient_means(x, subject)
        for x in (
            indicators(reference, len(classes[0])),
            indicators(attribute, len(classes[1])),
            regressors,
        )
    )
    drawn = patient_columns(weights, subject)
    out: list[Estimate] = []
    for adjustment in ADJUSTMENTS:
        nuisance = known if adjustment == "adjusted" else np.ones((len(names), 1))
        one = partial(outcome, group, nuisance)
        last = outcome[:, -1]
        strata = bands(one.fitted(last)) if adjustment == "adjusted" else None
        rng = np.random.default_rng([seed, *b"label"])
        found = strength_estimate("cramers_v", one, drawn, rng, permutations, strata, adjustment)
        out.append(found.estimate)
        if len(classes[0]) == 2:
            ratios = log_odds_ratios(last, group, nuisance, drawn)
            out += _odds_estimates(*ratios, classes[1], len(names), adjustment)
    return out


def _odds_estimates(
    value: Floats, draws: Floats, classes: Sequence[str], subjects: int, adjustment: Adjustment
) -> list[Estimate]:
    out = []
    for i, name in enumerate(classes[1:]):
        statistic = f"odds_ratio:{name}" if len(classes) > 2 else "odds_ratio"
        if not np.isfinite(value[i]):
            reason = f"not estimable for {name} against {classes[0]}"
            out.append(Estimate(statistic, np.nan, subjects, adjustment, reason=reason))
            continue
        low, high, _ = percentile_interval(np.exp(draws[:, i]))
        out.append(Estimate(statistic, float(np.exp(value[i])), subjects, adjustment, low, high))
    return out


def label_row(
    reference: str, attribute: str, cohort: pl.DataFrame, replicates: int, seed: int
) -> Row:
    """Cramér's V of two tasks' labels over all patients with both."""
    columns = [LABEL_PREFIX + reference, LABEL_PREFIX + attribute]
    both = cohort.select("subject_id", *columns).drop_nulls()
    names = both["subject_id"].unique().sort()
    about = {"reference": reference, "attribute": attribute, "evidence_level": "label"}
    if not len(names):
        return association_row(about, "cramers_v", 0)
    subject = columns_of(both["subject_id"], names)
    a, b = (both[c].to_physical().to_numpy().astype(np.intp) for c in columns)
    shape = (int(a.max()) + 1, int(b.max()) + 1)
    whole = np.ones((1, len(names)), dtype=np.uint8)
    weights = patient_weights(len(names), replicates, seed, "cohort")
    value = cramers_v(label_tables(a, b, shape, whole, subject))
    tables = label_tables(a, b, shape, weights, subject)
    low, high, _ = percentile_interval(cramers_v(tables, corrections=2))
    return association_row(about, "cramers_v", len(names), float(value[0]), low, high)


def cramers_v(tables: Floats, corrections: int = 1) -> Floats:
    """Bias-corrected Cramér's V of contingency tables (t, a, b) (Bergsma 2013).

    `corrections` is how often the expected excess of phi-squared is taken away: once for a
    sample, twice for a resample of it, which carries the excess of both draws. NaN when a
    margin has one level only.
    """
    n = tables.sum(axis=(1, 2))
    row, column = tables.sum(axis=2), tables.sum(axis=1)
    levels = (row > 0).sum(axis=1), (column > 0).sum(axis=1)
    expected = row[:, :, None] * column[:, None, :] / n[:, None, None]
    excess = np.divide(
        (tables - expected) ** 2, expected, out=np.zeros_like(tables), where=expected > 0
    )
    freedom = (levels[0] - 1) * (levels[1] - 1) / (n - 1)
    phi = np.maximum(0, excess.sum(axis=(1, 2)) / n - corrections * freedom)
    room = np.minimum(*(k - (k - 1) ** 2 / (n - 1) for k in levels)) - 1
    return np.asarray(
        np.sqrt(np.divide(phi, room, out=np.full(len(n), np.nan), where=(freedom > 0) & (room > 0)))
    )


def label_tables(
    a: NDArray[np.intp], b: NDArray[np.intp], shape: tuple[int, int],
    weights: NDArray[np.uint8], subject: NDArray[np.intp],
) -> Floats:  # fmt: skip
    """Contingency tables (r, *shape) of two labels under resample weights.

    An image counts as 1 / (images of its patient): every patient counts once.
    """
    share = 1 / np.bincount(subject)[subject]
    cell = np.zeros((len(a), shape[0] * shape[1]))
    cell[np.arange(len(a)), a * shape[1] + b] = share
    counts = [block @ cell for block in image_weights(weights, subject)]
    return np.concatenate(counts).reshape(-1, *shape)
