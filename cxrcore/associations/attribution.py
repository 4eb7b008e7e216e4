"""Evidence level 'attribution': whether two networks find their evidence in the same places."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.associations import maps
from cxrcore.associations.row import Row, association_row
from cxrcore.evaluation.bootstrap import Advance, correlation_interval, image_weights
from cxrcore.evaluation.metrics import weighted_mean
from cxrcore.evaluation.table import columns_of
from cxrcore.maps import ModelAttributions
from cxrcore.model import ModelKey
from data_contracts.titles import RANKING


def attribution_rows(
    reference: ModelAttributions,
    attribute: ModelAttributions,
    resamples: tuple[pl.Series, NDArray[np.uint8]],
    reasons: Mapping[ModelKey, str],
    advance: Advance,
) -> list[Row]:
    """Similarity of two models' maps, over the images with a map and a label for both.

    `resamples` are the patients of the explained split and their weights, `reasons` say why a
    model's maps may not be interpreted (empty: they may).
    """
    names, weights = resamples
    both = reference.images.select("image_id", "subject_id", "row", "target").join(
        attribute.images.select("image_id", "row", "target"), on="image_id", maintain_order="left"
    )
    subject = columns_of(both["subject_id"], names)
    patients = len(np.unique(subject))
    about = {
        "reference": reference.model.task, "reference_name": reference.model.name,
        "attribute": attribute.model.task, "attribute_name": attribute.model.name,
        "seed": attribute.model.seed, "control": attribute.model.control,
        "evidence_level": "attribution",
    }  # fmt: skip
    if reason := _not_comparable(reference, attribute) or ("" if patients else "no common image"):
        advance(1)
        return [association_row(about, RANKING, patients, reason=reason)]
    a, b = (
        maps.TargetedMaps(m.maps(both[row].to_numpy()), both[target].to_numpy().astype(np.intp))
        for m, row, target in (
            (reference, "row", "target"), (attribute, "row_right", "target_right")
        )
    )  # fmt: skip
    whole = np.ones((1, weights.shape[1]), dtype=np.uint8)
    values = maps.similarity(a, b, whole, subject)
    images = maps.per_image_similarity(a, b)
    advance(0.5)
    resampled = maps.similarity(a, b, weights, subject)
    advance(0.5)
    varies = np.isfinite(images)
    if varies.any():
        values["pearson_per_image"] = images[varies].mean(keepdims=True)
        blocks = image_weights(weights, subject[varies])
        resampled["pearson_per_image"] = np.concatenate(
            [weighted_mean(images[varies], w) for w in blocks]
        )
    reason = reasons[reference.model.key] or reasons[attribute.model.key]
    rows = []
    for name, value in values.items():
        finite = bool(np.isfinite(value[0]))
        low, high, _ = (
            correlation_interval(float(value[0]), resampled[name]) if finite else (None, None, 0)
        )
        rows.append(
            association_row(about, name, patients, float(value[0]), low, high, reason=reason)
        )
    return rows


def _not_comparable(reference: ModelAttributions, attribute: ModelAttributions) -> str:
    """Why the maps of two models cannot be compared cell by cell; empty if they can."""
    grids = ["×".join(map(str, m.grid)) for m in (reference, attribute)]
    if grids[0] != grids[1]:
        return f"maps have different grids ({grids[0]} and {grids[1]})"
    if any(m.model.kind != "classes" for m in (reference, attribute)):
        return "not defined for a target without classes"
    return ""
