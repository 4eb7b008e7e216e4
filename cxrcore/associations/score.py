"""Evidence level 'score': whether the reference's log-odds differ between attribute classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from cxrcore.associations.estimate import Adjustment, Estimate, null_test
from cxrcore.associations.evidence import Evidence, evidence
from cxrcore.associations.inputs import Inputs
from cxrcore.associations.partial import (
    Moments,
    Partial,
    bands,
    indicators,
    partial,
    patient_columns,
    patient_means,
    resampled,
)
from cxrcore.associations.parts import Part, parts
from cxrcore.associations.strength import NO_PATIENT, NULLS, Found, strength_estimate
from cxrcore.associations.verdict import Headline
from cxrcore.evaluation.bootstrap import Advance, percentile_interval
from cxrcore.evaluation.strata import log_odds as log_odds_of
from cxrcore.evaluation.strata import matrix
from cxrcore.model import Model
from cxrcore.threads import side_by_side

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

LEVEL = "score"
#: A correlation below 0.1 is less than small (Cohen 1988, sec. 3.2.1).
HEADLINE = Headline("score_separation", "within_class", 0.1)
ADJUSTMENTS: tuple[Adjustment, ...] = ("crude", "adjusted", "within_class")


def found(inputs: Inputs, advance: Advance) -> Iterator[Evidence]:
    """The test scores of every reference network, by the classes of every label."""
    first = inputs.primary.get(inputs.reference)
    asked = [
        (model, attribute)
        for model in inputs.of_task(inputs.reference)
        for attribute in [*inputs.attributes, *([inputs.reference] if model is first else [])]
    ]

    def of_pair(pair: tuple[Model, str]) -> list[Evidence]:
        model, attribute = pair
        whole, out = inputs.test_images(model).with_label(attribute), list[Evidence]()
        divided = model is first and attribute != inputs.reference
        for part in parts(whole, attribute, inputs.seed, divided=divided):
            estimates = part.kept(_of_part(inputs, attribute, part))
            out += evidence(LEVEL, attribute, model, None, part, estimates)
        advance(1 / len(asked))
        return out

    yield from chain(*side_by_side(of_pair, asked))
    if not asked:
        advance(1)


def _of_part(inputs: Inputs, attribute: str, part: Part) -> list[Estimate]:
    images = part.images
    return score_estimates(
        log_odds_of(matrix(images.frame["logits"])), images.label(attribute),
        images.categories(attribute), images.frame["target"].to_numpy().astype(np.intp),
        images.regressors("adjusted", inputs.reference, attribute), images.subject,
        inputs.weights, inputs.draws.permutations, inputs.seed,
    )  # fmt: skip


def score_estimates(
    log_odds: Floats, attribute: Ints, classes: Sequence[str], target: Ints, regressors: Floats,
    subject: Ints, weights: NDArray[np.uint8], permutations: int = 999, seed: int = 0,
) -> list[Estimate]:  # fmt: skip
    """How the reference's log-odds differ between classes of an attribute.

    `log_odds` (n,) of the reference's last class, or (n, k) of all of them; `attribute` and
    `target` (n,) class indices of images, `classes` the attribute's names, `regressors` (n, q)
    the covariates with an intercept, `subject` (n,) each image's column in `weights`
    (r, subjects). A patient counts once, as the mean of their images.

    Crude, adjusted, and within the reference's true classes, each with covariates of its own; the
    last decides, since the network may well give higher odds to a group that dies more often.

    - `score_separation`: partial correlation ratio, see `partial.Partial.strength`.
    - `score_difference`: adjusted mean of the last class minus the first, in SDs of the log-odds
      within the attribute's classes; beyond two classes `score_difference:CLASS`, a class minus
      all others. The SD is the crude one for all three, so that they can be compared.
    """
    if not len(subject):
        return [Estimate("score_separation", np.nan, 0, a, reason=NO_PATIENT) for a in ADJUSTMENTS]
    score = log_odds[:, -1:] if log_odds.ndim == 2 else log_odds[:, None]
    response = patient_means(score - score.mean(axis=0), subject)
    group = patient_means(indicators(attribute, len(classes)), subject)
    drawn = patient_columns(weights, subject)
    out: list[Estimate] = []
    for adjustment, (nuisance, within) in _covariates(target, regressors, subject).items():
        one = partial(response, group, nuisance)
        if adjustment == "crude":
            scale = _Scale(one, response, resampled(one, drawn))
        strata = None if within is None else bands(one.fitted(response)[:, 0], within)
        found = strength_estimate(
            "score_separation", one, drawn, (seed, *b"score"), permutations, strata, adjustment
        )
        out.append(found.estimate)
        of_interest = range(len(classes)) if len(classes) > 2 else range(1, len(classes))
        for c in of_interest:
            name = f"score_difference:{classes[c]}" if len(classes) > 2 else "score_difference"
            out.append(_difference(name, one, found, group[:, c], response[:, 0], scale))
    return out


def _covariates(
    target: Ints, regressors: Floats, subject: Ints
) -> dict[Adjustment, tuple[Floats, Ints | None]]:
    """Patients' regressors of each adjustment, and the strata that they are permuted in."""
    outcome = indicators(target, int(target.max()) + 1)
    by_class = (outcome[:, :, None] * regressors[:, None, :]).reshape(len(target), -1)
    true_class = patient_means(outcome, subject).argmax(axis=1)
    nobody_apart = np.zeros_like(true_class)
    return {
        "crude": (np.ones((len(true_class), 1)), None),
        "adjusted": (patient_means(regressors, subject), nobody_apart),
        "within_class": (patient_means(by_class, subject), true_class),
    }


class _Scale:
    """SD of the log-odds within the attribute's classes, and in each resample."""

    def __init__(self, crude: Partial, response: Floats, moments: Moments) -> None:
        n, classes = len(response), crude.group.shape[1] + 1
        variance = float(np.var(response)) * n / max(1, n - classes)
        self.value = float(np.sqrt(variance * max(0.0, 1 - np.nan_to_num(crude.trace))))
        left = 1 - np.nan_to_num(np.minimum(moments.traces, 1))
        spread = moments.response.sum(axis=(1, 2)) * left
        self.draws = np.sqrt(np.maximum(0, variance * spread))


def _difference(
    name: str, one: Partial, found: Found, member: Floats, response: Floats, scale: _Scale
) -> Estimate:
    """Standardised difference of `member` (n,), from the same draws as the separation."""
    n, adjustment, moments = len(response), found.estimate.adjustment, found.moments
    column = one.group.T @ member
    there = bool(np.linalg.norm(column) > 1e-6 * np.linalg.norm(member) > 0)
    if found.cross is None or moments is None or not there or scale.value == 0:
        reason = found.estimate.reason or "no difference of this class can be estimated"
        return Estimate(name, np.nan, n, adjustment, reason=reason)
    direction = column / np.linalg.norm(column)
    # The response's basis is one column: its direction times its length is the residual.
    length = float(one.response[:, 0] @ response) / float(np.linalg.norm(column))
    value = float(direction @ (one.group.T @ one.response[:, 0])) * length / scale.value
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.einsum("i,rij,j->r", direction, moments.group, direction)
        slopes = (moments.cross[:, 0] @ direction) / spread
        low, high, _ = percentile_interval(slopes * length / scale.draws)
    draws = found.cross[:, :, 0] @ direction * length / scale.value
    null = null_test(value, draws, "two-sided")
    return Estimate(
        name, value, n, adjustment, low, high, null.p, NULLS[adjustment], null.low, null.high,
        null.smallest_effect,
    )  # fmt: skip
