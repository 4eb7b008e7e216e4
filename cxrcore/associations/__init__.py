"""How much evidence each attribute shares with the reference task, a file per evidence level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.associations.attribution import attribution_rows
from cxrcore.associations.label import label_row
from cxrcore.associations.row import Row
from cxrcore.evaluation.bootstrap import Advance, part_of
from cxrcore.maps import ModelAttributions
from cxrcore.model import ModelKey
from data_contracts.cohort import tasks_of


def association_rows(
    reference: str,
    cohort: pl.DataFrame,
    known: Sequence[ModelAttributions],
    resamples: tuple[pl.Series, NDArray[np.uint8]],
    reasons: Mapping[ModelKey, str],
    seed: int,
    advance: Advance,
) -> list[Row]:
    """Every other label, and every model of another task with maps, beside the reference's.

    Empty when the cohort does not label `reference`. No null model is tested: `p`, `p_holm`
    and `null` are null. `resamples` are the patients of the explained split and their resample
    weights.
    """
    rows: list[Row] = []
    labels = tasks_of(cohort.columns)
    replicates = len(resamples[1])
    if reference in labels:
        others = [task for task in labels if task != reference]
        rows += [label_row(reference, task, cohort, replicates, seed) for task in others]
    found = list(pairs(known, reference))
    for ours, theirs in found:
        each = part_of(advance, 1 / len(found))
        rows += attribution_rows(ours, theirs, resamples, reasons, each)
    if not found:
        advance(1)
    return rows


def pairs(
    known: Sequence[ModelAttributions], reference: str
) -> Iterator[tuple[ModelAttributions, ModelAttributions]]:
    """Each model of another task with the reference's model that it is compared with.

    That is the one of the same name; else the one of the same seed that is no control; else the
    first.
    """
    ours = [m for m in known if m.model.task == reference]
    for other in known:
        if other.model.task == reference or not ours:
            continue
        same_name = [m for m in ours if m.model.name == other.model.name]
        same_seed = [m for m in ours if m.model.seed == other.model.seed and not m.model.is_control]
        yield [*same_name, *same_seed, *ours][0], other
