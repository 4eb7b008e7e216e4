"""Evidence level 'representation': what the reference's features know of an attribute.

Features of any network, even an untrained one, tell groups apart: so the question is what the
reference's know more than those of networks that learned nothing of the reference task. And they
know the outcome, and with it whatever goes with the outcome: so the question is asked of patients
with the same outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.associations.cka import cka
from cxrcore.associations.estimate import Adjustment, Estimate
from cxrcore.associations.evidence import Evidence, evidence
from cxrcore.associations.inputs import Images, Inputs
from cxrcore.associations.parts import Part, parts
from cxrcore.associations.probe import probe_auroc, probe_gain, probe_scores
from cxrcore.associations.verdict import ALPHA, Headline
from cxrcore.evaluation.bootstrap import Advance
from cxrcore.model import Model
from cxrcore.threads import side_by_side

Floats = NDArray[np.float64]

LEVEL = "representation"
#: A gain of less is taken to be of no interest.
HEADLINE = Headline("probe_auroc_gain", "within_class", 0.05, needs_control=False)
NO_CONTROL = "no network with permuted labels, or untrained, to compare with"


@dataclass(frozen=True)
class _Probe:
    """The scores of one network's probe, crude and beyond the covariates, by test image."""

    model: Model
    scores: dict[Adjustment, Floats]
    images: Images

    def within(self, part: Part, adjustment: Adjustment) -> Floats:
        """Scores of the images of a part, in their order."""
        rows = {name: i for i, name in enumerate(self.images.frame["image_id"])}
        chosen = [rows[name] for name in part.images.frame["image_id"]]
        return self.scores.get(adjustment, self.scores["crude"])[chosen]


def found(inputs: Inputs, advance: Advance) -> Iterator[Evidence]:
    """Probes of every reference network for every label, and CKA of the pairs of networks."""
    models = [m for m in inputs.of_task(inputs.reference) if m.key in inputs.with_features]
    asked = [*inputs.attributes, inputs.reference] if models else []

    def probed(model: Model) -> dict[str, _Probe]:
        # All labels of a network in a row, so that its features are read once.
        probes = _probes(inputs, model, asked)
        advance(0.3 / len(models))
        return probes

    known = side_by_side(probed, models)
    for attribute in asked:
        of_label = [probes[attribute] for probes in known if attribute in probes]
        yield from _judged(inputs, attribute, of_label)
        advance(0.3 / len(asked))
    pairs = list(inputs.pairs(inputs.with_features))

    def compared(pair: tuple[str, Model, Model]) -> list[Evidence]:
        alike = list(_cka(inputs, *pair))
        advance(0.4 / len(pairs))
        return alike

    # Pairs of one network in a row: its features are read once.
    yield from chain(*side_by_side(compared, pairs, by=lambda pair: pair[1].key))


def _judged(inputs: Inputs, attribute: str, probes: Sequence[_Probe]) -> Iterator[Evidence]:
    """Probes of every reference network for one label."""
    controls = [p for p in probes if p.model.is_control]
    primary = inputs.primary.get(inputs.reference)
    itself = attribute == inputs.reference

    def of_one(probe: _Probe) -> list[Evidence]:
        out, divided = list[Evidence](), probe.model is primary and not itself
        for part in parts(probe.images, attribute, inputs.seed, divided=divided):
            estimates = list(_of_part(inputs, probe, controls, attribute, part))
            out += evidence(LEVEL, attribute, probe.model, None, part, estimates)
        return out

    return chain(*side_by_side(of_one, [p for p in probes if p.model is primary or not itself]))


@dataclass(frozen=True)
class _Fit:
    """What a probe for one label is fitted on."""

    attribute: str
    adjustment: Adjustment
    images: Images
    regressors: Floats | None

    def is_as(self, other: _Fit) -> bool:
        """Whether both have the same images and regressors, so that their fits share a design."""
        if not self.images.frame["row"].equals(other.images.frame["row"]):
            return False
        if self.regressors is None or other.regressors is None:
            return self.regressors is other.regressors
        return np.array_equal(self.regressors, other.regressors)


