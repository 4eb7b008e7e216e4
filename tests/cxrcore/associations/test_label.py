from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from scipy.special import expit
from scipy.stats import kstest
from scipy.stats.contingency import association as scipy_association

from cxrcore.associations.estimate import Estimate
from cxrcore.associations.label import label_estimates
from cxrcore.associations.odds import log_odds_ratios
from cxrcore.covariates import design
from cxrcore.evaluation import bootstrap


def bergsmas_v(a: np.ndarray, b: np.ndarray) -> float:
    """Bias-corrected Cramér's V of two labels (Bergsma 2013), from scipy's."""
    table = np.array([[((a == i) & (b == j)).sum() for j in np.unique(b)] for i in np.unique(a)])
    n, (rows, columns) = table.sum(), table.shape
    v = scipy_association(table, method="cramer")
    phi = v**2 * (min(rows, columns) - 1) - (rows - 1) * (columns - 1) / (n - 1)
    corrected = [k - (k - 1) ** 2 / (n - 1) for k in (rows, columns)]
    return float(np.sqrt(max(0.0, phi) / (min(corrected) - 1)))


NAMES = (["survived", "died"], ["white", "black", "asian"])


def estimates(
    reference: np.ndarray, attribute: np.ndarray, regressors: np.ndarray | None = None,
    subject: np.ndarray | None = None, names: tuple[list[str], list[str]] = NAMES,
    permutations: int = 99, replicates: int = 100, seed: int = 0,
) -> dict[tuple[str, str], Estimate]:  # fmt: skip
    n = len(reference)
    subject = np.arange(n) if subject is None else subject
    regressors = np.ones((n, 1)) if regressors is None else regressors
    weights = bootstrap.patient_weights(int(subject.max(initial=-1)) + 1, replicates, seed, "test")
    found = label_estimates(
        reference, attribute, names, regressors, subject, weights, permutations, seed
    )
    return {(e.statistic, e.adjustment): e for e in found}


def by_age(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reference and attribute (2 classes) that both follow age and nothing else, covariates."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(18, 91, n).round()
    reference = rng.random(n) < expit((age - 75) / 12)
    attribute = rng.random(n) < expit((age - 65) / 6)
    return reference.astype(int), attribute.astype(int), design(pl.DataFrame({"age": age}))


TWO = (NAMES[0], ["private", "medicare"])


def test_crude_v_is_bergsmas_and_odds_ratios_are_haldanes() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 2, 200), rng.integers(0, 3, 200)
    b = np.where(rng.random(200) < 0.3, a, b)
    cells = np.array([[((a == i) & (b == j)).sum() + 0.5 for j in range(3)] for i in range(2)])
    found = estimates(a, b)
    assert bergsmas_v(a, b) > 0.1
    assert found["cramers_v", "crude"].value == pytest.approx(bergsmas_v(a, b), abs=1e-9)
    for i, name in ((1, "black"), (2, "asian")):
        want = cells[1, i] * cells[0, 0] / (cells[0, i] * cells[1, 0])
        assert found[f"odds_ratio:{name}", "crude"].value == pytest.approx(want)


def test_firth_is_maximum_likelihood_in_a_large_sample() -> None:
    y, b, x = by_age(1, 20_000)
    found = estimates(y, b, x, names=TWO, permutations=9, replicates=4)["odds_ratio", "adjusted"]
    fit = sm.GLM(y, np.column_stack([b, x]), family=sm.families.Binomial()).fit()
    assert found.value == pytest.approx(np.exp(fit.params[0]), rel=2e-3)


def test_one_step_resamples_are_close_to_refits() -> None:
    y, b, x = by_age(2, 800)
    group, weights = np.eye(2)[b], bootstrap.patient_weights(800, 6, 0, "test")
    _, draws = log_odds_ratios(y.astype(float), group, x, weights)
    for row, draw in zip(weights, draws[:, 0], strict=True):
        rows = np.repeat(np.arange(800), row)
        again, _ = log_odds_ratios(y[rows].astype(float), group[rows], x[rows], weights[:0])
        assert draw == pytest.approx(again[0], abs=0.03)


def test_a_tie_through_age_alone_is_large_crude_and_nothing_adjusted() -> None:
    found = estimates(*by_age(3, 5000), names=TWO)
    assert found["cramers_v", "crude"].value > 0.3
    assert found["cramers_v", "crude"].p == 0.01
    assert found["cramers_v", "adjusted"].value < 0.03
    assert (found["cramers_v", "adjusted"].p or 0) > 0.02
    assert found["odds_ratio", "crude"].value > 3
    assert 0.7 < found["odds_ratio", "adjusted"].value < 1.4


