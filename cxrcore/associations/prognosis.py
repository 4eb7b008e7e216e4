"""Evidence level 'prognosis': what the reference's log-odds say about survival.

Concordance, hazard ratios, and survival by quarter of the log-odds. Follow-up is administrative:
everyone is observed to death, the end of observation or a horizon.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.associations.estimate import Adjustment, Estimate, null_test
from cxrcore.associations.evidence import Evidence, evidence
from cxrcore.associations.inputs import Images, Inputs
from cxrcore.associations.partial import patient_means
from cxrcore.associations.parts import Part
from cxrcore.associations.survival import CoxFit, SurvivalCurve, cox, harrells_c, kaplan_meier
from cxrcore.covariates import CATEGORIES, design
from cxrcore.evaluation.bootstrap import Advance, percentile_interval, weighted_sums
from cxrcore.evaluation.strata import log_odds, matrix
from cxrcore.model import Model
from cxrcore.threads import side_by_side

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

LEVEL = "prognosis"
#: What takes the place of an attribute.
SURVIVAL = "survival"
#: Days after the radiograph that a patient is followed at most.
HORIZON = 365.0
#: Days of follow-up of a death on the day of the radiograph.
SAME_DAY = 0.5
NO_DEATH = "no death with a longer follow-up beside it"


@dataclass(frozen=True)
class FollowUp:
    """One row per patient, from their earliest radiograph."""

    log_odds: Floats
    time: Floats
    """(n,) days to death, the end of observation or the horizon, the first of them."""
    died: Bools
    age: Floats
    """(n,) years; NaN: unknown."""
    sex: Ints
    """(n,) class index; negative: unknown."""
    patient: Ints
    """(n,) columns of resample weights."""
    left_out: int
    """Patients without a follow-up, or with one of 0 days."""


def found(inputs: Inputs, advance: Advance) -> Iterator[Evidence]:
    """Every network of the reference task, where the cohort has outcomes in time."""
    models = inputs.of_task(inputs.reference)
    if not models or not inputs.cohort["follow_up_days"].count():
        advance(1)
        return

    def of_model(model: Model) -> list[Evidence]:
        images, estimates = inputs.test_images(model), list[Estimate]()
        if images.frame.height:
            estimates = prognosis_estimates(
                follow_up_of(images), inputs.weights, inputs.draws.costly, inputs.seed
            )
        advance(1 / len(models))
        return list(evidence(LEVEL, SURVIVAL, model, None, Part(images), estimates))

    yield from chain(*side_by_side(of_model, models))


def follow_up_of(images: Images) -> FollowUp:
    """The patients of labelled test images of a reference network."""
    frame = images.frame
    numbers = [
        frame[c].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for c in ("days_to_death", "follow_up_days", "age")
    ]
    sex = frame["label_gender"].to_physical().cast(pl.Int64) if "label_gender" in frame else None
    return follow_up(
        log_odds(matrix(frame["logits"]))[:, -1], numbers[0], np.nan_to_num(numbers[1]),
        numbers[2],
        np.full(frame.height, -1) if sex is None else sex.fill_null(-1).to_numpy().astype(np.intp),
        images.subject,
    )  # fmt: skip


def follow_up(
    log_odds: Floats, days_to_death: Floats, follow_up_days: Floats, age: Floats, sex: Ints,
    subject: Ints, horizon: float = HORIZON,
) -> FollowUp:  # fmt: skip
    """Patients' times from columns (n,) of images; `subject` is each image's patient.

    `days_to_death` is NaN without a death on record. A patient counts from their earliest
    radiograph, the one with the longest follow-up; log-odds of several at that time are averaged.
    A death on the day of the radiograph counts as half a day: to leave it out would depend on
    the outcome. Images without a follow-up, or with one of 0 days and no death, are left out.
    """
    same_day = days_to_death == 0
    usable = (follow_up_days > 0) | same_day
    end = np.where(same_day, SAME_DAY, np.where(usable, follow_up_days, 0.0))
    longest = np.zeros(int(subject.max(initial=-1)) + 1)
    np.maximum.at(longest, subject, end)
    kept = usable & (end == longest[subject])
    patient, first = np.unique(subject[kept], return_index=True)
    observed = np.minimum(longest[patient], horizon)
    death = np.where(np.isnan(days_to_death), np.inf, days_to_death)[kept][first]
    death = np.maximum(death, SAME_DAY)
    return FollowUp(
        patient_means(log_odds[kept], subject[kept]) if len(patient) else np.empty(0),
        np.minimum(death, observed), death <= observed, age[kept][first], sex[kept][first],
        patient, len(np.unique(subject)) - len(patient),
    )  # fmt: skip


def prognosis_estimates(
    data: FollowUp, weights: NDArray[np.uint8], permutations: int = 999, seed: int = 0
) -> list[Estimate]:
    """How well the log-odds tell who dies sooner; `weights` (r, subjects) resample patients.

    - `c_index`: Harrell's C; its null shuffles patients, its p is of "not above 1/2".
    - `hazard_ratio` per SD of the log-odds, crude and adjusted for age (spline) and sex: Cox's
      model, p by Wald. Its interval is a patient bootstrap of one step along the score residuals,
      the resampled form of Lin & Wei's robust variance (1989, doi 10.2307/2290085).
    - `c_index_gain`: C of age and log-odds minus C of age alone, each the linear predictor of a
      Cox model. The fits are held fixed in the paired bootstrap, and made on the patients they
      are judged on, so that a log-odds worth nothing may gain a little; there is no p value.
    """
    drawn = weights[:, data.patient]
    n = len(data.time)
    if not data.died.any():
        names: list[tuple[str, Adjustment]] = [
            ("c_index", "crude"), ("hazard_ratio", "crude"), ("hazard_ratio", "adjusted"),
            ("c_index_gain", "adjusted"),
        ]  # fmt: skip
        return [Estimate(name, np.nan, n, a, reason=NO_DEATH) for name, a in names]
    frame = pl.DataFrame({"age": data.age, CATEGORIES[1]: np.maximum(data.sex, -1)})
    nothing, age = np.empty((n, 0)), design(frame, leave_out=CATEGORIES)[:, 1:]
    spread = float(data.log_odds.std())
    score = (data.log_odds - data.log_odds.mean()) / (spread or 1.0)
    return [
        c_index(data, score, drawn, permutations, seed),
        hazard_ratio(data, score, nothing, drawn, "crude"),
        hazard_ratio(data, score, design(frame)[:, 1:], drawn, "adjusted"),
        _gain(data, score, age, drawn),
    ]


def c_index(
    data: FollowUp, score: Floats, drawn: NDArray[np.uint8], permutations: int, seed: int
) -> Estimate:
    """Harrell's C of `score` (n,); `drawn` (r, n) are the weights of the patients of `data`."""
    n, one = len(score), np.ones((1, len(score)), dtype=np.uint8)
    value = float(harrells_c(score, data.time, data.died, one)[0])
    if not np.isfinite(value) or score.std() == 0:
        reason = NO_DEATH if score.std() else "the log-odds do not vary"
        return Estimate("c_index", np.nan, n, reason=reason)
    low, high, _ = percentile_interval(harrells_c(score, data.time, data.died, drawn))
    rng = np.random.default_rng([seed, *b"prognosis"])
    draws = np.array([
        harrells_c(rng.permutation(score), data.time, data.died, one)[0]
        for _ in range(permutations)
    ])  # fmt: skip
    null = null_test(value, draws)
    return Estimate(
        "c_index", value, n, "crude", low, high, null.p, "shuffled patients", null.low, null.high,
        null.smallest_effect,
    )  # fmt: skip


