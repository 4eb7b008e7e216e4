"""Evidence level 'score': whether the reference's log-odds differ between attribute classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cxrcore.associations.estimate import Adjustment, Estimate, null_test
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
from cxrcore.associations.strength import NO_PATIENT, NULLS, Found, strength_estimate
from cxrcore.evaluation.bootstrap import percentile_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

ADJUSTMENTS: tuple[Adjustment, ...] = ("crude", "adjusted", "within_class")


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
    patients = np.unique(subject)
    if not len(patients):
        return [Estimate("score_separation", np.nan, 0, a, reason=NO_PATIENT) for a in ADJUSTMENTS]
    score = log_odds[:, -1:] if log_odds.ndim == 2 else log_odds[:, None]
    score = score - score.mean(axis=0)
    outcome = indicators(target, int(target.max()) + 1)
    stratified = (outcome[:, :, None] * regressors[:, None, :]).reshape(len(target), -1)
    response, group, truth = (
        patient_means(x, subject) for x in (score, indicators(attribute, len(classes)), outcome)
    )
    drawn, true_class = patient_columns(weights, subject), truth.argmax(axis=1)
    crude = partial(response, group, np.ones((len(patients), 1)))
    scale = _Scale(crude, response, resampled(crude, drawn))
    out: list[Estimate] = []
    for adjustment in ADJUSTMENTS:
        one, strata = crude, None
        if adjustment == "adjusted":
            one = partial(response, group, patient_means(regressors, subject))
            strata = bands(one.fitted(response)[:, 0])
        elif adjustment == "within_class":
            one = partial(response, group, patient_means(stratified, subject))
            strata = bands(one.fitted(response)[:, 0], true_class)
        rng = np.random.default_rng([seed, *b"score"])
        found = strength_estimate(
            "score_separation", one, drawn, rng, permutations, strata, adjustment
        )
        out += [found.estimate, *_differences(one, found, group, response, classes, scale)]
    return out


class _Scale:
    """SD of the log-odds within the attribute's classes, and in each resample."""

    def __init__(self, crude: Partial, response: Floats, moments: Moments) -> None:
        n, classes = len(response), crude.group.shape[1] + 1
        variance = float(np.var(response)) * n / max(1, n - classes)
        self.value = float(np.sqrt(variance * max(0.0, 1 - np.nan_to_num(crude.trace))))
        left = 1 - np.nan_to_num(np.minimum(moments.traces, 1))
        spread = moments.response.sum(axis=(1, 2)) * left
        self.draws = np.sqrt(variance * spread)


def _differences(
    one: Partial, found: Found, group: Floats, response: Floats, classes: Sequence[str],
    scale: _Scale,
) -> list[Estimate]:  # fmt: skip
    """Standardised differences, from the same draws as the separation."""
    out = []
    of_interest = range(len(classes)) if len(classes) > 2 else [1] if len(classes) == 2 else []
    left = response[:, 0] - one.fitted(response[:, 0])
    for c in of_interest:
        name = f"score_difference:{classes[c]}" if len(classes) > 2 else "score_difference"
        subjects, adjustment = len(response), found.estimate.adjustment
        column = one.group.T @ group[:, c]
        there = bool(np.linalg.norm(column) > 1e-6 * np.linalg.norm(group[:, c]) > 0)
        if found.cross is None or found.moments is None or not there or scale.value == 0:
            reason = found.estimate.reason or f"no difference of {classes[c]} can be estimated"
            out.append(Estimate(name, np.nan, subjects, adjustment, reason=reason))
            continue
        direction = column / np.linalg.norm(column)
        # The response's basis is one column: its direction times its length is the residual.
        length = float(one.response[:, 0] @ left) / float(np.linalg.norm(column))
        value = float(direction @ (one.group.T @ one.response[:, 0])) * length / scale.value
        moments = found.moments
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = (moments.cross[:, 0] @ direction) / (
                np.einsum("i,rij,j->r", direction, moments.group, direction)
            )
            low, high, _ = percentile_interval(slope * length / scale.draws)
        null = null_test(
            value, found.cross[:, :, 0] @ direction * length / scale.value, "two-sided"
        )
        out.append(
            Estimate(
                name, value, subjects, adjustment, low, high, null.p, NULLS[adjustment],
                null.low, null.high, null.smallest_effect,
            )
        )  # fmt: skip
    return out