def test_p_values_are_uniform_where_both_labels_follow_age() -> None:
    p = [
        estimates(*by_age(s, 200), names=TWO, replicates=2, seed=s)["cramers_v", "adjusted"].p
        for s in range(150)
    ]
    assert kstest(np.array(p, float), "uniform").pvalue > 0.01
    assert np.mean(np.array(p, float) <= 0.05) <= 0.085


def test_crude_p_values_are_uniform_without_an_association() -> None:
    p = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        a, b = rng.integers(0, 2, 100), rng.integers(0, 3, 100)
        p.append(estimates(a, b, seed=seed, replicates=2)["cramers_v", "crude"].p)
    assert kstest(np.array(p, float), "uniform").pvalue > 0.01


def test_about_95_of_100_intervals_hold_the_true_odds_ratio_and_v() -> None:
    truth = {"odds_ratio": np.exp(0.8), "cramers_v": 0.1971}
    held = dict.fromkeys(truth, 0)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        b = rng.integers(0, 2, 500)
        y = (rng.random(500) < expit(-0.4 + 0.8 * b)).astype(int)
        found = estimates(y, b, names=TWO, seed=seed, permutations=1, replicates=200)
        for name in truth:
            low, high = found[name, "adjusted"].low, found[name, "adjusted"].high
            assert low is not None
            assert high is not None
            held[name] += low <= truth[name] <= high
    assert all(89 <= count <= 99 for count in held.values()), held


def test_swapped_classes_give_the_reciprocal_and_the_same_v() -> None:
    y, b, x = by_age(4, 400)
    one, other = estimates(y, b, x, names=TWO), estimates(y, 1 - b, x, names=TWO)
    for adjustment in ("crude", "adjusted"):
        plain, swapped = one["odds_ratio", adjustment], other["odds_ratio", adjustment]
        assert swapped.value == pytest.approx(1 / plain.value)
        assert swapped.low == pytest.approx(1 / (plain.high or 0), rel=1e-3)
        v, w = one["cramers_v", adjustment], other["cramers_v", adjustment]
        assert v.value == pytest.approx(w.value)
        assert v.p == w.p


def test_neither_order_nor_more_images_of_a_patient_change_anything() -> None:
    y, b, x = by_age(5, 200)
    rng = np.random.default_rng(0)
    rows = rng.permutation(np.repeat(np.arange(200), rng.integers(1, 4, 200)))
    once, again = estimates(y, b, x, names=TWO), estimates(y[rows], b[rows], x[rows], rows, TWO)
    for key, e in once.items():
        assert again[key].value == pytest.approx(e.value, rel=1e-6)
        assert again[key].low == pytest.approx(e.low, rel=1e-6, abs=1e-9)
        assert again[key].p == e.p


@pytest.mark.parametrize("few", [1, 2, 5, 10])
@pytest.mark.parametrize("outcome", [0, 1])
def test_a_small_class_with_one_outcome_has_finite_estimates(few: int, outcome: int) -> None:
    rng = np.random.default_rng(few)
    y, b = rng.integers(0, 2, 120), np.arange(120) % 2
    b[:few], y[:few] = 2, outcome
    x = design(pl.DataFrame({"age": rng.uniform(20, 90, 120), "view": ["PA"] * 120}))
    for (name, _), e in estimates(y, b, x).items():
        assert np.isfinite(e.value), name
        assert e.value < 1e3
        assert e.reason == ""


def test_what_cannot_be_estimated_has_a_reason() -> None:
    y, b, x = by_age(6, 100)
    nothing = np.zeros(100, dtype=int)
    cases = [
        (estimates(y, nothing, x, names=TWO), "the attribute does not vary"),
        (estimates(nothing, b, x, names=TWO), "the reference does not vary"),
    ]
    for found, reason in cases:
        assert found["cramers_v", "crude"].reason == reason
        assert np.isnan(found["cramers_v", "crude"].value)
    assert cases[0][0]["odds_ratio", "crude"].reason == "not estimable for medicare against private"
    known = estimates(y, b, np.column_stack([x, b]), names=TWO)
    reason = "the attribute does not vary beyond the covariates"
    assert known["cramers_v", "adjusted"].reason == reason
    assert np.isnan(known["odds_ratio", "adjusted"].value)
    assert np.isfinite(known["odds_ratio", "crude"].value)
    empty = estimates(nothing[:0], nothing[:0], x[:0], names=TWO)
    assert empty["cramers_v", "crude"].reason == "no patient with both labels"


def test_a_reference_of_three_classes_has_v_only() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    found = estimates(y, (y + (rng.random(300) < 0.3)) % 3, names=(NAMES[1], NAMES[1]))
    assert set(found) == {("cramers_v", "crude"), ("cramers_v", "adjusted")}
    assert found["cramers_v", "adjusted"].value > 0.5