def hazard_ratio(
    data: FollowUp, score: Floats, covariates: Floats, drawn: NDArray[np.uint8], how: Adjustment
) -> Estimate:
    """Hazard ratio per unit of `score` (n,) beside `covariates` (n, q), none for crude."""
    n, fit = len(score), cox(score[:, None], covariates, data.time, data.died)
    if fit is None:
        reason = "Cox's model has no finite estimate"
        return Estimate("hazard_ratio", np.nan, n, how, reason=reason)
    low, high, _ = percentile_interval(np.exp(_one_step(fit, drawn)))
    value = float(np.exp(fit.coefficient))
    return Estimate("hazard_ratio", value, n, how, low, high, fit.p, "hazard ratio of 1")


def _one_step(fit: CoxFit, drawn: NDArray[np.uint8]) -> Floats:
    moved = weighted_sums(fit.influence[:, None], drawn)[:, 0]
    return np.asarray(fit.coefficient + moved - fit.influence.sum())


def _gain(data: FollowUp, score: Floats, age: Floats, drawn: NDArray[np.uint8]) -> Estimate:
    n, nothing = len(score), np.empty((len(score), 0))
    both = cox(score[:, None], age, data.time, data.died)
    alone = cox(nothing, age, data.time, data.died) if age.shape[1] else None
    if both is None or (alone is None and age.shape[1]):
        reason = "Cox's model has no finite estimate"
        return Estimate("c_index_gain", np.nan, n, "adjusted", reason=reason)
    without = np.zeros(n) if alone is None else alone.predictor
    one = np.ones((1, n), dtype=np.uint8)
    value, draws = (
        harrells_c(both.predictor, data.time, data.died, w)
        - harrells_c(without, data.time, data.died, w)
        for w in (one, drawn)
    )
    low, high, _ = percentile_interval(draws)
    return Estimate("c_index_gain", float(value[0]), n, "adjusted", low, high)


def survival_by_quarter(data: FollowUp, days: Floats, groups: int = 4) -> dict[int, SurvivalCurve]:
    """Kaplan and Meier's curves at the end of `days` (t,) by quarter of the log-odds, from 1.

    The quarters end at quantiles, so patients of equal log-odds share one; empty ones are left
    out.
    """
    if not len(data.time):
        return {}
    inner = np.quantile(data.log_odds, np.linspace(0, 1, groups + 1)[1:-1])
    quarter = np.searchsorted(inner, data.log_odds)
    return {
        int(q) + 1: kaplan_meier(data.time[quarter == q], data.died[quarter == q], days)
        for q in np.unique(quarter)
    }
