"""The parts of the images that evidence is looked for in: the whole, strata, a matched set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.associations.estimate import Adjustment, Estimate
from cxrcore.associations.inputs import Images
from cxrcore.evaluation.strata import AGE_BANDS
from data_contracts.cohort import LABEL_PREFIX, VIEWS

#: Fewer patients of a class make no matched set.
_LEAST_MATCHED = 11
_YEARS = 5


@dataclass(frozen=True)
class Part:
    """The whole, a level of a stratum, or a set matched by age and view."""

    images: Images
    stratum: str = "all"
    level: str = "all"
    is_matched: bool = False

    @property
    def is_divided(self) -> bool:
        """Whether it is less than the whole."""
        return self.is_matched or self.stratum != "all"

    @property
    def adjustments(self) -> tuple[Adjustment, ...]:
        """The ways to adjust maps that are asked for: in a part of the whole only one."""
        if self.is_matched:
            return ("matched",)
        return ("adjusted",) if self.is_divided else ("crude", "adjusted")

    def kept(self, estimates: Iterable[Estimate]) -> list[Estimate]:
        """Of estimates by every adjustment those that are asked for; a matched set is crude."""
        if self.is_matched:
            return [replace(e, adjustment="matched") for e in estimates if e.adjustment == "crude"]
        return [e for e in estimates if not self.is_divided or e.adjustment != "crude"]


def parts(images: Images, attribute: str, seed: int, *, divided: bool) -> Iterator[Part]:
    """The whole; when `divided` also each age band and view, and a matched set."""
    yield Part(images)
    if not divided:
        return
    for stratum, levels in (("age_band", AGE_BANDS), ("view", VIEWS)):
        text = images.frame[stratum].cast(pl.String)
        for level in levels:
            inside = (text == level).fill_null(False).to_numpy()
            if inside.any() and not inside.all():
                yield Part(images.where(inside), stratum, level)
    if (chosen := matched(images, attribute, seed)) is not None:
        yield Part(images.where(chosen), is_matched=True)


def matched(images: Images, attribute: str, seed: int) -> NDArray[np.bool_] | None:
    """Which images make a set whose attribute classes are alike in age and view: (n,).

    In each cell of five years of age and view as many patients of each class as of the rarest
    one, drawn by `seed`. None when a class then has fewer than 11 patients.
    """
    label = LABEL_PREFIX + attribute
    frame = images.frame.select("subject_id", "age", "view", label).with_row_index("row")
    known = frame.drop_nulls().unique("subject_id", keep="first", maintain_order=True)
    classes = known[label].n_unique()
    rng = np.random.default_rng([seed, 0x3A7C])
    rows: list[Any] = []
    cells = known.sort("subject_id").group_by(pl.col("age") // _YEARS, "view", maintain_order=True)
    for _, cell in cells:
        by_class = cell.partition_by(label)
        least = min(part.height for part in by_class) if len(by_class) == classes else 0
        for part in by_class:
            rows += rng.permutation(part["row"].to_numpy())[:least].tolist()
    chosen = np.zeros(frame.height, dtype=bool)
    chosen[rows] = True
    return chosen if len(rows) >= classes * _LEAST_MATCHED and classes > 1 else None
