from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.special import expit
from scipy.stats import f_oneway, kstest

from cxrcore.associations.estimate import Estimate
from cxrcore.associations.score import score_estimates
from cxrcore.covariates import design
from cxrcore.evaluation import bootstrap

TWO, THREE = ["F", "M"], ["white", "black", "asian"]
ADJUSTMENTS = ("crude", "adjusted", "within_class")


def estimates(
    log_odds: np.ndarray, attribute: np.ndarray, target: np.ndarray,
    regressors: np.ndarray | None = None, subject: np.ndarray | None = None,
    classes: list[str] = TWO, permutations: int = 99, replicates: int = 100, seed: int = 0,
) -> dict[tuple[str, str], Estimate]:  # fmt: skip
    n = len(log_odds)
    subject = np.arange(n) if subject is None else subject
    regressors = np.ones((n, 1)) if regressors is None else regressors
    weights = bootstrap.patient_weights(int(subject.max(initial=-1)) + 1, replicates, seed, "test")
    found = score_estimates(
        log_odds, attribute, classes, target, regressors, subject, weights, permutations, seed
    )
    return {(e.statistic, e.adjustment): e for e in found}


def network(
    seed: int, n: int, effect: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Log-odds, attribute, target and covariates.

    Attribute and target follow age, the log-odds both of them, and `effect` of the attribute.
    """
    rng = np.random.default_rng(seed)
    age = rng.uniform(18, 91, n).round()
    attribute = (rng.random(n) < expit((age - 60) / 15)).astype(int)
    target = (rng.random(n) < expit((age - 60) / 20)).astype(int)
    score = target + age / 40 + effect * attribute + rng.normal(size=n)
    return score, attribute, target, design(pl.DataFrame({"age": age}))


def test_crude_separation_is_epsilon_squared_of_an_analysis_of_variance() -> None:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, 200)
    score = rng.normal(size=200) + 0.5 * group
    f = f_oneway(score[group == 0], score[group == 1]).statistic
    want = np.sqrt((f - 1) / (f + 198))
    found = estimates(score, group, rng.integers(0, 2, 200))
    assert found["score_separation", "crude"].value == pytest.approx(want)
    within = np.sqrt(sum(((s - s.mean()) ** 2).sum() for s in split(score, group)) / 198)
    d = (score[group == 1].mean() - score[group == 0].mean()) / within
    assert found["score_difference", "crude"].value == pytest.approx(d)


def split(score: np.ndarray, group: np.ndarray) -> list[np.ndarray]:
    return [score[group == c] for c in np.unique(group)]


def test_each_adjustment_takes_its_own_confounding_away() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 4000)
    attribute = (rng.random(4000) < 0.3 + 0.4 * target).astype(int)
    by_outcome = estimates(2 * target + rng.normal(size=4000), attribute, target)
    assert by_outcome["score_difference", "crude"].value > 0.4
    assert abs(by_outcome["score_difference", "within_class"].value) < 0.08
    by_age = estimates(*network(1, 4000))
    d = {a: by_age["score_difference", a].value for a in ADJUSTMENTS}
    assert d["crude"] > d["adjusted"] + 0.2
    assert abs(d["within_class"]) < 0.08
    assert by_age["score_separation", "within_class"].value < 0.04
    real = estimates(*network(1, 4000, effect=0.5))
    assert real["score_difference", "within_class"].value > 0.25
    assert real["score_separation", "within_class"].p == 0.01


def test_an_adjusted_difference_is_the_coefficient_of_a_regression() -> None:
    score, attribute, target, x = network(2, 300, 0.4)
    inside = np.concatenate([x * (target == c)[:, None] for c in (0, 1)], axis=1)
    within = np.sqrt(sum(((s - s.mean()) ** 2).sum() for s in split(score, attribute)) / 298)
    found = estimates(score, attribute, target, x)
    for covariates, name in ((x, "adjusted"), (inside, "within_class")):
        fit = np.linalg.lstsq(np.column_stack([attribute, covariates]), score, rcond=None)[0]
        assert found["score_difference", name].value == pytest.approx(fit[0] / within)


@pytest.mark.parametrize("adjustment", ADJUSTMENTS)
def test_p_values_are_uniform_without_an_effect(adjustment: str) -> None:
    p: dict[str, list[float | None]] = {"score_separation": [], "score_difference": []}
    for seed in range(1000, 1100):
        score, attribute, target, x = network(seed, 120)
        if adjustment == "crude":
            attribute = np.random.default_rng(seed + 10**6).permutation(attribute)
        if adjustment == "adjusted":
            score = score - target
        found = estimates(score, attribute, target, x, replicates=2, seed=seed)
        for name in p:
            p[name].append(found[name, adjustment].p)
    for values in p.values():
        assert kstest(np.array(values, float), "uniform").pvalue > 0.01


def test_about_95_of_100_intervals_hold_the_true_difference_and_separation() -> None:
    held = {"score_difference": 0, "score_separation": 0}
    truth = {"score_difference": 0.6, "score_separation": 0.3 / np.sqrt(1.09)}
    for seed in range(100):
        rng = np.random.default_rng(seed)
        group, target = rng.integers(0, 2, 300), rng.integers(0, 2, 300)
        score = 0.6 * group + rng.normal(size=300)
        found = estimates(score, group, target, permutations=1, replicates=200, seed=seed)
        for name in held:
            low, high = found[name, "within_class"].low, found[name, "within_class"].high
            assert low is not None
            assert high is not None
            held[name] += low <= truth[name] <= high
    assert all(89 <= count <= 99 for count in held.values()), held


def test_swapped_classes_turn_the_sign_and_a_new_scale_changes_nothing() -> None:
    score, attribute, target, x = network(3, 300, 0.4)
    one = estimates(score, attribute, target, x)
    swapped = estimates(score, 1 - attribute, target, x)
    scaled = estimates(1e4 + 7 * score, attribute, target, x)
    both = estimates(np.stack([-score, score], axis=1), attribute, target, x)
    for a in ADJUSTMENTS:
        d, s = one["score_difference", a], one["score_separation", a]
        assert swapped["score_difference", a].value == pytest.approx(-d.value)
        assert swapped["score_difference", a].low == pytest.approx(-(d.high or 0))
        assert swapped["score_separation", a].value == pytest.approx(s.value)
        for other in (scaled, both):
            assert other["score_difference", a].value == pytest.approx(d.value)
            assert other["score_difference", a].low == pytest.approx(d.low)
            assert other["score_separation", a].p == s.p
        assert (d.low or 0) < d.value < (d.high or 0)


def test_neither_order_nor_more_images_of_a_patient_change_anything() -> None:
    score, attribute, target, x = network(4, 200, 0.3)
    rng = np.random.default_rng(0)
    rows = rng.permutation(np.repeat(np.arange(200), rng.integers(1, 4, 200)))
    again = estimates(score[rows], attribute[rows], target[rows], x[rows], rows)
    for key, e in estimates(score, attribute, target, x).items():
        assert again[key].value == pytest.approx(e.value, rel=1e-6)
        assert again[key].high == pytest.approx(e.high, rel=1e-6)
        assert (again[key].p, again[key].subjects) == (e.p, 200)


@pytest.mark.parametrize("few", [1, 2, 5, 10])
def test_a_small_class_has_finite_estimates(few: int) -> None:
    score, attribute, target, x = network(5, 120)
    attribute[:few] = 2
    found = estimates(score, attribute, target, x, classes=THREE)
    assert len(found) == 12
    for e in found.values():
        assert np.isfinite(e.value)
        assert e.reason == ""
        assert e.p is not None


def test_a_class_of_three_is_set_against_all_others() -> None:
    rng = np.random.default_rng(0)
    group, target = rng.integers(0, 3, 900), rng.integers(0, 2, 900)
    found = estimates((group == 1) + 0.1 * rng.normal(size=900), group, target, classes=THREE)
    d = {c: found[f"score_difference:{c}", "within_class"].value for c in THREE}
    assert d["black"] > 5
    assert d["white"] < -2
    assert found["score_separation", "within_class"].value > 0.9


def test_what_cannot_be_estimated_has_a_reason() -> None:
    score, attribute, target, x = network(6, 100)
    constant = estimates(np.full(100, 3.0), attribute, target, x)
    one_class = estimates(score, np.zeros(100, dtype=int), target, x)
    for a in ADJUSTMENTS:
        assert constant["score_separation", a].reason.startswith("the reference does not vary")
        assert one_class["score_separation", a].reason.startswith("the attribute does not vary")
        for found in (constant, one_class):
            assert np.isnan(found["score_difference", a].value)
            assert found["score_difference", a].reason
    missing = estimates(score, attribute, target, x, classes=THREE)
    assert missing["score_difference:asian", "crude"].reason
    assert np.isfinite(missing["score_difference:black", "crude"].value)
    known = estimates(score, target, target, x)
    assert known["score_separation", "within_class"].reason
    nobody = estimates(score[:0], attribute[:0], target[:0], x[:0])
    assert nobody["score_separation", "crude"].reason == "no patient with both labels"
