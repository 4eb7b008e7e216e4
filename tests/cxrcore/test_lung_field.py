from __future__ import annotations

import numpy as np
import pytest

from cxrcore.lung_field import lung_box
from cxrcore.synthetic import phantom

SIZE = 112


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A phantom, uint8, and the box of its lungs as they were drawn."""
    rng = np.random.default_rng([seed, 0])
    pose = phantom.random_pose(rng)
    breath = np.random.default_rng()
    breath.bit_generator.state = rng.bit_generator.state
    dome = breath.uniform(-1, 1, 4)[2]
    image = phantom.add_noise(rng, phantom.expose(rng, phantom.frontal(rng, pose, SIZE)))
    u, v = phantom.body_frame(pose, SIZE)
    rows, columns = np.nonzero(phantom._lung(u, v, phantom._dome(u, float(dome))) > 0.5)
    box = np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]) / SIZE
    return (255 * image).astype(np.uint8), box


WHOLE = np.array([0, 0, SIZE, SIZE], dtype=np.int16)


def test_the_box_is_that_of_the_drawn_lungs() -> None:
    found = [(lung_box(image, WHOLE), box) for image, box in map(drawn, range(30))]
    boxes, truth = (np.stack(part) for part in zip(*found, strict=True))
    assert np.isfinite(boxes).all()
    away = boxes - truth
    # Soft edges and vessels are taken for the wall of the chest, in all alike.
    assert np.abs(away).max() < 0.07
    assert (away.std(axis=0) < 0.5 * truth.std(axis=0)).all()


def test_a_shifted_picture_has_a_shifted_box() -> None:
    image, _ = drawn(3)
    square, shift = np.zeros((SIZE, SIZE), dtype=np.uint8), np.array([4, -3, 4, -3])
    square[4:, :-3] = image[:-4, 3:]
    inside = WHOLE + np.array([4, 0, 0, -3])
    np.testing.assert_allclose(
        lung_box(square, inside), lung_box(image, WHOLE) + shift / SIZE, atol=0.04
    )


def test_grey_levels_of_another_scale_and_padding_change_little() -> None:
    image, _ = drawn(5)
    box = lung_box(image, WHOLE)
    np.testing.assert_array_equal(lung_box(image.astype(np.uint16) * 257, WHOLE), box)
    padded = np.zeros((2 * SIZE, 2 * SIZE), dtype=np.uint8)
    padded[SIZE // 2 : -SIZE // 2, SIZE // 2 : -SIZE // 2] = image
    np.testing.assert_array_equal(lung_box(padded, WHOLE + SIZE // 2), 0.25 + box / 2)


@pytest.mark.parametrize("seed", range(3))
def test_what_has_no_two_lungs_has_no_box(seed: int) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 255, (SIZE, SIZE)).astype(np.uint8)
    one_lung = drawn(seed)[0]
    one_lung[:, : SIZE // 2] = 200
    lateral = phantom.lateral(rng, phantom.random_pose(rng), SIZE)
    for image in (noise, one_lung, np.full_like(noise, 90), lateral):
        assert np.isnan(lung_box(image, WHOLE)).all()
