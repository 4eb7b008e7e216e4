from __future__ import annotations

from itertools import permutations as pairs_of

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import SurvfuncRight

from cxrcore.associations.estimate import Estimate
from cxrcore.associations.prognosis import (
    FollowUp,
    c_index,
    follow_up,
    hazard_ratio,
    prognosis_estimates,
    survival_by_quarter,
)
from cxrcore.associations.survival import harrells_c, kaplan_meier, score_residuals
from cxrcore.associations.survival_curves import DAYS
from cxrcore.evaluation import bootstrap


def cohort(
    seed: int, n: int, effect: float = 0.5, by_age: float = 0.03, days: int = 15
) -> FollowUp:
    """Patients with an exponential time to death, of one image each, followed for 365 days.

    Times are read every so many `days`: few different ones are fast.
    """
    rng = np.random.default_rng(seed)
    age, sex = rng.uniform(18, 91, n).round(), rng.integers(0, 2, n)
    score = rng.normal(size=n)
    rate = np.exp(effect * score + by_age * (age - 55)) / 700
    death = days * np.ceil(rng.exponential(1 / rate) / days)
    return follow_up(score, death, np.minimum(death, 500), age, sex, np.arange(n))


def estimates(
    data: FollowUp, permutations: int = 99, replicates: int = 100, seed: int = 0
) -> dict[tuple[str, str], Estimate]:
    patients = int(data.patient.max(initial=-1)) + 1
    weights = bootstrap.patient_weights(patients, replicates, seed, "test")
    found = prognosis_estimates(data, weights, permutations, seed)
    return {(e.statistic, e.adjustment): e for e in found}


