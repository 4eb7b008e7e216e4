"""Evidence level 'label': how far the labels of two tasks go together, without any network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from cxrcore.associations.estimate import Adjustment, Estimate
from cxrcore.associations.evidence import Evidence, evidence
from cxrcore.associations.inputs import Inputs
from cxrcore.associations.odds import log_odds_ratios
from cxrcore.associations.partial import (
    bands,
    indicators,
    partial,
    patient_columns,
    patient_means,
)
from cxrcore.associations.parts import Part, parts
from cxrcore.associations.strength import NO_PATIENT, strength_estimate
from cxrcore.associations.verdict import Headline
from cxrcore.evaluation.bootstrap import Advance, percentile_interval
from cxrcore.threads import side_by_side
from data_contracts.cohort import LABEL_PREFIX

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

LEVEL = "label"
#: Below 0.1 an association is less than small (Cohen 1988, sec. 7.2.4: w of two classes).
HEADLINE = Headline("cramers_v", "adjusted", 0.1, needs_control=False)
_LOG_ODDS = -50.0, 50.0
ADJUSTMENTS: tuple[Adjustment, ...] = ("crude", "adjusted")


def found(inputs: Inputs, advance: Advance) -> Iterator[Evidence]:
    """Both labels of every attribute, over the patients of the whole cohort who have both."""
    reference = LABEL_PREFIX + inputs.reference
    attributes = inputs.attributes if reference in inputs.cohort.columns else []
    asked = [
        (attribute, part)
        for attribute in attributes
        for part in parts(
            inputs.cohort_images.with_label(inputs.reference).with_label(attribute),
            attribute, inputs.seed, divided=True,
        )
    ]  # fmt: skip

    def of_part(one: tuple[str, Part]) -> list[Evidence]:
        attribute, part = one
        estimates = part.kept(_of_part(inputs, attribute, part))
        advance(1 / len(asked))
        return list(evidence(LEVEL, attribute, None, None, part, estimates))

    # Parts of as many patients in a row share their shuffles; the largest ones first.
    yield from chain(*side_by_side(of_part, asked, by=lambda one: -one[1].images.frame.height))
    if not asked:
        advance(1)


def _of_part(inputs: Inputs, attribute: str, part: Part) -> list[Estimate]:
    images, tasks = part.images, (inputs.reference, attribute)
    return label_estimates(
        images.label(inputs.reference), images.label(attribute),
        (images.categories(inputs.reference), images.categories(attribute)),
        images.regressors("adjusted", *tasks), images.subject, inputs.cohort_weights,
        inputs.draws.permutations, inputs.seed,
    )  # fmt: skip


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
        found = strength_estimate(
            "cramers_v", one, drawn, (seed, *b"label"), permutations, strata, adjustment
        )
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
        # A resample that separates the classes has no finite ratio.
        low, high, _ = percentile_interval(np.exp(np.clip(draws[:, i], *_LOG_ODDS)))
        out.append(Estimate(statistic, float(np.exp(value[i])), subjects, adjustment, low, high))
    return out
