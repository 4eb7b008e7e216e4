from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.stats import norm

from cxrcore.evaluation import bootstrap, metrics


def test_patient_weights_draw_as_many_patients_as_there_are_and_depend_on_seed_and_key_only() -> (
    None
):
    weights = bootstrap.patient_weights(40, 50, 1, "test")
    assert (weights.sum(axis=1, dtype=int) == 40).all()
    np.testing.assert_array_equal(weights, bootstrap.patient_weights(40, 50, 1, "test"))
    assert (weights != bootstrap.patient_weights(40, 50, 2, "test")).any()
    assert (weights != bootstrap.patient_weights(40, 50, 1, "val")).any()


def test_images_are_drawn_with_their_patient_whatever_the_block_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weights = bootstrap.patient_weights(3, 20, 0, "test")
    subject = np.array([0, 0, 1, 2, 2])
    whole = np.concatenate(list(bootstrap.image_weights(weights, subject)))
    np.testing.assert_array_equal(whole[:, 0], whole[:, 1])
    monkeypatch.setattr(bootstrap, "_CHUNK_VALUES", 15)
    blocks = list(bootstrap.image_weights(weights, subject))
    assert max(len(b) for b in blocks) == 3
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_interval_leaves_out_and_counts_replicates_without_a_value() -> None:
    values = np.append(np.arange(101.0), [np.nan] * 3)
    assert bootstrap.percentile_interval(values) == (2.5, 97.5, 3)
    assert bootstrap.percentile_interval(np.array([1.0, np.nan, np.nan])) == (None, None, 2)
    assert bootstrap.percentile_interval(np.empty(0)) == (None, None, 0)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    # Binormal scores: the true AUROC is Phi(1 / sqrt 2) = 0.7602.
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        positive = rng.random(150) < 0.4
        scores = rng.normal(size=150) + positive
        weights = bootstrap.patient_weights(150, 300, seed, "test")
        area = partial(metrics.auroc, scores, positive)
        values = bootstrap.resample(area, weights, np.arange(150))
        low, high, _ = bootstrap.percentile_interval(values)
        hits += bool(low is not None and high is not None and low <= 0.76025 <= high)
    assert 51 <= hits <= 60


def test_interval_of_a_correlation_mirrors_with_its_sign() -> None:
    resampled = 0.85 + 0.1 * np.random.default_rng(0).beta(3, 2, 500)
    low, high, _ = bootstrap.correlation_interval(0.96, resampled)
    mirrored = bootstrap.correlation_interval(-0.96, -resampled)
    assert low is not None
    assert high is not None
    assert mirrored[:2] == pytest.approx((-high, -low))
    assert high == pytest.approx(min(1, 2 * 0.96 - np.percentile(resampled, 2.5)))


@pytest.mark.parametrize(("size", "prevalence"), [(400, 0.1), (300, 0.4)])
def test_the_logit_interval_of_an_auprc_covers_it(size: int, prevalence: float) -> None:
    grid = np.linspace(-8, 9, 20_001)
    hit, missed = norm.sf(grid - 1), norm.sf(grid)
    precision = prevalence * hit / (prevalence * hit + (1 - prevalence) * missed)
    truth, inside = -np.trapezoid(precision, hit), 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        positive = rng.random(size) < prevalence
        scores = rng.normal(size=size) + positive
        weights = np.vstack([np.ones(size), bootstrap.patient_weights(size, 200, seed, "test")])
        values = metrics.auprc(scores, positive, weights)
        low, high, _ = bootstrap.logit_interval(values[0], values[1:])
        assert low is not None
        assert high is not None
        inside += low <= truth <= high
    assert 181 <= inside <= 197


def test_the_log_interval_of_a_ratio_covers_it_on_both_sides() -> None:
    """A ratio whose logarithm is normal, and resamples that are too high once more."""
    above = below = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        value = np.exp(0.1 + rng.normal(0, 0.2))
        low, high, _ = bootstrap.log_interval(value, value * np.exp(0.1 + rng.normal(0, 0.2, 200)))
        assert low is not None
        assert high is not None
        above, below = above + (low > 1), below + (high < 1)
    assert 2 <= above <= 15
    assert 2 <= below <= 15


def test_the_interval_of_a_ratio_that_may_be_negative_are_its_percentiles() -> None:
    values = np.linspace(-1, 2, 101)
    assert bootstrap.log_interval(0.5, values) == bootstrap.percentile_interval(values)
    assert bootstrap.log_interval(-0.5, values + 2) == bootstrap.percentile_interval(values + 2)
    few = np.array([1.0, np.nan, np.nan])
    assert bootstrap.log_interval(1.0, few) == (None, None, 2)


@pytest.mark.parametrize("truth", [0.5, 0.85, 0.99])
def test_the_interval_of_a_share_covers_it_also_where_all_or_none_have_it(truth: float) -> None:
    inside = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        has = rng.random(50) < truth
        values = np.array([rng.choice(has, 50).mean() for _ in range(100)])
        low, high, _ = bootstrap.share_interval(has.mean(), values, 50)
        assert low is not None
        assert high is not None
        inside += low <= truth <= high
        turned = bootstrap.share_interval(1 - has.mean(), 1 - values, 50)
        assert turned[:2] == pytest.approx((1 - high, 1 - low))
    assert inside >= 184


def test_an_auprc_without_scatter_on_the_logit_scale_has_no_interval() -> None:
    assert bootstrap.logit_interval(1.0, np.ones(9)) == (None, None, 0)
    assert bootstrap.logit_interval(0.5, np.full(4, np.nan)) == (None, None, 4)
