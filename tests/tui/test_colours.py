"""Colour maps: readable in 256 colours, to colour-blind people, and with text on them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from rich.color import Color, ColorSystem

from tui.shared.colour_bar import SIGNED_STEPS, UNSIGNED_STEPS
from tui.shared.colours import colours, in_256, in_sixteen, ink_on, sixteen_steps, steps

BARS = pytest.mark.parametrize(("count", "signed"), [(SIGNED_STEPS, True), (UNSIGNED_STEPS, False)])

#: Linear RGB as seen without long-wave or medium-wave cones (Machado 2009, severity 1).
BLIND = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
}  # fmt: skip


def linear(colour: Sequence[int]) -> np.ndarray:
    share = np.array(colour) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def luminance(colour: Sequence[int]) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


@BARS
def test_neighbouring_steps_differ_in_256_colours(count: int, signed: bool) -> None:
    shown = [
        Color.from_rgb(*c).downgrade(ColorSystem.EIGHT_BIT).number
        for c in steps(count, signed=signed)
    ]
    assert all(a != b for a, b in pairwise(shown)), shown
    assert len(set(shown)) >= 8


@pytest.mark.parametrize("kind", BLIND)
def test_directions_differ_to_the_colour_blind(kind: str) -> None:
    bar = steps(SIGNED_STEPS, signed=True)
    for low, high in zip(bar[:4], bar[:-5:-1], strict=True):
        seen = [np.clip(np.array(BLIND[kind]) @ linear(c), 0, 1) for c in (low, high)]
        # Blue against red is told by the short-wave cones, which they have.
        assert seen[0][2] - seen[1][2] > 0.1, (kind, low, high)


def test_unsigned_colours_grow_lighter() -> None:
    shades = [luminance(c) for c in steps(UNSIGNED_STEPS, signed=False)]
    assert shades == sorted(shades)


def test_zero_is_grey_and_values_beyond_the_limit_are_the_ends() -> None:
    middle, low, high, beyond = colours(np.array([0, -2, 2, 99.0]), 2.0, signed=True).tolist()
    assert max(middle) - min(middle) <= 2
    assert high == beyond == list(steps(3, signed=True)[-1])
    assert low == list(steps(3, signed=True)[0])


@BARS
def test_text_on_every_step_is_legible(count: int, signed: bool) -> None:
    for colour in steps(count, signed=signed):
        lights = sorted((luminance(colour), 1.0 if ink_on(colour) == "#ffffff" else 0.0))
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5


@pytest.mark.parametrize("sign", [-1, 1])
def test_in_16_colours_more_is_lighter_and_nothing_is_grey(sign: int) -> None:
    brown, shares = np.array([120, 80, 40], dtype=np.uint8), sign * np.array([0, 0.1, 0.4, 0.7, 1])
    none, little, *rest = in_sixteen(np.tile(brown, (5, 1)), shares).tolist()
    assert none == little == [80, 80, 80]
    shown = [Color.from_rgb(*c).downgrade(ColorSystem.STANDARD) for c in rest]
    assert [c.number for c in shown] == ([4, 12, 14] if sign < 0 else [1, 9, 11])
    assert sorted(map(luminance, map(tuple, rest))) == [luminance(tuple(c)) for c in rest]
    assert rest[-1] == list(sixteen_steps(signed=True)[0 if sign < 0 else -1])


def lightness(pixels: np.ndarray) -> np.ndarray:
    """Of what a terminal of 256 colours shows."""
    shown = [Color.from_rgb(*p).downgrade(ColorSystem.EIGHT_BIT) for p in pixels.tolist()]
    return np.cbrt([luminance(c.get_truecolor()) for c in shown])


def test_strength_is_seen_as_light_in_256_colours_too() -> None:
    shares = np.linspace(-1, 1, 81)
    strength = 0.8 * np.clip(np.abs(shares) / 0.6, 0, 1)[:, None]
    for grey in range(40, 220, 20):
        blend = (grey + (colours(shares, 1.0, signed=True) - grey) * strength).astype(np.uint8)
        wanted = np.cbrt([luminance(p) for p in blend.tolist()])
        # Without it up to 0.15.
        assert np.abs(lightness(in_256(blend)) - wanted).max() < 0.056, grey
    assert (in_256(greys := np.full((4, 3), 137, np.uint8)) == greys).all()
