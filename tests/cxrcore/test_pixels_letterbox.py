"""Letterboxing and the polarity hint."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrcore.pixels import letterbox
from cxrcore.pixels.near_duplicates import MOST_BITS, near_duplicate_pairs
from cxrcore.pixels.result import DecodedImage, UnusableError

sides = st.integers(1, 400)
sizes = st.integers(16, 96)


def noise(
    height: int, width: int, seed: int = 0
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


@given(sides, sides, sizes)
def test_the_box_lies_inside_touches_two_sides_and_keeps_the_aspect(
    height: int, width: int, size: int
) -> None:
    top, left, bottom, right = letterbox.content_bbox(height, width, size)
    assert 0 <= top < bottom <= size
    assert 0 <= left < right <= size
    assert max(bottom - top, right - left) == size
    assert abs(top - (size - bottom)) <= 1
    assert abs(left - (size - right)) <= 1
    wanted = max(1, min(height, width) * size / max(height, width))
    assert abs(min(bottom - top, right - left) - wanted) <= 0.5


@given(st.integers(32, 200), st.integers(32, 200), sizes)
def test_the_square_is_black_around_the_box(height: int, width: int, size: int) -> None:
    image = np.maximum(noise(height, width), 1) // 2 + 64
    image[: height // 2] //= 2
    made = letterbox.to_square(DecodedImage(image, "window", (height, width), "dicom"), size)
    top, left, bottom, right = made.content_bbox
    assert made.pixels.shape == (size, size)
    assert made.pixels[top:bottom, left:right].min() > 0
    outside = made.pixels.copy()
    outside[top:bottom, left:right] = 0
    assert not outside.any()


def test_near_duplicates_share_most_bits_and_others_do_not() -> None:
    image = noise(64, 60)
    same = letterbox.difference_hash(image)
    assert (letterbox.difference_hash(image // 2 + 20) == same).mean() > 0.9
    for other in (noise(64, 60, seed=1), np.ascontiguousarray(image[::-1])):
        assert np.bitwise_count(letterbox.difference_hash(other) ^ same).sum() > 12
    # Bright above dark, and the other way round: no bit is the same.
    ramp = np.repeat(np.arange(64, dtype=np.uint8)[:, None], 60, axis=1)
    hashes = [letterbox.difference_hash(r) for r in (ramp, ramp[::-1])]
    assert [np.bitwise_count(h).sum() for h in hashes] == [64, 0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**64 - 1)), max_size=12))
def test_pairs_are_counted_within_studies(images: list[tuple[int, int]]) -> None:
    # Hashes near each other, beside any.
    images += [(study, bits ^ 0b11110) for study, bits in images[:3]]
    studies = np.array([study for study, _ in images], dtype=np.int64)
    hashes = np.array([bits for _, bits in images], dtype=np.uint64).view(np.uint8).reshape(-1, 8)
    one_by_one = sum(
        images[i][0] == images[j][0] and (images[i][1] ^ images[j][1]).bit_count() <= MOST_BITS
        for i in range(len(images))
        for j in range(i)
    )
    assert near_duplicate_pairs(hashes, studies) == one_by_one


def test_a_square_of_the_right_size_is_left_as_it_is() -> None:
    image = noise(64, 64)
    made = letterbox.to_square(DecodedImage(image, "as_stored", (64, 64), "png"), 64)
    assert (made.pixels == image).all()
    assert made.content_bbox == (0, 0, 64, 64)


def test_small_and_blank_pictures_are_refused() -> None:
    with pytest.raises(UnusableError) as small:
        letterbox.to_square(DecodedImage(noise(31, 99), "as_stored", (31, 99), "png"), 64)
    assert small.value.reject.reason == "too_small"
    grey = np.full((99, 99), 90, np.uint8)
    grey[0] = 91
    with pytest.raises(UnusableError) as blank:
        letterbox.to_square(DecodedImage(grey, "as_stored", (99, 99), "png"), 64)
    assert blank.value.reject.reason == "blank"


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (64, 64), (64, 5), (224, 190)])
def test_a_bright_border_is_seen(shape: tuple[int, int]) -> None:
    dark = np.zeros(shape, np.uint8)
    dark[shape[0] // 3 : -(-2 * shape[0] // 3), shape[1] // 3 : -(-2 * shape[1] // 3)] = 200
    assert not letterbox.border_is_brighter(dark)
    assert letterbox.border_is_brighter(255 - dark) == (shape != (1, 1))
