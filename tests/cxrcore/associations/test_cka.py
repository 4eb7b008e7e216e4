"""Debiased CKA: the formula, its bias, its interval, its null."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import kstest

from cxrcore.associations.cka import _cka_and_without_each, _kernel, cka, debiased_cka
from cxrcore.associations.estimate import Estimate

Floats = NDArray[np.float64]


def shared(seed: int, n: int, d: int = 6, e: int = 9) -> tuple[Floats, Floats]:
    """Two networks' features that share three directions."""
    rng, fixed = np.random.default_rng(seed), np.random.default_rng(99)
    latent = rng.normal(size=(n, 3))
    one, other = fixed.normal(size=(3, d)), fixed.normal(size=(3, e))
    return latent @ one + rng.normal(size=(n, d)), latent @ other + rng.normal(size=(n, e))


def estimate(
    x: Floats, y: Floats, seed: int = 0, patients: int = 2000, draws: int = 99
) -> Estimate:
    (one,) = cka(x, y, np.arange(len(x)), seed, patients, draws)
    return one


def song(x: Floats, y: Floats) -> float:
    """Unbiased HSIC, equation 5 of Song et al. 2012, with n × n matrices."""
    n, one = len(x), np.ones(len(x))
    k, l_ = x @ x.T, y @ y.T
    np.fill_diagonal(k, 0)
    np.fill_diagonal(l_, 0)
    middle = k.sum() * l_.sum() / ((n - 1) * (n - 2))
    return float((np.trace(k @ l_) + middle - 2 / (n - 2) * one @ k @ l_ @ one) / (n * (n - 3)))


@pytest.mark.parametrize(("n", "d"), [(5, 2), (40, 6), (12, 50)])
def test_it_is_the_formula_with_kernels(n: int, d: int) -> None:
    x, y = shared(0, n, d)
    x += 5
    want = song(x, y) / np.sqrt(song(x, x) * song(y, y))
    assert debiased_cka(x, y) == pytest.approx(want, abs=1e-9)


def test_without_each_patient_it_is_that_of_the_others() -> None:
    x, y = shared(0, 15)
    _, each = _cka_and_without_each(_kernel(x), _kernel(y))
    for i in range(15):
        others = np.arange(15) != i
        assert each[i] == pytest.approx(debiased_cka(x[others], y[others]), abs=1e-9)


def test_it_ignores_rotation_scale_shift_and_order_but_not_scale_of_one_feature() -> None:
    x, y = shared(0, 60)
    value = debiased_cka(x, y)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    assert debiased_cka(-3 * x @ turn + 7, y) == pytest.approx(value)
    assert debiased_cka(x[::-1], y[::-1]) == pytest.approx(value)
    assert debiased_cka(y, x) == pytest.approx(value)
    assert debiased_cka(np.column_stack([x, np.full(60, 0.1)]), y) == pytest.approx(value)
    assert debiased_cka(x * [9, 1, 1, 1, 1, 1], y) != pytest.approx(value, abs=0.01)
    assert debiased_cka(x, x) == pytest.approx(1)


def test_of_unrelated_features_it_is_0_on_average_and_p_is_uniform() -> None:
    """Also where d exceeds n: the biased CKA is .8 here."""
    found = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(20, 60)), np.exp(rng.normal(size=(20, 60)))
        found.append(estimate(x, y, seed, draws=39))
    values = np.array([one.value for one in found])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(150)
    p = np.array([one.p for one in found], dtype=float)
    assert kstest(p, "uniform").pvalue > 0.01
    assert {one.null for one in found} == {"shuffled patients"}


def test_the_null_is_of_the_same_statistic() -> None:
    x, y = shared(0, 50)
    found = estimate(x, y, draws=200)
    rng = np.random.default_rng(1)
    again = [debiased_cka(x, y[rng.permutation(50)]) for _ in range(200)]
    assert found.null_high == pytest.approx(np.percentile(again, 95), abs=0.01)
    assert found.p == pytest.approx(1 / 201)


def test_about_95_of_100_intervals_hold_the_populations_value() -> None:
    fixed = np.random.default_rng(99)
    one, other = fixed.normal(size=(3, 6)), fixed.normal(size=(3, 9))
    within = [np.square(a.T @ a + np.eye(a.shape[1])).sum() for a in (one, other)]
    truth = np.square(one.T @ other).sum() / np.sqrt(within[0] * within[1])
    held = 0
    for seed in range(200):
        found = estimate(*shared(seed, 120), draws=1)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert 180 <= held <= 199


def test_a_patient_counts_once_and_no_more_than_asked_for_are_drawn() -> None:
    x, y = shared(0, 30)
    rng = np.random.default_rng(5)
    noise_x, noise_y = rng.normal(size=(90, 6)), rng.normal(size=(90, 9))
    (one,) = cka(noise_x, noise_y, np.arange(90) // 3, 0)
    copies, subject = np.repeat(np.arange(30), 4), np.repeat(np.arange(30), 4)
    (copied,) = cka(x[copies], y[copies], subject, 0)
    assert one.subjects == copied.subjects == 30
    assert copied.value == pytest.approx(debiased_cka(x, y))
    assert estimate(x, y, patients=10).subjects == 10


def test_what_cannot_be_compared_says_why() -> None:
    x, y = shared(0, 30)
    assert estimate(x[:4], y[:4]).reason == "fewer than 5 patients"
    constant = np.full((30, 4), 0.1)
    found = estimate(x, constant)
    assert (found.reason, found.p) == ("the features do not vary", None)
    assert np.isnan(debiased_cka(x, constant))
    x[3, 1] = np.inf
    with pytest.raises(ValueError, match="1 of 30 images are not finite"):
        estimate(x, y)
    x, y = shared(0, 30)
    y[1:] = y[0]
    y[0] += 1  # one patient alone varies: no jackknife
    assert estimate(x, y).low is None
