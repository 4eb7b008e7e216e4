from __future__ import annotations

import numpy as np
import pytest

from cxrcore import heatmaps
from cxrcore.heatmaps import contrast_of_sums, group_sums, stratum_maps


def planted(n: int = 90, classes: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    target = np.arange(n) % classes
    cam = rng.normal(size=(n, classes, 4, 5)).astype(np.float16)
    return cam, target, rng.random(n) < 0.5


def test_maps_are_the_plain_means_over_images() -> None:
    cam, target, half = planted()
    strata = np.stack([np.ones(len(cam), bool), half])
    found = stratum_maps(lambda a, b: cam[a:b], cam.shape, target, strata, np.arange(len(cam)), 1)
    exact = cam.astype(np.float64)
    for inside, maps in zip(strata, found, strict=True):
        np.testing.assert_allclose(maps.mean, exact[inside].mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(maps.sd, exact[inside].std(axis=0), atol=1e-12)
        for c in range(3):
            own, others = inside & (target == c), inside & (target != c)
            want = exact[own, c].mean(axis=0) - exact[others, c].mean(axis=0)
            np.testing.assert_allclose(maps.contrast[c], want, atol=1e-12)


def test_what_all_images_share_is_not_in_the_contrast() -> None:
    cam, target, _ = planted()
    whole = np.ones((1, len(cam)), bool)
    subject = np.arange(len(cam))
    plain = stratum_maps(lambda a, b: cam[a:b], cam.shape, target, whole, subject, 1)[0]
    shared = cam.astype(np.float64) + 100 * np.arange(20).reshape(4, 5)
    moved = stratum_maps(lambda a, b: shared[a:b], cam.shape, target, whole, subject, 1)[0]
    np.testing.assert_allclose(moved.contrast, plain.contrast, atol=1e-9)
    assert not np.allclose(moved.mean, plain.mean)


def test_blocks_do_not_change_the_sums_and_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    cam, target, _ = planted()
    members = target == np.arange(3)[:, None]
    whole = group_sums(lambda a, b: cam[a:b], cam.shape, members)
    asked: list[int] = []

    def read(start: int, stop: int) -> np.ndarray:
        asked.append(stop - start)
        return cam[start:stop]

    monkeypatch.setattr(heatmaps, "_BLOCK_VALUES", 7 * 60)
    blocks = group_sums(read, cam.shape, members)
    assert max(asked) == 7
    assert sum(asked) == len(cam)
    np.testing.assert_allclose(blocks.total, whole.total, atol=1e-9)
    np.testing.assert_array_equal(blocks.images, whole.images)


def test_maps_of_few_patients_are_not_given() -> None:
    cam, _, _ = planted()
    target = np.zeros(len(cam), dtype=int)
    target[:10] = 1  # ten patients: one below the smallest cell
    strata = np.stack([np.ones(len(cam), bool), target == 1])
    maps, few = stratum_maps(
        lambda a, b: cam[a:b], cam.shape, target, strata, np.arange(len(cam)), 11
    )
    assert np.isfinite(maps.mean).all()
    assert np.isnan(maps.contrast[:2]).all()
    assert np.isnan(few.mean).all()
    # Twelve images of six patients are six patients.
    same = np.arange(len(cam)) // 2
    twelve = (np.arange(len(cam)) < 12)[None]
    assert np.isnan(
        stratum_maps(lambda a, b: cam[a:b], cam.shape, target, twelve, same, 11)[0].mean
    ).all()


def test_contrast_without_others_is_nan() -> None:
    images = np.array([[5.0, 0.0], [5.0, 5.0]])
    contrast = contrast_of_sums(images, np.ones((2, 2, 2, 9)))
    assert np.isnan(contrast[0]).all()
    assert np.isfinite(contrast[1]).all()
