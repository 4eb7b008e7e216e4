"""Mean heatmaps of every model in the common frame of the lungs, as ALIGNED_HEATMAPS has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore import mean_heatmaps
from cxrcore.evaluation.strata import Subgroup
from cxrcore.maps import ModelAttributions
from cxrcore.model import ModelKey
from cxrcore.threads import side_by_side
from data_contracts.disclosure import is_small
from data_contracts.disclosure.subgroups import Disclosure
from data_contracts.store import Arrays

Rows = list[dict[str, Any]]
COUNTS = ("images", "subjects", "without_box")


def aligned_heatmaps(
    known: Sequence[ModelAttributions], reasons: Mapping[ModelKey, str], rule: Disclosure
) -> Rows:
    """A heatmap of every model and class over all images with a lung box; small counts suppressed.

    None of a model whose images have no boxes.
    """
    return list(chain(*side_by_side(lambda one: _of_model(one, reasons, rule), known)))


def _of_model(one: ModelAttributions, reasons: Mapping[ModelKey, str], rule: Disclosure) -> Rows:
    aligned = one.aligned()
    if aligned is None or not aligned.images.height:
        return []
    whole = Subgroup("all", "all", np.ones(aligned.images.height, dtype=bool))
    counts, few = disclosed_counts(one, aligned, rule.least), few_in_class(aligned, rule.least)
    rows = []
    for row in mean_heatmaps.heatmap_rows(aligned, [whole], "test", reasons[one.model.key]):
        shown = mean_heatmaps.disclosed(row, rule)
        numbers = dict.fromkeys(COUNTS) if shown["suppressed"] else counts
        if few[one.model.classes.index(row["class"])]:
            shown = shown | {"class_difference": row["class_difference"] * np.nan}
        rows.append(shown | {n: -1 if of is None else of for n, of in numbers.items()})
    return rows


def disclosed_counts(
    one: ModelAttributions, aligned: ModelAttributions, least: int
) -> dict[str, int | None]:
    """The images that are aligned, their patients, and the images left out.

    None where few patients are left out, whom the numbers beside those of all would reveal.
    """
    everyone, kept = (of.images["subject_id"].n_unique() for of in (one, aligned))
    rest = one.images.join(aligned.images, on="image_id", how="anti")
    left_out = rest["subject_id"].n_unique()
    if is_small(left_out, least) or is_small(everyone - kept, least):
        return dict.fromkeys(COUNTS)
    return dict(zip(COUNTS, (aligned.images.height, kept, rest.height), strict=True))


def few_in_class(one: ModelAttributions, least: int) -> list[bool]:
    """Of each class whether few patients of it, or of the others, have an image in the frame."""
    if one.model.kind != "classes":
        return [False] * len(one.model.classes)
    subject, own = one.images["subject_id"], pl.Series(one.target)
    return [
        any(is_small(subject.filter(side).n_unique(), least) for side in (own == c, own != c))
        for c in range(len(one.model.classes))
    ]


def as_arrays(
    rows: Sequence[Mapping[str, Any]], background: NDArray[np.floating]
) -> dict[str, Any]:
    """Rows as the datasets of ALIGNED_HEATMAPS."""
    found = mean_heatmaps.as_arrays(rows, background)
    del found["stratum"], found["level"]
    return found | {"without_box": np.array([r["without_box"] for r in rows], dtype=np.int64)}


def background(
    maps: Sequence[Arrays], explained: Sequence[ModelAttributions], least: int
) -> NDArray[np.floating]:
    """The mean aligned radiograph, (size, size); NaN where there is none, or of few patients."""
    of_key = {one.model.key: one.aligned() for one in explained}
    for arrays in maps:
        facts = arrays.header.attributes
        one = of_key.get((facts["task"], facts["name"]))
        if one is not None and not is_small(one.images["subject_id"].n_unique(), least):
            return arrays.read("aligned_mean_image")
    return np.full(maps[0].shape("mean_image"), np.nan, dtype=np.float32)
