"""Evidence level 'label': how far the labels of two tasks go together, without any network."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.associations.row import Row, association_row
from cxrcore.evaluation.bootstrap import image_weights, patient_weights, percentile_interval
from cxrcore.evaluation.table import columns_of
from data_contracts.cohort import LABEL_PREFIX

Floats = NDArray[np.float64]


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
