"""Same place, same image, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marked_maps import SIDE, drawn, of

from cxrcore.associations.map_similarity import (
    _further_from_zero,
    any_difference,
    same_image,
    same_place,
)
from cxrcore.associations.maps import unit_maps
from cxrcore.evaluation.bootstrap import patient_weights


def compared(effects: tuple[float, float], n: int = 200) -> dict[str, float]:
    two = [of(*drawn(seed, effect=e, n=n)) for seed, e in zip((0, 1), effects, strict=True)]
    found = same_place(two[0], two[1], (SIDE, SIDE), "crude", 199, 0)
    assert found[0].low is not None
    assert found[0].high is not None
    assert found[0].low <= found[0].value <= found[0].high <= 1
    assert found[0].resampled is not None
    return {e.statistic: e.value for e in found} | {"p": found[0].p or 1.0}


def test_two_networks_with_one_mark_share_its_place() -> None:
    found = compared((2.0, 2.0))
    assert found["pearson_of_class_differences"] > 0.85
    assert found["disattenuated_r"] >= found["pearson_of_class_differences"]
    assert found["p"] < 0.05


def test_noise_is_not_corrected_for() -> None:
    found = compared((2.0, 0.0))
    assert np.isnan(found["disattenuated_r"])
    assert found["p"] > 0.05


@pytest.mark.parametrize("effect", [0.3, 0.6])
def test_faint_maps_of_one_place_leave_room_for_it(effect: float) -> None:
    """Noise pulls r towards 0, its interval too; a small upper end would deny what is there."""
    found = []
    for seed in range(15):
        one, other = (of(*drawn(2 * seed + i, effect=effect)) for i in (0, 1))
        found += same_place(one, other, (SIDE, SIDE), "crude", 9, 0)[:1]
    assert np.mean([one.value for one in found]) < 0.75
    assert sum((one.high or 0) > 0.95 for one in found) >= 14


@given(st.floats(-1, 1), st.floats(0, 1), st.none() | st.floats(0.3, 1))
def test_only_the_end_further_from_zero_moves_and_signs_mirror(
    low: float, width: float, root: float | None
) -> None:
    high = min(1.0, low + width)
    ends = _further_from_zero(low, high, root)
    assert ends[0] is not None
    assert ends[1] is not None
    assert -1 <= ends[0] <= low <= high <= ends[1] <= 1
    assert low < 0 or ends[0] == low
    assert high > 0 or ends[1] == high
    mirrored = _further_from_zero(-high, -low, root)
    assert mirrored == (-ends[1], -ends[0])


def test_the_largest_t_is_judged_by_shuffled_labels() -> None:
    strong, none = (any_difference(of(*drawn(3, effect=e)), "crude") for e in (2.0, 0.0))
    assert strong.p == 0.01
    assert (none.p or 0) > 0.05
    assert strong.value > (strong.null_high or np.inf)


def images(seed: int, shared: np.ndarray, own: float) -> np.ndarray:
    """Maps (n, 2, 5, 5) that hold `shared` (n, 5, 5) with opposite signs, and noise."""
    noise = own * np.random.default_rng(seed).normal(size=(len(shared), 2, SIDE, SIDE))
    return np.asarray(noise + np.stack([-shared, shared], axis=1))


@pytest.mark.parametrize("per_image", [False, True])
def test_the_same_image_counts_beyond_what_a_group_shares(per_image: bool) -> None:
    n = 80
    rng = np.random.default_rng(0)
    common = np.zeros((SIDE, SIDE))
    common[1, 1] = 3
    shared = common + (2 * rng.normal(size=(n, SIDE, SIDE)) if per_image else np.zeros((n, 1, 1)))
    a, b = images(1, shared, 1.0), images(2, shared, 1.0)
    weights = patient_weights(n, 50, 0, "test")
    group = np.zeros(n, dtype=np.intp)
    found = same_image(unit_maps(a), unit_maps(b), group, np.arange(n), weights, 199, 0, "crude")
    # In both cases the maps are alike; only in one beyond what all images share.
    assert found.value > 0.3
    assert ((found.p or 1) < 0.01) == per_image


def test_images_without_a_map_are_left_out() -> None:
    n = 20
    a, b = (images(s, np.zeros((n, SIDE, SIDE)), 1.0) for s in (0, 1))
    a[:5] = 0
    weights = patient_weights(n, 20, 0, "test")
    group, every = np.zeros(n, dtype=np.intp), np.arange(n)
    assert (
        same_image(unit_maps(a), unit_maps(b), group, every, weights, 19, 0, "crude").subjects == 15
    )
    a[:] = 0
    assert same_image(unit_maps(a), unit_maps(b), group, every, weights, 19, 0, "crude").reason
