"""Evidence level 'attribution': whether two networks find their evidence in the same places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.associations import map_similarity
from cxrcore.associations.difference_maps import Design, DifferenceMaps, difference_maps
from cxrcore.associations.estimate import Adjustment, Estimate
from cxrcore.associations.evidence import Evidence, evidence
from cxrcore.associations.inputs import Images, Inputs
from cxrcore.associations.maps import unit_maps
from cxrcore.associations.parts import Part, parts
from cxrcore.associations.verdict import ALPHA, Headline
from cxrcore.covariates import CATEGORIES
from cxrcore.evaluation.bootstrap import Advance
from cxrcore.evaluation.table import columns_of
from cxrcore.maps import ModelAttributions
from cxrcore.model import Model
from cxrcore.threads import Once, side_by_side
from data_contracts.cohort import LABEL_PREFIX
from data_contracts.titles import RANKING

LEVEL = "attribution"
#: Between maps that have nothing to do with each other r reaches .28 to .63 one time in twenty on
#: a grid of 7 by 7: below one half nothing can be told from chance.
HEADLINE = Headline(RANKING, "adjusted", 0.5)


def found(inputs: Inputs, advance: Advance) -> Iterator[Evidence]:
    """Every pair of networks with maps, the primary ones also by stratum and matched."""
    known, standing = _Known(inputs), [m.key for m in inputs.primary.values()]
    asked = [
        (attribute, ours, theirs, part)
        for attribute, ours, theirs in inputs.pairs(inputs.attributions)
        for part in parts(
            inputs.test_images(theirs), theirs.task, inputs.seed,
            divided=attribute != inputs.reference and {ours.key, theirs.key} <= {*standing},
        )
    ]  # fmt: skip

    def of_part(one: tuple[str, Model, Model, Part]) -> list[Evidence]:
        attribute, ours, theirs, part = one
        estimates = [
            estimate
            for adjustment in part.adjustments
            for estimate in _compared(known, attribute, ours, theirs, part, adjustment)
        ]
        advance(1 / len(asked))
        return list(evidence(LEVEL, attribute, ours, theirs, part, estimates))

    # Parts of as many patients in a row share their shuffles; the largest ones first.
    yield from chain(*side_by_side(of_part, asked, by=lambda one: -one[3].images.frame.height))
    if not asked:
        advance(1)


@dataclass
class _Known:
    """Class-difference maps that were computed already: a network is part of several pairs."""

    inputs: Inputs
    differences: Once[DifferenceMaps] = field(default_factory=Once)
    units: Once[NDArray[np.float32]] = field(default_factory=Once)

    def unit(self, model: Model, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """The `unit_maps` (n, cells) of some rows of a network's maps."""
        maps = self.inputs.attributions[model.key].maps(rows)
        return self.units.get((model.key, rows.tobytes()), lambda: unit_maps(maps))

    def of(
        self, model: Model, attribute: str, part: Part, adjustment: Adjustment,
    ) -> DifferenceMaps:  # fmt: skip
        """The maps of a network over the images of a part, adjusted for all but `attribute`."""
        # What a network's maps are adjusted for, and matched on, depends on the attribute.
        covariate = LABEL_PREFIX + attribute in CATEGORIES and adjustment != "crude"
        depends = part.is_matched or covariate
        own = attribute if depends else ""
        key = (model.key, adjustment, part.stratum, part.level, own)
        return self.differences.get(
            key, lambda: self._difference_maps(model, attribute, part, adjustment)
        )

    def _difference_maps(
        self, model: Model, attribute: str, part: Part, adjustment: Adjustment
    ) -> DifferenceMaps:
        images = self.inputs.test_images(model)
        if part.is_divided:
            images = images.where(_inside(images.frame, part))
        maps = self.inputs.attributions[model.key]
        return differences_of(self.inputs, maps, images, adjustment, attribute)


