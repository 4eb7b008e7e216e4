"""The pass over stored pixels beside the same in 64-bit floating point."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cxrcore.pixels.kernels import area_average, count_codes
from cxrcore.pixels.result import Coding, GreyScale

Floats = NDArray[np.float64]
shapes = st.tuples(st.integers(1, 90), st.integers(1, 90))


def overlaps(pixels: int, cells: int, extent: float) -> Floats:
    """The share of each cell that each pixel covers: (cells, pixels)."""
    edges, pixel = np.linspace(0, extent, cells + 1), np.arange(pixels)
    left, right = np.maximum(edges[:-1, None], pixel), np.minimum(edges[1:, None], pixel + 1)
    return np.asarray(np.maximum(right - left, 0) * cells / extent)


def plain(
    codes: NDArray[Any], scale: GreyScale, rows: int, columns: int, extent: tuple[float, float]
) -> Floats:
    value = scale.coding.stored()[codes & ((1 << scale.coding.bits) - 1)]
    brightness = np.clip((value - scale.dark) / (scale.bright - scale.dark), 0, 1)
    if scale.padding:
        brightness[(value >= scale.padding[0]) & (value <= scale.padding[1])] = 0
    down = overlaps(codes.shape[0], rows, extent[0])
    return np.asarray(down @ brightness @ overlaps(codes.shape[1], columns, extent[1]).T)


def noise(shape: tuple[int, int], bits: int = 8) -> NDArray[Any]:
    whole = np.uint8 if bits <= 8 else np.uint16
    return np.random.default_rng(0).integers(0, 1 << (8 * whole().itemsize), shape, dtype=whole)


@st.composite
def scales(draw: st.DrawFn) -> GreyScale:
    """Any line, half of them between whole numbers, a third with padding."""
    coding = Coding(draw(st.integers(2, 16)), draw(st.booleans()))
    stored = coding.stored()
    values = st.integers(int(stored.min()), int(stored.max()))
    fraction, width = draw(st.just(0) | st.floats(-0.5, 0.5)), draw(st.integers(1, 70000))
    dark = draw(values) + fraction
    bright = dark + width * draw(st.sampled_from([-1, 1]))
    first, last = sorted((draw(values), draw(values)))
    return GreyScale(dark, bright, coding, draw(st.sampled_from([None, None, (first, last)])))


@given(shapes, scales(), st.data())
def test_every_depth_sign_window_and_padding_is_averaged_exactly(
    shape: tuple[int, int], scale: GreyScale, data: st.DataObject
) -> None:
    codes = noise(shape, scale.coding.bits)
    rows, columns = (data.draw(st.integers(1, side)) for side in shape)
    extent = shape[0] - data.draw(st.sampled_from([0, 0.25])), shape[1] - 0.5
    means = area_average(codes, scale, rows, columns, extent)
    assert np.abs(means - plain(codes, scale, rows, columns, extent)).max() < 1e-5


@given(shapes, st.data())
def test_shrinking_grey_keeps_the_mean_and_equals_opencv(
    shape: tuple[int, int], data: st.DataObject
) -> None:
    grey = noise(shape)
    rows, columns = (data.draw(st.integers(1, side)) for side in shape)
    small = 255 * area_average(grey, GreyScale(), rows, columns, shape)
    opencv = cv2.resize(grey.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    assert small.mean() == pytest.approx(grey.mean())
    assert np.abs(small - opencv).max() < 1e-2


@given(shapes, st.floats(0, 4095), st.floats(1, 4095), st.integers(0, 4095))
def test_inverted_values_give_the_very_same(
    shape: tuple[int, int], dark: float, width: float, padding: int
) -> None:
    # Ends as DICOM's windows have them: whole values and halves.
    dark, bright = round(2 * dark) / 2, round(2 * (dark + width)) / 2
    codes, coding = noise(shape, 12) % 4096, Coding(12)
    size = max(1, shape[0] // 3), max(1, shape[1] // 3)
    usual = GreyScale(dark, bright, coding, (padding, padding))
    other = GreyScale(4095 - dark, 4095 - bright, coding, (4095 - padding, 4095 - padding))
    same = area_average(np.asarray(4095 - codes, np.uint16), other, *size, shape)
    assert (area_average(codes, usual, *size, shape) == same).all()


@given(shapes, st.integers(1, 16), st.integers(1, 9))
def test_codes_are_counted_by_their_lowest_bits(
    shape: tuple[int, int], bits: int, step: int
) -> None:
    codes = noise(shape, bits)
    lowest = codes[::step].ravel().astype(int) % (1 << bits)
    assert (count_codes(codes, bits, step) == np.bincount(lowest, minlength=1 << bits)).all()


def test_no_pixel_outside_the_image_is_read() -> None:
    for extent in ((6.1, 5), (6, 5.1), (0, 5), (np.nan, 5)):
        with pytest.raises(ValueError, match="outside"):
            area_average(noise((6, 5)), GreyScale(), 2, 2, extent)


def test_an_image_is_not_altered_whatever_its_layout() -> None:
    codes = noise((60, 50), 16)
    scale = GreyScale(0, 65535, Coding(16))
    expected = area_average(codes, scale, 7, 9, (60, 50))
    assert codes.flags.writeable
    for layout in (np.asfortranarray(codes), np.repeat(codes, 2, axis=1)[:, ::2]):
        assert (area_average(layout, scale, 7, 9, (60, 50)) == expected).all()


def test_sums_over_very_many_pixels_stay_exact() -> None:
    codes = np.full((1 << 16, 64), 65535, np.uint16)
    codes[1::2] = 65534
    means = area_average(codes, GreyScale(0, 65535, Coding(16)), 2, 2, codes.shape)
    assert np.abs(means - 65534.5 / 65535).max() < 1e-4
