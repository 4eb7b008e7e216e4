from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrcore.aligned import AlignedMaps, MeanImages, aligned_image
from data_contracts.attributions import LUNG_FRAME

FRAME = np.array(LUNG_FRAME)


def boxes_inside(draw: st.DrawFn) -> list[float]:
    """A box that comes to lie in the frame with all that is in the picture."""
    low = [draw(st.floats(0.0, 0.4)) for _ in range(2)]
    return [*low, *(draw(st.floats(edge + 0.3, 1.0)) for edge in low)]


@given(st.composite(boxes_inside)(), st.integers(3, 9), st.integers(3, 9))
def test_the_sum_over_the_cells_stays_but_for_what_leaves_the_frame(
    box: list[float], height: int, width: int
) -> None:
    maps = np.random.default_rng(0).normal(size=(2, 3, height, width)).astype(np.float16)
    moved = AlignedMaps(maps, np.array([box, box]))[0:2]
    assert moved.shape == maps.shape
    # Where each edge of the picture comes to lie.
    scale = (FRAME[2:] - FRAME[:2]) / (np.array(box[2:]) - box[:2])
    start, end = FRAME[:2] - scale * box[:2], FRAME[2:] + scale * (1 - np.array(box[2:]))
    inside = (start > -1e-9).all() and (end < 1 + 1e-9).all()
    plain = np.ones((1, 1, height, width))
    kept = AlignedMaps(plain, np.array([box]))[0:1].sum() / plain.sum()
    share = np.prod((np.minimum(end, 1) - np.maximum(start, 0)) / (end - start))
    assert kept == pytest.approx(share)
    if inside:
        np.testing.assert_allclose(
            moved.sum(axis=(2, 3)), maps.astype(float).sum(axis=(2, 3)), atol=1e-9
        )


def test_a_box_that_is_the_frame_changes_nothing() -> None:
    maps = np.random.default_rng(0).normal(size=(3, 2, 7, 5))
    moved = AlignedMaps(maps, np.tile(FRAME.astype(np.float32), (3, 1)))
    np.testing.assert_allclose(moved[1:3], maps[1:3], atol=1e-5)
    image = np.random.default_rng(0).integers(0, 255, (32, 32)).astype(np.uint8)
    np.testing.assert_allclose(aligned_image(image, FRAME), image, atol=1e-3)


def test_what_lies_alike_in_the_lungs_comes_to_lie_in_one_cell() -> None:
    # One cell of 10 further down and to the right, as the lungs are.
    maps = np.zeros((2, 1, 10, 10))
    maps[0, 0, 4, 3] = maps[1, 0, 5, 4] = 1
    boxes = np.stack([FRAME, FRAME + 0.1])
    first, second = AlignedMaps(maps, boxes)[0:2]
    np.testing.assert_allclose(first, maps[0], atol=1e-9)
    np.testing.assert_allclose(second, maps[0], atol=1e-9)
    # Lungs of half the size: a cell is shared out among four.
    small = np.array([[0.425, 0.425, 0.425 + 0.65 / 2, 0.425 + 0.70 / 2]])
    (moved,) = AlignedMaps(maps[1:], small)[0:1]
    assert (moved > 0.1).sum() == 4
    assert moved.sum() == pytest.approx(1)


def test_image_and_map_are_moved_alike() -> None:
    image = np.zeros((60, 60), dtype=np.uint8)
    image[36:42, 12:18] = 255
    maps = image.reshape(1, 1, 10, 6, 10, 6).mean(axis=(3, 5))
    box = np.array([0.3, 0.05, 0.9, 0.6])
    moved = aligned_image(image, box).reshape(10, 6, 10, 6).mean(axis=(1, 3))
    (as_map,) = AlignedMaps(maps, box[None])[0:1]
    np.testing.assert_allclose(moved / moved.sum(), as_map[0] / as_map.sum(), atol=0.02)
    small = np.array([0.5, 0.1, 0.8, 0.4])
    rows, columns = np.mgrid[:60, :60] + 0.5
    large = aligned_image(image, small)
    scale = (FRAME[2:] - FRAME[:2]) / (small[2:] - small[:2])
    middle = FRAME[:2] + scale * (np.array([0.65, 0.25]) - small[:2])
    got = [(large * axis).sum() / large.sum() / 60 for axis in (rows, columns)]
    np.testing.assert_allclose(got, middle, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_means_are_of_all_images_and_of_those_with_a_box(dtype: type[np.integer]) -> None:
    top = np.iinfo(dtype).max
    images = np.stack([np.full((16, 16), share * top) for share in (0.2, 0.4)]).astype(dtype)
    means = MeanImages(16, np.dtype(dtype))
    means.add(images, np.stack([FRAME, np.full(4, np.nan)]))
    assert means.mean == pytest.approx(np.full((16, 16), 0.3 * 255), abs=0.5)
    assert means.aligned == pytest.approx(np.full((16, 16), 0.2 * 255), abs=0.5)
    nowhere = MeanImages(16, np.dtype(dtype))
    nowhere.add(images, np.full((2, 4), np.nan))
    assert np.isnan(nowhere.aligned).all()
