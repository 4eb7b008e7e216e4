"""Evidence level 'use': whether the reference's prediction rests on what tells an attribute.

What features know need not be used: an attribute is erased from them, and what the prediction
loses is compared with erasing as much at random. What goes with the outcome is erased with it, so
what decides is the part of the attribute that is left among patients with the same outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.associations.erasure import erasure_losses
from cxrcore.associations.estimate import Adjustment, Estimate
from cxrcore.associations.evidence import Evidence, evidence
from cxrcore.associations.inputs import Images, Inputs
from cxrcore.associations.leace import Whitening, whitening
from cxrcore.associations.linear_head import FitImages, HeldOutImages
from cxrcore.associations.parts import Part, parts
from cxrcore.associations.probe import macro_auroc_of
from cxrcore.associations.verdict import Headline
from cxrcore.evaluation.bootstrap import Advance
from cxrcore.evaluation.strata import log_odds, matrix
from cxrcore.model import Model
from cxrcore.threads import side_by_side

LEVEL = "use"
#: A loss of less is taken to be of no interest.
HEADLINE = Headline("erasure_loss", "within_class", 0.005)


def found(inputs: Inputs, advance: Advance) -> Iterator[Evidence]:
    """Every label erased from every reference network, and the mirror of each attribute."""
    models = [m for m in inputs.of_task(inputs.reference) if m.key in inputs.with_features]
    mirrors = [inputs.primary[a] for a in inputs.attributes if a in inputs.primary and models]

    def erased(model: Model) -> list[Evidence]:
        of_model = _of_reference if model.task == inputs.reference else _mirrored
        out = list(of_model(_Known(inputs), model))
        advance(1 / (len(models) + len(mirrors)))
        return out

    yield from chain(*side_by_side(erased, models + mirrors))


def _of_reference(known: _Known, model: Model) -> Iterator[Evidence]:
    """Every label erased from a reference network."""
    inputs, itself = known.inputs, known.inputs.reference
    own, reason = list[Evidence](), ""
    if not model.is_control:
        own = list(_erased(known, itself, model, itself, "erasure_loss"))
        reason = _not_erased(model, own)
    for attribute in inputs.attributes:
        for one in _erased(known, attribute, model, attribute, "erasure_loss"):
            told = one.estimate.reason or reason
            yield replace(one, estimate=replace(one.estimate, reason=told))
    if model is inputs.primary.get(itself):
        yield from own


def _mirrored(known: _Known, model: Model) -> Iterator[Evidence]:
    """The reference erased from the network of an attribute."""
    inputs = known.inputs
    if model.kind == "classes" and model.key in inputs.with_features:
        yield from _erased(known, model.task, model, inputs.reference, "mirror_erasure_loss")


def _not_erased(model: Model, own: Sequence[Evidence]) -> str:
    """Why losses say nothing: the network's own label cannot be erased; empty: it can.

    A positive control: an eraser that was fitted on too few images for their features leaves
    most of what it should take, and every loss is near 0.
    """
    loss = next((e.estimate.value for e in own if e.estimate.adjustment == "crude"), np.nan)
    labelled = model.labelled("test")
    target = labelled["target"].to_numpy().astype(np.intp)
    odds = log_odds(matrix(labelled["logits"]))
    area = macro_auroc_of(odds, target)
    if loss >= (area - 0.5) / 2:
        return ""
    return f"erasing {model.task} itself costs less than half of its AUROC above 0.5"


@dataclass
class _Known:
    """The last whitening: labels that the same images have share it."""

    inputs: Inputs
    last: tuple[bytes, Whitening] | None = None

    def space(self, model: Model, fit: Images, features: NDArray[np.floating]) -> Whitening | None:
        """Of the `features` (n, d) of train images; None where they do not span all directions."""
        if len(features) <= features.shape[1]:
            return None
        key = f"{model.key}".encode() + fit.frame["row"].to_numpy().tobytes()
        if self.last is None or self.last[0] != key:
            self.last = key, whitening(features, fit.frame["subject_id"].n_unique())
        return self.last[1]


def _erased(
    known: _Known, attribute: str, model: Model, label: str, statistic: str
) -> Iterator[Evidence]:
    """`label` erased from the features of `model`."""
    inputs = known.inputs
    features = inputs.features(model.key)
    images = inputs.images(model, model.predictions)
    in_train = (images.frame["split"].cast(pl.String) == "train").to_numpy()
    fit = images.where(in_train).with_label(label).with_label(model.task).of_few(inputs.seed)
    held_out = inputs.test_images(model).of_few(inputs.seed)
    if features is None or not fit.frame.height or not held_out.frame.height:
        return
    test = HeldOutImages(
        features[held_out.frame["row"].to_numpy()], matrix(held_out.frame["logits"]),
        held_out.frame["target"].to_numpy().astype(np.intp), held_out.subject, inputs.weights,
    )  # fmt: skip
    # Within its own classes nothing of a label is left to erase.
    ways: tuple[Adjustment, ...] = ("adjusted", "within_class")
    ways = ways[: 1 if label == model.task else 2]
    ours = features[fit.frame["row"].to_numpy()]
    train = FitImages(
        ours, matrix(fit.frame["logits"]), fit.label(label),
        fit.frame["subject_id"].rank("dense").to_numpy().astype(np.intp),
        {adjustment: fit.regressors(adjustment, model.task, label) for adjustment in ways},
        known.space(model, fit, ours),
    )  # fmt: skip
    # Of a null network the value alone is compared.
    draws = 0 if model.is_control else inputs.draws.costly
    first, second = (model, None) if model.task == inputs.reference else (None, model)
    asked = _parts(inputs, attribute, model, held_out)
    inside = [held_out.frame["image_id"].is_in(p.images.frame["image_id"].implode()).to_numpy()
              for p in asked[1:]]  # fmt: skip
    whole, *rest = erasure_losses(train, test, inputs.seed, draws, inside)
    told = [list(_strictest(whole, ways)), *(list(_strictest(one, ways[-1:])) for one in rest)]
    for part, estimates in zip(asked, told, strict=False):
        of_part = [replace(one, statistic=statistic) for one in estimates]
        yield from evidence(LEVEL, attribute, first, second, part, of_part)


def _parts(inputs: Inputs, attribute: str, model: Model, held_out: Images) -> list[Part]:
    """The whole test images; of the network that stands for the reference each stratum as well.

    No matched set: crude, the eraser of all train images takes what goes with age along with it.
    """
    divided = model is inputs.primary.get(inputs.reference) and attribute != model.task
    found = parts(held_out, attribute, inputs.seed, divided=divided)
    return [part for part in found if not part.is_matched]


def _strictest(
    estimates: Sequence[Estimate], adjustments: Sequence[Adjustment]
) -> Iterator[Estimate]:
    """Of several nulls of one estimate the one with the largest p; without any, all say why."""
    if len(estimates) == 1:
        yield from (replace(estimates[0], adjustment=a) for a in ("crude", *adjustments))
        return
    for adjustment in dict.fromkeys(one.adjustment for one in estimates):
        of_one = [one for one in estimates if one.adjustment == adjustment]
        yield max(of_one, key=lambda one: -1.0 if one.p is None else one.p)
