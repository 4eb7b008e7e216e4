"""Maps over radiographs, and scales."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tui.heatmaps.figure import DisplayOptions
from tui.heatmaps.overlay import enlarged, limits, overlay


def linear(colour: np.ndarray) -> np.ndarray:
    share = colour / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(7, 7), (5, 9), (1, 1), (2, 3)])
def test_enlarging_is_bilinear_between_the_centres_of_cells(shape: tuple[int, int]) -> None:
    values = RNG.normal(size=shape).astype(np.float32)
    other = Image.fromarray(values).resize((64, 64), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(enlarged(values, 64), np.asarray(other), atol=1e-5)


def test_cells_without_evidence_show_the_chest() -> None:
    chest = np.full((8, 8), 100.0)
    one = np.zeros((4, 4))
    one[0, 0] = 1
    drawn = overlay(one, chest, 1.0, 0.8, signed=True, side=64)
    assert drawn.shape == (64, 64, 3)
    assert drawn.dtype == np.uint8
    assert (drawn[40:, 40:] == 100).all()
    assert drawn[0, 0, 0] - int(drawn[0, 0, 2]) > 80, "evidence for the class is red"


def test_opacity_of_nothing_leaves_the_chest() -> None:
    chest = RNG.uniform(0, 255, (16, 16))
    without = overlay(None, chest, 1.0, 0.8, signed=True, side=16)
    assert (overlay(RNG.normal(size=(4, 4)), chest, 1, 0, signed=True, side=16) == without).all()
    nothing = np.full((4, 4), np.nan)
    assert (overlay(nothing, chest, 1, 0.8, signed=True, side=16) == without).all()


def test_stronger_evidence_is_drawn_more_strongly() -> None:
    chest = np.full((2, 2), 128.0)
    away = [
        np.abs(overlay(np.full((1, 1), v), chest, 1, 0.8, signed=True, side=2) - 128.0).sum()
        for v in (0.1, 0.3, 0.6, -0.3, -0.1)
    ]
    assert away[0] < away[1] < away[2]
    assert away[4] < away[3]


def test_the_peak_over_a_lung_is_brighter_than_weaker_evidence_over_the_spine() -> None:
    lung, spine = (np.full((1, 1), grey) for grey in (60.0, 200.0))
    drawn = [
        overlay(np.full((1, 1), v), chest, 1, DisplayOptions().opacity, signed=True, side=1)
        for v, chest in ((1, lung), (0.8, spine), (-1, lung), (-0.8, spine))
    ]
    light = [linear(d[0, 0]) @ [0.2126, 0.7152, 0.0722] for d in drawn]
    assert light[0] > light[1]
    assert light[2] > light[3]


def test_limits() -> None:
    maps = [np.array([[-3.0, 1.0]]), np.array([[0.5, 2.0]])]
    assert limits(maps, "own maximum") == [3, 2]
    assert limits(maps, "common maximum") == [3, 3]
    assert limits([np.arange(101.0).reshape(1, -1)], "own 95th percentile") == [95]
    assert limits([np.zeros((2, 2)), np.full((2, 2), np.nan)], "own maximum") == [1, 1]
