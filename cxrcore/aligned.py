"""Images and maps moved into a common frame, in which every patient's lungs have the same box.

Scale and shift of rows and columns, no rotation. The frame is fixed, so that it is the same for
every task, cohort and shard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.attributions import LUNG_FRAME

if TYPE_CHECKING:
    from cxrcore.maps import Maps

Floats = NDArray[np.float64]


def moved_cells(cells: int, low: Floats, high: Floats, start: float, end: float) -> Floats:
    """The share of each source cell that falls into each cell of the frame: (n, frame, source).

    Along one axis of `cells` cells, each image's range from `low` to `high` (n,) is moved to that
    from `start` to `end`, all in shares of the side. A source cell's shares add up to 1, less what
    leaves the frame.
    """
    edges = np.arange(cells + 1) / cells
    scale = (end - start) / (high - low)
    moved = start + scale[:, None] * (edges - low[:, None])
    lower, upper = moved[:, None, :-1], moved[:, None, 1:]
    inside = np.minimum(upper, edges[1:, None]) - np.maximum(lower, edges[:-1, None])
    return np.asarray(np.maximum(inside, 0) / (upper - lower))


@dataclass(frozen=True)
class AlignedMaps:
    """Maps (n, k, h, w) moved into the frame, on the same grid.

    What a cell adds to the output is shared out among the cells of the frame by area, so that the
    sum over the cells stays, but for what leaves the frame.
    """

    maps: Maps
    boxes: NDArray[np.floating]
    """(n, 4) each image's `lung_box`, all of them finite."""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.maps.shape

    def __getitem__(self, rows: slice) -> NDArray[np.floating]:
        top, left, bottom, right = self.boxes[rows].astype(np.float64).T
        height, width = self.shape[2:]
        down = moved_cells(height, top, bottom, LUNG_FRAME[0], LUNG_FRAME[2])
        across = moved_cells(width, left, right, LUNG_FRAME[1], LUNG_FRAME[3])
        maps = self.maps[rows].astype(np.float64)
        return np.asarray(down[:, None] @ maps @ across[:, None].swapaxes(-1, -2))


def aligned_image(square: NDArray[Any], box: NDArray[np.floating]) -> NDArray[np.float32]:
    """A square image (size, size) moved into the frame by its `lung_box` (4,), black around it."""
    import cv2

    size = square.shape[0]
    top, left, bottom, right = box.tolist()
    down = (LUNG_FRAME[2] - LUNG_FRAME[0]) / (bottom - top)
    across = (LUNG_FRAME[3] - LUNG_FRAME[1]) / (right - left)
    # Edges are moved, but OpenCV counts from the middle of the first pixel.
    affine = np.array([
        [across, 0, size * (LUNG_FRAME[1] - across * left) + (across - 1) / 2],
        [0, down, size * (LUNG_FRAME[0] - down * top) + (down - 1) / 2],
    ])  # fmt: skip
    moved = cv2.warpAffine(square.astype(np.float32), affine, (size, size), flags=cv2.INTER_LINEAR)
    return np.asarray(moved, dtype=np.float32)


class MeanImages:
    """The mean of images as they lie, and of those with a lung box moved into the frame.

    Grey values of 0 to 255, whatever the `dtype` of the images.
    """

    def __init__(self, size: int, dtype: np.dtype[Any]) -> None:
        self._scale = 255 / np.iinfo(dtype).max
        self._sums = np.zeros((2, size, size))
        self._images = np.zeros(2, dtype=np.int64)

    def add(self, images: NDArray[Any], boxes: NDArray[np.floating]) -> None:
        """Add images (n, size, size) with their lung boxes (n, 4), NaN where there is none."""
        inside = np.isfinite(boxes).all(axis=1)
        self._images += len(images), inside.sum()
        self._sums[0] += images.sum(axis=0)
        for image, box in zip(images[inside], boxes[inside], strict=True):
            self._sums[1] += aligned_image(image, box)

    @property
    def mean(self) -> Floats:
        """Of all images, (size, size)."""
        return np.asarray(self._sums[0] * (self._scale / self._images[0]))

    @property
    def aligned(self) -> Floats:
        """Of the moved images, (size, size); NaN where none has a lung box."""
        images = self._images[1]
        return np.asarray(self._sums[1] * (self._scale / images if images else np.nan))