def differences_of(
    inputs: Inputs, maps: ModelAttributions, images: Images, adjustment: Adjustment,
    attribute: str = "",
) -> DifferenceMaps:  # fmt: skip
    """The class-difference maps of a network over those of its images that have a map.

    Adjusted for all but the reference and `attribute`.
    """
    rows = dict(maps.images.select("image_id", "row").iter_rows())
    images = images.where(images.frame["image_id"].is_in(list(rows)).to_numpy())
    chosen = np.array([rows[i] for i in images.frame["image_id"]], dtype=np.intp)
    design = Design(
        images.frame["target"].to_numpy().astype(np.intp), images.subject,
        images.regressors(adjustment, inputs.reference, attribute), images.band,
    )  # fmt: skip
    return difference_maps(
        maps.maps(chosen), design, inputs.weights, inputs.draws.permutations, inputs.seed
    )


def _inside(frame: pl.DataFrame, part: Part) -> NDArray[np.bool_]:
    """Which images belong to a level of a stratum, or to the patients of a matched set."""
    if part.is_matched:
        patients = part.images.frame["subject_id"].unique()
        return frame["subject_id"].is_in(patients.implode()).to_numpy()
    level = frame[part.stratum].cast(pl.String) == part.level
    return level.fill_null(False).to_numpy()


def _compared(
    known: _Known, attribute: str, ours: Model, theirs: Model, part: Part, adjustment: Adjustment
) -> Iterator[Estimate]:
    inputs = known.inputs
    grids = [inputs.attributions[m.key].grid for m in (ours, theirs)]
    if grids[0] != grids[1]:
        text = " and ".join("×".join(map(str, grid)) for grid in grids)
        yield Estimate(RANKING, np.nan, 0, adjustment, reason=f"maps have different grids ({text})")
        return
    two = [known.of(m, attribute, part, adjustment) for m in (ours, theirs)]
    reason = without_difference((ours, theirs), two, adjustment)
    for one in map_similarity.same_place(
        two[0], two[1], grids[0], adjustment, inputs.draws.surrogates, inputs.seed
    ):
        yield replace(one, reason=one.reason or reason)
    yield map_similarity.any_difference(two[1], adjustment)
    if not part.is_divided:
        yield _same_image(known, attribute, ours, theirs, adjustment)


def without_difference(
    models: Sequence[Model], maps: Sequence[DifferenceMaps], adjustment: Adjustment
) -> str:
    """Which network's maps show no difference between its classes; empty: both do."""
    for model, one in zip(models, maps, strict=True):
        p = one.difference.p
        if not model.is_control and (p is None or p >= ALPHA):
            beyond = " beyond age, sex and view" if adjustment == "adjusted" else ""
            return f"no class difference{beyond} in the maps of {model.task}"
    return ""


def _same_image(
    known: _Known, attribute: str, ours: Model, theirs: Model, adjustment: Adjustment
) -> Estimate:
    """Over one image of each patient; adjusted: patients are exchanged among those alike."""
    inputs = known.inputs
    maps = [inputs.attributions[m.key] for m in (ours, theirs)]
    columns = ["age_band", *CATEGORIES]
    both = maps[0].images.join(
        maps[1].images.select("image_id", "row"), on="image_id", maintain_order="left"
    ).unique("subject_id", keep="first", maintain_order=True)  # fmt: skip
    both = Images(both, inputs.names).of_few(inputs.seed).frame
    alike = [c for c in columns if c in both.columns and c != LABEL_PREFIX + attribute]
    group = np.zeros(both.height, dtype=np.intp)
    if adjustment == "adjusted":
        group = both.select(pl.struct(alike).rank("dense")).to_series().to_numpy().astype(np.intp)
    return map_similarity.same_image(
        known.unit(ours, both["row"].to_numpy()), known.unit(theirs, both["row_right"].to_numpy()),
        group,
        columns_of(both["subject_id"], inputs.names), inputs.weights, inputs.draws.permutations,
        inputs.seed, adjustment,
    )  # fmt: skip
