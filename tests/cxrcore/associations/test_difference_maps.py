"""Class-difference maps: what they equal, what they do not depend on, what they adjust away."""

from __future__ import annotations

import numpy as np
import pytest
from marked_maps import SIDE, N, drawn, of
from scipy.stats import kstest

from cxrcore.associations.maps import pearson, rms_over_classes
from cxrcore.evaluation.bootstrap import patient_weights
from cxrcore.heatmaps import subgroup_maps


def test_of_two_classes_it_is_the_difference_of_means() -> None:
    maps, facts = drawn(0)
    centred = maps - maps.mean(axis=1, keepdims=True)
    everyone = np.ones((1, N), dtype=bool)
    want = subgroup_maps(centred, facts["target"], everyone)[0].class_difference
    np.testing.assert_allclose(
        of(maps, facts, replicates=0).evidence,
        rms_over_classes(want.reshape(2, -1)),
        rtol=1e-5,
        atol=1e-7,
    )


def test_resamples_are_those_of_the_patients_drawn_again() -> None:
    maps, facts = drawn(1, classes=3)
    found = of(maps, facts, replicates=200)
    weights = patient_weights(N, 200, 0, "test")
    for row, drawn_again in zip(found.resampled[:4], weights, strict=False):
        rows = np.repeat(np.arange(N), drawn_again)
        again = {k: v[rows] if k != "subject" else np.arange(len(rows)) for k, v in facts.items()}
        # The regression is held fixed, so equal up to second order.
        assert pearson(row, of(maps[rows], again, replicates=200).evidence) > 0.95


def test_what_does_not_matter() -> None:
    maps, facts = drawn(2, classes=3)
    plain = of(maps, facts)
    order = np.random.default_rng(0).permutation(N)
    shuffled = of(maps[order], {k: v[order] for k, v in facts.items()})
    common = of(maps + 7 * np.random.default_rng(1).normal(size=(N, 1, SIDE, SIDE)), facts)
    swapped = of(maps[:, ::-1].copy(), facts | {"target": 2 - facts["target"]})
    twice = {k: np.concatenate([v, v]) for k, v in facts.items()}
    doubled = of(np.concatenate([maps, maps]), twice)
    for other in (shuffled, common, swapped, doubled):
        np.testing.assert_allclose(other.evidence, plain.evidence, rtol=1e-3, atol=1e-5)
    assert doubled.subjects == plain.subjects == N


def test_covariates_take_away_what_they_explain() -> None:
    maps, facts = drawn(3, effect=0.0, by_age=1.0, n=400)
    crude, adjusted = (of(maps, facts, adjusted=a) for a in (False, True))
    assert crude.evidence.argmax() == 3 * SIDE + 3
    assert crude.difference.p == 0.01
    assert (adjusted.difference.p or 0) > 0.05
    assert adjusted.evidence[3 * SIDE + 3] < 0.3 * crude.evidence[3 * SIDE + 3]
    marked, facts = drawn(3, effect=1.0, by_age=1.0, n=400)
    assert of(marked, facts, adjusted=True).evidence.argmax() == SIDE + 1


@pytest.mark.parametrize("adjusted", [False, True])
def test_p_of_any_difference_is_uniform_without_one(adjusted: bool) -> None:
    found = [
        of(*drawn(100 + s, effect=0.0, by_age=0.5 * adjusted, n=60), replicates=2,
           adjusted=adjusted).difference.p
        for s in range(100)
    ]  # fmt: skip
    assert kstest(np.array(found, dtype=float), "uniform").pvalue > 0.01


@pytest.mark.parametrize("few", [1, 3, 10])
def test_a_class_of_few_patients_does_not_rule(few: int) -> None:
    maps, facts = drawn(4, classes=3, effect=1.5, n=300)
    two = facts["target"] % 2
    facts["target"] = np.where(np.arange(300) < few, 2, two)
    maps[np.arange(300), facts["target"], 1, 1] += 1.5
    found = of(maps, facts)
    assert found.evidence.argmax() == SIDE + 1
    assert np.isfinite(found.resampled).all()


def test_noise_that_is_strongest_in_one_place_is_no_evidence() -> None:
    rng = np.random.default_rng(7)
    r = []
    for seed in range(40):
        two = []
        for _ in range(2):
            maps, facts = drawn(200 + seed, effect=0.0)
            maps = rng.normal(size=maps.shape)
            maps[:, :, 1:4, 1:4] *= 6
            facts["target"] = rng.integers(0, 2, N)
            two.append(of(maps, facts, replicates=100, permutations=2).evidence)
        r.append(float(np.nan_to_num(pearson(two[0], two[1]))))
    # Without the correction it is about 0.5: both maps show where the noise is.
    assert np.mean(r) < 0.3


def test_one_class_has_no_difference() -> None:
    maps, facts = drawn(5)
    found = of(maps, facts | {"target": np.zeros(N, dtype=np.intp)})
    assert not found.evidence.any()
    assert found.difference.p is None


def test_reliability_is_that_of_the_whole() -> None:
    strong, weak = (of(*drawn(6, effect=e, n=200)) for e in (3.0, 0.0))
    assert strong.reliability > 0.85
    assert abs(weak.reliability) < 0.3
