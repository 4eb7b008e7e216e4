"""The lung field of a frontal radiograph: the box around both lungs, found from grey levels alone.

A lung is a dark region inside the body. Thresholds are tried from dark to bright, on the picture
and on the picture less its surroundings, and on each side of the picture the largest region that
may be a lung is taken, however unlike the exposure of the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

#: The longer side that a picture is shrunk to, in pixels.
_SIDE = 64
#: Standard deviations of what is smoothed away and of what counts as surroundings, in pixels.
_SMOOTHED, _SURROUNDINGS = 1.0, 8.0
#: Percentiles of the grey levels that are tried as thresholds.
_PERCENTILES = np.linspace(6, 60, 14)
#: Shares of the picture that a lung covers.
_AREA = (0.025, 0.25)
#: A lung is at least so high and at most so wide, in shares of the picture, and its middle lies so
#: far inside; it fills at least this share of its box, and is not much wider than high.
_LEAST_HEIGHT, _MOST_WIDTH, _MARGIN, _LEAST_FILLED, _MOST_ASPECT = 0.22, 0.5, 0.15, 0.45, 1.1
#: The smaller lung has at least this share of the larger one's area; of the lower one at least that
#: share of the height lies beside the other.
_LEAST_SHARE, _LEAST_BESIDE = 0.3, 0.6
#: How far a lung may reach beyond the middle of the picture, and into the other lung's columns, in
#: shares of the width.
_MOST_BEYOND, _MOST_CROSSED = 0.1, 0.05
_NONE = np.full(4, np.nan, dtype=np.float32)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class _Lung:
    """A region that may be a lung, in pixels of the shrunken picture."""

    area: int
    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top


def lung_box(square: NDArray[Any], content_bbox: NDArray[Any]) -> Floats:
    """Top, left, bottom and right of the box around both lungs, (4,), as shares of the side.

    `square` (size, size) has grey values of any scale, dark is air; `content_bbox` (4,) says in
    pixels where the picture lies in it. NaN where no two regions look like a pair of lungs: one
    lung alone gives no frame.
    """
    top, left, bottom, right = (int(edge) for edge in content_bbox)
    picture = _shrunken(square[top:bottom, left:right])
    surroundings = cv2.GaussianBlur(picture, (0, 0), _SURROUNDINGS, borderType=cv2.BORDER_REPLICATE)
    found: list[_Lung | None] = [None, None]
    for grey in (picture, picture - surroundings):
        for threshold in np.percentile(grey, _PERCENTILES):
            for side, lung in _lungs(grey < threshold):
                best = found[side]
                if best is None or lung.area > best.area:
                    found[side] = lung
    one, other = found
    if one is None or other is None or not _are_a_pair(one, other, picture.shape[1]):
        return _NONE.copy()
    box = np.array([min(one.top, other.top), one.left, max(one.bottom, other.bottom), other.right])
    scale = np.tile([(bottom - top) / picture.shape[0], (right - left) / picture.shape[1]], 2)
    share = (box * scale + [top, left, top, left]) / square.shape[0]
    return np.asarray(share, dtype=np.float32)


def _shrunken(picture: NDArray[Any]) -> Floats:
    height, width = picture.shape
    factor = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(picture.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), _SMOOTHED), dtype=np.float32)


def _lungs(dark: NDArray[np.bool_]) -> Iterator[tuple[int, _Lung]]:
    """The dark regions that may be a lung, with the side of the picture: 0 left, 1 right."""
    height, width = dark.shape
    # Thin bridges to the air around the body are cut.
    opened = cv2.morphologyEx(dark.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    regions = cv2.connectedComponentsWithStats(opened, connectivity=4)
    for row, (middle, _) in zip(regions[2][1:].tolist(), regions[3][1:].tolist(), strict=True):
        left, top, wide, high, area = row
        right, bottom = left + wide, top + high
        if (
            min(left, top) > 0
            and right < width
            and bottom < height
            and _AREA[0] <= area / dark.size <= _AREA[1]
            and high >= _LEAST_HEIGHT * height
            and wide <= min(_MOST_WIDTH * width, _MOST_ASPECT * high)
            and area >= _LEAST_FILLED * wide * high
            and _MARGIN < middle / width < 1 - _MARGIN
            and min(width / 2 - left, right - width / 2) <= _MOST_BEYOND * width
        ):
            yield int(middle >= width / 2), _Lung(area, top, left, bottom, right)


def _are_a_pair(one: _Lung, other: _Lung, width: int) -> bool:
    """Whether the lung at the picture's left and the one at its right lie beside each other."""
    beside = min(one.bottom, other.bottom) - max(one.top, other.top)
    return (
        beside >= _LEAST_BESIDE * min(one.height, other.height)
        and one.right - other.left <= _MOST_CROSSED * width
        and min(one.area, other.area) >= _LEAST_SHARE * max(one.area, other.area)
    )
