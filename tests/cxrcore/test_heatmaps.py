from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from cxrcore import maps
from cxrcore.heatmaps import difference_of_sums, group_sums, subgroup_maps
from cxrcore.maps import ChosenMaps


def planted(n: int = 90, classes: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    target = np.arange(n) % classes
    cam = rng.normal(size=(n, classes, 4, 5)).astype(np.float16)
    return cam, target, rng.random(n) < 0.5


def test_maps_are_the_plain_means_over_images() -> None:
    cam, target, half = planted()
    members = np.stack([np.ones(len(cam), bool), half])
    found = subgroup_maps(cam, target, members)
    exact = cam.astype(np.float64)
    for inside, one in zip(members, found, strict=True):
        np.testing.assert_allclose(one.mean, exact[inside].mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(one.sd, exact[inside].std(axis=0), atol=1e-12)
        for c in range(3):
            own, others = inside & (target == c), inside & (target != c)
            want = exact[own, c].mean(axis=0) - exact[others, c].mean(axis=0)
            np.testing.assert_allclose(one.class_difference[c], want, atol=1e-12)


def test_what_all_images_share_is_not_in_the_class_difference() -> None:
    cam, target, _ = planted()
    whole = np.ones((1, len(cam)), bool)
    plain = subgroup_maps(cam, target, whole)[0]
    shared = cam.astype(np.float64) + 100 * np.arange(20).reshape(4, 5)
    moved = subgroup_maps(shared, target, whole)[0]
    np.testing.assert_allclose(moved.class_difference, plain.class_difference, atol=1e-9)
    assert not np.allclose(moved.mean, plain.mean)


@dataclass
class Watched:
    """Maps that remember how many were read at once."""

    maps: np.ndarray
    asked: list[int] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.maps.shape

    def __getitem__(self, rows: slice) -> np.ndarray:
        self.asked.append(len(self.maps[rows]))
        return self.maps[rows]


def test_blocks_do_not_change_the_sums_and_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    cam, target, _ = planted()
    members = target == np.arange(3)[:, None]
    whole = group_sums(cam, members)
    monkeypatch.setattr(maps, "_BLOCK_VALUES", 7 * 60)
    watched = Watched(cam)
    blocks = group_sums(watched, members)
    assert max(watched.asked) == 7
    assert sum(watched.asked) == len(cam)
    np.testing.assert_allclose(blocks.total, whole.total, atol=1e-9)
    np.testing.assert_array_equal(blocks.images, whole.images)


def test_chosen_maps_come_in_the_order_they_were_chosen_in() -> None:
    cam, _, _ = planted()
    rows = np.array([7, 3, 3, 80, 0])
    chosen = ChosenMaps(cam, rows)
    assert chosen.shape == (5, 3, 4, 5)
    np.testing.assert_array_equal(chosen[1:4], cam[[3, 3, 80]])
    got = np.concatenate([block for _, block in maps.blocks(chosen, at_most=2)])
    np.testing.assert_array_equal(got, cam[rows].astype(float).reshape(5, -1))


def test_a_subgroup_without_images_has_no_map() -> None:
    cam, target, _ = planted()
    (none,) = subgroup_maps(cam, target, np.zeros((1, len(cam)), bool))
    assert np.isnan([none.mean, none.class_difference, none.sd]).all()


def test_a_class_without_others_has_no_difference() -> None:
    images = np.array([[5.0, 0.0], [5.0, 5.0]])
    difference = difference_of_sums(images, np.ones((2, 2, 2, 9)))
    assert np.isnan(difference[0]).all()
    assert np.isfinite(difference[1]).all()