def brute_force_c(
    risk: np.ndarray, time: np.ndarray, event: np.ndarray, weights: np.ndarray
) -> float:
    won = total = 0.0
    for i, j in pairs_of(range(len(time)), 2):
        if event[i] and (time[i] < time[j] or (time[i] == time[j] and not event[j])):
            pair = float(weights[i]) * float(weights[j])
            total += pair
            won += pair * ((risk[i] > risk[j]) + 0.5 * (risk[i] == risk[j]))
    return won / total if total else np.nan


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(0, 12))
def test_harrells_c_is_the_share_of_concordant_pairs(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    risk, time = rng.integers(0, 5, n).astype(float), rng.integers(1, 6, n).astype(float)
    event = rng.random(n) < 0.6
    weights = rng.integers(0, 3, (3, n)).astype(np.uint8)
    want = [brute_force_c(risk, time, event, w) for w in weights]
    np.testing.assert_allclose(harrells_c(risk, time, event, weights), want)


def test_score_residuals_are_those_of_statsmodels() -> None:
    data = cohort(0, 300)
    x = np.column_stack([data.log_odds, data.age / 20])
    fit = PHReg(data.time, x, status=data.died.astype(float)).fit(disp=0)
    mine = score_residuals(x, x @ fit.params, data.time, data.died)
    np.testing.assert_allclose(mine.sum(axis=0), 0, atol=0.5)
    # statsmodels leaves a patient undefined who was never at risk at a death.
    theirs = np.nan_to_num(fit.score_residuals)
    np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_time_ends_at_death_observation_or_horizon_whichever_is_first() -> None:
    nan = np.nan
    death = np.array([10, nan, 400, 50, nan, nan, 365], float)
    end = np.array([10, 200, 400, 50, nan, 0, 365], float)
    data = follow_up(
        np.arange(7.0), death, end, np.full(7, 50.0), np.zeros(7, dtype=int), np.arange(7)
    )
    assert data.patient.tolist() == [0, 1, 2, 3, 6]
    assert data.time.tolist() == [10, 200, 365, 50, 365]
    assert data.died.tolist() == [True, False, False, True, True]
    assert data.left_out == 2


def test_a_patient_counts_once_from_the_earliest_radiograph() -> None:
    data = follow_up(
        np.array([1.0, 5, 3, 7]), np.array([30.0, 20, 30, np.nan]), np.array([30.0, 20, 30, 90]),
        np.array([60.0, 61, 60, 40]), np.array([0, 0, 0, 1]), np.array([0, 0, 0, 2]),
    )  # fmt: skip
    assert data.log_odds.tolist() == [2.0, 7.0]
    assert (data.time.tolist(), data.age.tolist()) == ([30.0, 90.0], [60.0, 40.0])
    assert (data.patient.tolist(), data.left_out) == ([0, 2], 0)


def test_about_95_of_100_intervals_hold_the_true_hazard_ratio_and_c() -> None:
    large = cohort(10**6, 100_000, by_age=0.0, days=40)
    one = np.ones((1, 100_000), np.uint8)
    true_c = harrells_c(large.log_odds, large.time, large.died, one)[0]
    held = {("hazard_ratio", "adjusted"): 0, ("c_index", "crude"): 0}
    truth = dict(zip(held, (np.exp(0.5), true_c), strict=True))
    for seed in range(80):
        data = cohort(seed, 250, by_age=0.0, days=40)
        weights = bootstrap.patient_weights(250, 200, seed, "test")
        for e in (
            hazard_ratio(data, data.log_odds, data.age[:, None], weights, "adjusted"),
            c_index(data, data.log_odds, weights, 1, seed),
        ):
            key = e.statistic, e.adjustment
            assert e.low is not None
            assert e.high is not None
            held[key] += e.low <= truth[key] <= e.high
    assert all(70 <= count <= 79 for count in held.values()), held


def test_p_values_are_uniform_for_log_odds_that_say_nothing() -> None:
    p: dict[tuple[str, str], list[float | None]] = {
        ("hazard_ratio", "adjusted"): [], ("c_index", "crude"): [],
    }  # fmt: skip
    for seed in range(80):
        data = cohort(seed, 200, effect=0.0, days=40)
        few = np.ones((2, 200), np.uint8)
        ratio = hazard_ratio(data, data.log_odds, data.age[:, None], few, "adjusted")
        for e in (ratio, c_index(data, data.log_odds, few, 99, seed)):
            p[e.statistic, e.adjustment].append(e.p)
    for values in p.values():
        assert kstest(np.array(values, float), "uniform").pvalue > 0.01


def test_the_adjusted_hazard_ratio_and_the_gain_leave_age_out() -> None:
    data = cohort(1, 2000, effect=0.0, by_age=0.06, days=30)
    follows = FollowUp(**(vars(data) | {"log_odds": data.age + data.log_odds}))
    found = estimates(follows)
    assert found["hazard_ratio", "crude"].value > 2
    assert found["c_index", "crude"].value > 0.65
    assert abs(np.log(found["hazard_ratio", "adjusted"].value)) < 1.5
    assert (found["hazard_ratio", "adjusted"].p or 0) > 0.01
    assert abs(found["c_index_gain", "adjusted"].value) < 0.01
    gained = estimates(cohort(1, 2000, effect=0.7, days=30))["c_index_gain", "adjusted"]
    assert gained.value > 0.05
    assert (gained.low or 0) > 0.03


def test_a_new_scale_changes_nothing_and_a_turned_sign_is_the_reciprocal() -> None:
    data = cohort(2, 200)
    one = estimates(data)
    scaled = estimates(FollowUp(**(vars(data) | {"log_odds": 100 + 7 * data.log_odds})))
    turned = estimates(FollowUp(**(vars(data) | {"log_odds": -data.log_odds})))
    for key, e in one.items():
        assert scaled[key].value == pytest.approx(e.value)
        assert scaled[key].low == pytest.approx(e.low)
    for adjustment in ("crude", "adjusted"):
        key = "hazard_ratio", adjustment
        assert turned[key].value == pytest.approx(1 / one[key].value)
        assert turned[key].p == pytest.approx(one[key].p)
    assert turned["c_index", "crude"].value == pytest.approx(1 - one["c_index", "crude"].value)


def test_order_and_duplicated_images_change_nothing() -> None:
    rng = np.random.default_rng(0)
    age, sex, score = rng.uniform(18, 91, 150), rng.integers(0, 2, 150), rng.normal(size=150)
    death = np.where(rng.random(150) < 0.5, 30 * rng.integers(1, 11, 150), np.nan)
    end = np.where(np.isnan(death), 365, death)
    rows = rng.permutation(np.repeat(np.arange(150), rng.integers(1, 4, 150)))
    once = estimates(follow_up(score, death, end, age, sex, np.arange(150)))
    again = estimates(follow_up(score[rows], death[rows], end[rows], age[rows], sex[rows], rows))
    for key, e in once.items():
        assert again[key].value == pytest.approx(e.value)
        assert again[key].high == pytest.approx(e.high)


def test_what_cannot_be_estimated_has_a_reason() -> None:
    data = cohort(3, 100)
    alive = estimates(FollowUp(**(vars(data) | {"died": np.zeros(100, dtype=bool)})))
    constant = estimates(FollowUp(**(vars(data) | {"log_odds": np.full(100, 2.0)})))
    for found in (alive, constant):
        assert len(found) == 4
        assert all(np.isnan(e.value) and e.reason for e in found.values())
    perfect = estimates(FollowUp(**(vars(data) | {"log_odds": -data.time})))
    assert perfect["c_index", "crude"].value > 0.99
    none, no = np.empty(0), np.empty(0, dtype=int)
    nobody = follow_up(none, none, none, none, no, no)
    assert all(e.subjects == 0 and e.reason for e in estimates(nobody).values())
    assert survival_by_quarter(nobody, DAYS) == {}


@pytest.mark.parametrize("deaths", [1, 2, 5, 10])
def test_few_deaths_give_an_estimate_or_a_reason(deaths: int) -> None:
    data = cohort(4, 80)
    died = np.zeros(80, dtype=bool)
    died[:deaths] = True
    for e in estimates(FollowUp(**(vars(data) | {"died": died}))).values():
        assert np.isfinite(e.value) or e.reason


def test_curves_are_kaplan_and_meiers_with_a_log_log_band() -> None:
    data = cohort(5, 200)
    curves = survival_by_quarter(data, DAYS)
    assert list(curves) == [1, 2, 3, 4]
    assert sum(c.at_risk[0] for c in curves.values()) == 200
    assert sum(c.died[-1] for c in curves.values()) == data.died.sum()
    assert curves[1].survival[-1] > curves[4].survival[-1]
    curve = kaplan_meier(data.time, data.died, DAYS)
    whole = SurvfuncRight(data.time, data.died.astype(int))
    at = 40
    index = int(np.searchsorted(whole.surv_times, DAYS[at], side="right")) - 1
    s, error = whole.surv_prob[index], whole.surv_prob_se[index]
    assert curve.survival[at] == pytest.approx(s)
    z = norm.ppf(0.975) * error / (s * np.log(s))
    assert (curve.low[at], curve.high[at]) == pytest.approx(
        (s ** np.exp(-z), s ** np.exp(z)), rel=1e-6
    )
    known = ~np.isnan(curve.low)
    assert (curve.low <= curve.survival)[known].all()
    assert (curve.survival <= curve.high)[known].all()


def test_patients_leave_the_risk_set_when_they_die_or_after_their_last_day() -> None:
    days = np.array([0.0, 3.0, 4.0, 5.0])
    curve = kaplan_meier(np.array([3.0, 4.0, 4.0]), np.array([False, True, False]), days)
    assert curve.at_risk.tolist() == [3, 3, 1, 0]
    assert curve.died.tolist() == [0, 0, 1, 1]
    assert curve.lost.tolist() == [0, 0, 1, 2]
    assert curve.survival.tolist() == pytest.approx([1, 1, 0.5, 0.5])


def test_curves_without_a_death_and_to_the_last_patient() -> None:
    days = np.array([2.0, 4.0])
    none = kaplan_meier(np.array([3.0, 4.0]), np.array([False, False]), days)
    assert (none.survival.tolist(), none.died.tolist()) == ([1, 1], [0, 0])
    assert np.isnan([none.low, none.high]).all()
    every = kaplan_meier(np.array([3.0, 4.0]), np.array([True, True]), days)
    assert every.survival.tolist() == [1.0, 0.0]
    assert (every.low[1], every.high[1]) == (0, 0)