def _probes(inputs: Inputs, model: Model, asked: Sequence[str]) -> dict[str, _Probe]:
    """Probes of one network, by label; those of the same design are fitted together."""
    features, designs = inputs.features(model.key), list[list[_Fit]]()
    if features is None:
        return {}
    for attribute in asked:
        images = inputs.images(model, model.predictions)
        images = images.with_label(attribute).with_label(inputs.reference).of_few(inputs.seed)
        for adjustment in _adjustments(inputs, Part(images), attribute):
            known = _regressors(inputs, images, adjustment, attribute)
            fit = _Fit(attribute, adjustment, images, known)
            same = next((fits for fits in designs if fit.is_as(fits[0])), None)
            designs.append([fit]) if same is None else same.append(fit)
    found: dict[str, _Probe] = {}
    for fits in designs:
        images = fits[0].images
        split = images.frame["split"].cast(pl.String).to_numpy()
        train, test = (np.flatnonzero(split == name) for name in ("train", "test"))
        if not len(train) or not len(test):
            continue
        scores = probe_scores(
            features[images.frame["row"].to_numpy()],
            [fit.images.label(fit.attribute) for fit in fits],
            images.frame["subject_id"].rank("dense").to_numpy().astype(np.intp), train, test,
            inputs.seed, fits[0].regressors,
        )  # fmt: skip
        for fit, score in zip(fits, scores, strict=True):
            empty = _Probe(model, {}, fit.images.where(split == "test"))
            found.setdefault(fit.attribute, empty).scores[fit.adjustment] = score
    return found


def _adjustments(inputs: Inputs, part: Part, attribute: str) -> tuple[Adjustment, ...]:
    if part.is_divided:
        return ("matched",) if part.is_matched else ("within_class",)
    # Of the reference itself nothing is left within its classes.
    itself = attribute == inputs.reference
    return ("crude", "adjusted") if itself else ("crude", "adjusted", "within_class")


def _regressors(
    inputs: Inputs, images: Images, adjustment: Adjustment, attribute: str
) -> Floats | None:
    if adjustment in ("crude", "matched"):
        return None
    return images.regressors(adjustment, inputs.reference, attribute)


def _of_part(
    inputs: Inputs, one: _Probe, controls: Sequence[_Probe], attribute: str, part: Part
) -> Iterator[Estimate]:
    images, label = part.images, part.images.label(attribute)
    for adjustment in _adjustments(inputs, part, attribute):
        scores = one.within(part, adjustment)
        known = _regressors(inputs, images, adjustment, attribute)
        # Of a null network the value alone is compared.
        draws = 0 if one.model.is_control else inputs.draws.costly
        (found_,) = probe_auroc(
            scores, label, images.subject, inputs.weights, inputs.seed, known, draws
        )
        yield replace(found_, adjustment=adjustment)
        if one.model.is_control or attribute == inputs.reference:
            continue
        yield _gain(inputs, found_, scores, controls, label, part, adjustment)


def _gain(
    inputs: Inputs, probe: Estimate, scores: Floats, controls: Sequence[_Probe],
    label: NDArray[np.intp], part: Part, adjustment: Adjustment,
) -> Estimate:  # fmt: skip
    """How much better the probe is than that of the best null network."""
    gains = []
    for control in controls:
        (one,) = probe_gain(
            scores, control.within(part, adjustment), label, part.images.subject, inputs.weights
        )
        gains.append(replace(one, adjustment=adjustment))
    if not gains:
        empty = replace(probe, statistic="probe_auroc_gain", value=np.nan, reason=NO_CONTROL)
        return replace(empty, adjustment=adjustment)
    least = min(gains, key=lambda one: np.inf if np.isnan(one.value) else one.value)
    # A probe that may be well above chance, and is not shown to be, says nothing either way.
    chance = probe.p is None or probe.p >= ALPHA
    if not least.reason and chance and (probe.high or 1) >= 0.5 + HEADLINE.relevant_effect:
        return replace(least, reason="the probe is not above chance")
    return least


def _cka(inputs: Inputs, attribute: str, ours: Model, theirs: Model) -> Iterator[Evidence]:
    images = inputs.images(ours, ours.predictions.filter(pl.col("split") == "test"))
    rows = dict(
        inputs.images(theirs, theirs.predictions).frame.select("image_id", "row").iter_rows()
    )
    both = images.where(images.frame["image_id"].is_in(list(rows)).to_numpy())
    first, second = inputs.features(ours.key), inputs.features(theirs.key)
    if first is None or second is None:
        return
    other = [rows[name] for name in both.frame["image_id"]]
    estimates = cka(
        first[both.frame["row"].to_numpy()], second[other], both.subject, inputs.seed,
        draws=min(inputs.draws.costly, 199),
    )  # fmt: skip
    yield from evidence(LEVEL, attribute, ours, theirs, Part(both), estimates)
