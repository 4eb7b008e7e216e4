"""The probe of frozen features: what it finds, its interval, its nulls."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import kstest, norm
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from cxrcore.associations import probe
from cxrcore.associations.estimate import Estimate
from cxrcore.associations.probe import (
    _PENALTIES,
    macro_auroc,
    probe_auroc,
    probe_gain,
    probe_scores,
)
from cxrcore.evaluation.bootstrap import patient_weights

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

N, CUT = 300, 200
EACH = np.arange(N)
TRAIN, TEST = EACH[:CUT], EACH[CUT:]
WEIGHTS = patient_weights(N - CUT, 200, 0, "test")


def planted(strength: float = 1.0, classes: int = 3, d: int = 12) -> tuple[Floats, Ints]:
    """Features whose first columns know the class, on any scale."""
    rng = np.random.default_rng(0)
    target = rng.choice(classes, N, p=[0.5, 0.3, 0.2][:classes] if classes == 3 else None)
    x = rng.normal(size=(N, d))
    x[:, :classes] += strength * np.eye(classes)[target]
    return x * np.logspace(-2, 2, d), target


def probed(x: Floats, target: Ints, regressors: Floats | None = None) -> Floats:
    return probe_scores(x, [target], EACH, TRAIN, TEST, 0, regressors)[0]


def estimate(scores: Floats, target: Ints, draws: int = 99) -> Estimate:
    (one,) = probe_auroc(scores, target[TEST], EACH[: N - CUT], WEIGHTS, 0, draws=draws)
    return one


def both(score: Floats) -> Floats:
    return np.stack([-score, score], axis=1)


def centred(scores: Floats) -> Floats:
    return np.asarray(scores - scores.mean(axis=0))


def ragged(rng: np.random.Generator, patients: int, most: int = 6) -> Ints:
    return np.repeat(np.arange(patients), rng.integers(1, most + 1, patients))


def uniform(p: list[float | None]) -> bool:
    values = np.array(p, dtype=float)
    return bool(kstest(values, "uniform").pvalue > 0.01 and np.mean(values <= 0.05) < 0.13)


def test_scores_are_those_of_ridge_regression_and_labels_do_not_matter_to_each_other() -> None:
    x, target = planted()
    other = np.random.default_rng(2).integers(0, 2, N)
    together = probe_scores(x, [target, other], EACH, TRAIN, TEST, 0)
    z = (x - x[TRAIN].mean(axis=0)) / x[TRAIN].std(axis=0)
    for label, scores in zip((target, other), together, strict=True):
        np.testing.assert_allclose(scores, probed(x, label), rtol=0, atol=1e-9)
        for k, score in enumerate(scores.T):
            fits = [Ridge(a * len(TRAIN)).fit(z[TRAIN], label[TRAIN] == k) for a in _PENALTIES]
            off = [np.ptp(score - fit.predict(z[TEST])) for fit in fits]
            assert min(off) < 1e-5


def test_a_probe_finds_what_features_know_and_nothing_else() -> None:
    x, target = planted(2.0)
    found = estimate(probed(x, target), target)
    assert found.value > 0.85
    assert found.p == pytest.approx(0.01)
    assert found.low is not None
    assert found.low < found.value
    shuffled = np.random.default_rng(1).permutation(target)
    blind = estimate(probed(x, shuffled), target)
    assert blind.p is not None
    assert blind.p > 0.05
    assert blind.null_high == blind.smallest_effect


def test_macro_auroc_is_scikit_learns() -> None:
    x, target = planted()
    scores = probed(x, target)
    want = np.mean([roc_auc_score(target[TEST] == c, scores[:, c]) for c in range(3)])
    assert estimate(scores, target, 1).value == pytest.approx(want)


def test_scores_ignore_scale_shift_row_order_constants_and_names_of_classes() -> None:
    x, target = planted()
    scores = probed(x, target)
    np.testing.assert_allclose(centred(probed(-3 * x + 5, target)), centred(scores), atol=1e-4)
    order = np.random.default_rng(3).permutation(N)
    back = np.argsort(order)
    (moved,) = probe_scores(x[order], [target[order]], EACH[order], back[TRAIN], back[TEST], 0)
    np.testing.assert_allclose(moved, scores, atol=1e-4)
    wider = np.column_stack([x, np.full(N, 0.1), np.zeros(N)])
    np.testing.assert_allclose(probed(wider, target), scores, atol=1e-4)
    np.testing.assert_allclose(probed(x, 2 - target)[:, ::-1], scores, atol=1e-4)
    half = probed(x.astype(np.float16), target)
    assert np.corrcoef(half.ravel(), scores.ravel())[0, 1] > 0.999


def test_inner_folds_choose_a_strong_penalty_where_noise_abounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, N)
    x = np.outer(target, np.full(250, 0.12)) + rng.normal(size=(N, 250))
    chosen = estimate(probed(x, target), target, 1).value
    monkeypatch.setattr(probe, "_PENALTIES", np.array([1e-4]))
    assert chosen > estimate(probed(x, target), target, 1).value + 0.1


def test_a_patients_images_stay_in_one_inner_fold() -> None:
    subject = ragged(np.random.default_rng(0), 40)
    fold = probe._patient_folds(subject, 0)
    assert all(len(set(fold[subject == s])) == 1 for s in range(40))
    assert set(fold) == set(range(5))


def test_what_cannot_be_probed_is_an_error_that_says_so() -> None:
    x, target = planted()
    with pytest.raises(ValueError, match="both the train and the test rows"):
        probe_scores(x, [target], np.minimum(EACH, 250), EACH[:260], EACH[260:], 0)
    x[TEST[:3], 1] = np.nan
    with pytest.raises(ValueError, match="3 of 100 images are not finite"):
        probed(x, target)


def test_a_missing_class_is_a_reason_and_no_value() -> None:
    x, target = planted()
    one = np.where(EACH < CUT, target, 1)
    found = estimate(probed(x, one), one)
    assert (found.reason, found.p) == ("a class has no test image", None)
    assert np.isnan(found.value)
    unseen = np.where(EACH < CUT, np.minimum(target, 1), target)
    found = estimate(probed(x, unseen), unseen)
    assert found.reason == "a class has no image to train on"
    (gain,) = probe_gain(probed(x, one), probed(x, one), one[TEST], EACH[:100], WEIGHTS)
    assert gain.reason == "a class has no test image"


@pytest.mark.parametrize("few", [1, 3, 10])
def test_few_patients_of_a_class_are_no_evidence(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_PENALTIES", np.array([1.0, 0.01]))
    x, _ = planted()
    p = []
    for seed in range(20):
        rng = np.random.default_rng([few, seed])
        target = np.zeros(N, dtype=np.intp)
        target[rng.choice(CUT, few, replace=False)] = 1
        target[rng.choice(TEST, few, replace=False)] = 1
        p.append(estimate(probed(x, target), target, 19).p or 0)
    assert np.mean(np.array(p) <= 0.05) <= 0.2


def test_copies_of_every_image_change_nothing() -> None:
    x, target = planted(0.5)
    scores = probed(x, target)
    once = estimate(scores, target)
    copied = np.repeat(EACH[: N - CUT], 3)
    (thrice,) = probe_auroc(scores[copied], target[TEST][copied], copied, WEIGHTS, 0, draws=99)
    assert thrice.subjects == once.subjects == N - CUT
    for a, b in [(thrice.value, once.value), (thrice.low, once.low), (thrice.p, once.p)]:
        assert a == pytest.approx(b)


def test_p_is_uniform_for_patients_with_unequal_numbers_of_images() -> None:
    p = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        subject = ragged(rng, 80)
        score = rng.normal(size=80)[subject] + 0.3 * rng.normal(size=len(subject))
        target = (rng.random(80) < 0.3).astype(np.intp)[subject]
        weights = patient_weights(80, 2, 0, "test")
        p.append(probe_auroc(both(score), target, subject, weights, seed, draws=19)[0].p)
    assert uniform(p)


def test_about_95_of_100_intervals_hold_the_true_auroc() -> None:
    truth, held = norm.cdf(1 / np.sqrt(2)), 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        subject = ragged(rng, 150, 3)
        target = (rng.random(150) < 0.3).astype(np.intp)[subject]
        noise = 0.8 * rng.normal(size=150)[subject] + 0.6 * rng.normal(size=len(subject))
        weights = patient_weights(150, 300, seed, "test")
        (one,) = probe_auroc(both(target + noise), target, subject, weights, 0, draws=1)
        assert one.low is not None
        assert one.high is not None
        held += one.low <= truth <= one.high
    assert 135 <= held <= 149


def by_age(seed: int, beyond: float = 0.0) -> tuple[Floats, Ints, Floats]:
    """Features that encode age, a class that follows age, and the covariates."""
    rng = np.random.default_rng(seed)
    age = rng.normal(size=N)
    target = (np.outer(age, [-1.5, 0, 1.5]) + rng.gumbel(size=(N, 3))).argmax(axis=1)
    x = np.outer(age, rng.normal(size=8)) + rng.normal(size=(N, 8))
    x[:, 0] += beyond * target
    return x, target, np.stack([np.ones(N), age, age**2], axis=1)


def adjusted(seed: int, beyond: float = 0.0) -> Estimate:
    x, target, regressors = by_age(seed, beyond)
    scores, test = probed(x, target, regressors), regressors[TEST]
    return probe_auroc(scores, target[TEST], EACH[: N - CUT], WEIGHTS[:2], seed, test, 19)[0]


def crude(seed: int, beyond: float = 0.0) -> float:
    x, target, _ = by_age(seed, beyond)
    return float(macro_auroc(probed(x, target), target[TEST], np.ones((1, N - CUT)))[0])


def test_beyond_its_covariate_an_attribute_that_follows_it_is_at_chance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probe, "_PENALTIES", np.array([1.0, 0.01]))
    found = [adjusted(seed) for seed in range(50)]
    assert min(crude(seed) for seed in range(3)) > 0.65
    assert abs(np.mean([one.value for one in found]) - 0.5) < 0.02
    assert {(one.adjustment, one.null) for one in found} == {("adjusted", "shuffled residuals")}
    assert uniform([one.p for one in found])


def test_beyond_its_covariate_an_attribute_that_features_know_is_found() -> None:
    one = adjusted(0, beyond=2.0)
    assert 0.6 < one.value < crude(0, beyond=2.0)
    assert one.p == pytest.approx(1 / 20)


def test_a_network_gains_nothing_over_itself() -> None:
    x, target = planted()
    scores = probed(x, target)
    (one,) = probe_gain(scores, scores, target[TEST], EACH[: N - CUT], WEIGHTS)
    assert (one.value, one.low, one.high, one.p) == (0, 0, 0, 1)
    (some,) = probe_gain(scores, -scores, target[TEST], EACH[: N - CUT], WEIGHTS)
    (less,) = probe_gain(-scores, scores, target[TEST], EACH[: N - CUT], WEIGHTS)
    assert some.value == pytest.approx(-less.value)
    assert some.p == less.p == pytest.approx(1 / 201)
    assert (some.low, some.high) == pytest.approx((-(less.high or 0), -(less.low or 0)))


@pytest.mark.parametrize("spread", [1.0, 3.0])
def test_of_equal_networks_the_gain_is_covered_and_p_uniform(spread: float) -> None:
    """Equal AUROC, but the second network's positives may spread more widely."""
    p, held = [], 0
    for seed in range(100):
        rng = np.random.default_rng([7, seed])
        target = (rng.random(150) < 0.3).astype(np.intp)
        ours = target + rng.normal(size=150)
        shift, width = np.sqrt((1 + spread**2) / 2), np.where(target, spread, 1.0)
        theirs = shift * target + width * rng.normal(size=150)
        weights = patient_weights(150, 200, seed, "test")
        (one,) = probe_gain(both(ours), both(theirs), target, np.arange(150), weights)
        p.append(one.p)
        assert one.low is not None
        assert one.high is not None
        held += one.low <= 0 <= one.high
    assert uniform(p)
    assert 89 <= held <= 99
