"""Colour maps for attribution maps, interpolated from a few anchors in a perceptual space."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from data_contracts.palette import DIVERGING, SEQUENTIAL

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
    Image = np.ndarray[Any, np.dtype[np.uint8]]

#: Both in terminals of 16 colours: blue, bright blue, bright cyan; red, bright red, bright yellow.
#: Blends of the others come out in any order there.
_SIXTEEN = ((0x55, 0xFF, 0xFF), (0x55, 0x55, 0xFF), (0x00, 0x00, 0xAA), (0x55, 0x55, 0x55),
            (0xAA, 0x00, 0x00), (0xFF, 0x55, 0x55), (0xFF, 0xFF, 0x55))  # fmt: skip

_SHADES = 513
#: Levels of red, green and blue that `in_256` does not tell apart.
_COARSE = 16
#: Oklab: B. Ottosson, "A perceptual color space for image processing", 2020.
_TO_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def colours(values: Floats, limit: float, *, signed: bool) -> Image:
    """RGB (..., 3) of values (...): −limit to limit when `signed`, else 0 to limit."""
    import numpy as np

    share = np.clip(values / limit, -1 if signed else 0, 1)
    shades = np.rint((share + 1) / 2 * (_SHADES - 1) if signed else share * (_SHADES - 1))
    ramp = _ramp(DIVERGING if signed else SEQUENTIAL)
    return np.asarray(ramp[shades.astype(np.intp)])


def steps(count: int, *, signed: bool) -> list[tuple[int, int, int]]:
    """`count` colours from the lowest value to the highest."""
    import numpy as np

    values = np.linspace(-1.0 if signed else 0.0, 1.0, count)
    return [(int(r), int(g), int(b)) for r, g, b in colours(values, 1.0, signed=signed)]


def sixteen_steps(*, signed: bool) -> list[tuple[int, int, int]]:
    """The colours of `in_sixteen`, from the lowest value to the highest."""
    return list(_SIXTEEN if signed else _SIXTEEN[3:])


def in_sixteen(image: Image, shares: Floats) -> Image:
    """An image (..., 3) where `shares` (...), −1 to 1, are below a sixth, else colours of those."""
    import numpy as np

    steps = np.rint(3 * np.clip(shares, -1, 1)).astype(np.intp)[..., None]
    grey = image.mean(axis=-1, keepdims=True).astype(np.uint8).repeat(3, axis=-1)
    return np.where(steps == 0, grey, np.array(_SIXTEEN, dtype=np.uint8)[steps[..., 0] + 3])


def in_256(image: Image) -> Image:
    """An image (..., 3) in the nearest colours of a terminal of 256.

    Lightness, by which strength is seen, counts twice; by red, green and blue alone the strongest
    evidence may come out darker than what is around it.
    """
    import numpy as np

    red, green, blue = (image[..., i] // _COARSE for i in range(3))
    # Greys of the radiograph are told apart better by what the terminal makes of them.
    is_grey = np.ptp(image, axis=-1, keepdims=True) < _COARSE
    return np.where(is_grey, image, _nearest_256()[red, green, blue])


def ink_on(colour: tuple[int, int, int]) -> str:
    """Black or white, whichever is read better on `colour` (WCAG's relative luminance)."""
    red, green, blue = (_linear(c / 255) for c in colour)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "#ffffff"


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)


def _oklab(rgb: Any) -> Floats:
    """Lightness and two hues (..., 3) of colours (..., 3), 0 to 255."""
    import numpy as np

    levels = np.array([_linear(level / 255) for level in range(256)])
    cones = levels[rgb.astype(np.intp)] @ np.transpose(_TO_CONES)
    return np.asarray(np.cbrt(cones) @ np.transpose(_TO_LAB))


@cache
def _ramp(anchors: tuple[tuple[int, int, int], ...]) -> Image:
    """(shades, 3): the anchors, evenly spaced and joined by straight lines in Oklab."""
    import numpy as np

    lab = _oklab(np.array(anchors))
    places, at = np.linspace(0, 1, len(anchors)), np.linspace(0, 1, _SHADES)
    between = np.stack([np.interp(at, places, lab[:, i]) for i in range(3)], axis=1)
    cones = (between @ np.linalg.inv(np.transpose(_TO_LAB))) ** 3
    light = np.clip(cones @ np.linalg.inv(np.transpose(_TO_CONES)), 0, 1)
    coded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * coded), dtype=np.uint8)


@cache
def _nearest_256() -> Image:
    """(16, 16, 16, 3): by coarse red, green and blue the nearest of the cube and the greys."""
    import numpy as np

    cube = np.stack(np.meshgrid(*3 * [[0, 95, 135, 175, 215, 255]], indexing="ij"), axis=-1)
    palette = np.concatenate([cube.reshape(-1, 3), np.arange(8, 239, 10)[:, None].repeat(3, 1)])
    weights = np.array([2, 1, 1], dtype=np.float32)
    middles = np.arange(_COARSE // 2, 256, _COARSE)
    grid = np.stack(np.meshgrid(middles, middles, middles, indexing="ij"), axis=-1)
    of_grid, of_palette = (
        _oklab(rgb.reshape(-1, 3)).astype(np.float32) * weights for rgb in (grid, palette)
    )
    distance = (of_palette**2).sum(axis=1) - 2 * of_grid @ of_palette.T
    nearest = palette.astype(np.uint8)[distance.argmin(axis=1)]
    return np.asarray(nearest).reshape(*grid.shape)
