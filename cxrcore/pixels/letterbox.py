"""From an image of any size to the square of the store."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cxrcore.pixels import kernels
from cxrcore.pixels.result import DecodedImage, Grey, GreyScale, ProcessedImage, UnusableError

#: A source with a side below this cannot show a chest.
MIN_SIDE = 32
#: An image whose grey levels deviate less from their mean shows nothing.
MIN_DEVIATION = 2.0
#: Beyond it, either way, the shape of the pixels is a faulty entry.
MAX_ASPECT = 4.0


def content_bbox(height: float, width: float, size: int) -> tuple[int, int, int, int]:
    """Where an image of `height` × `width` lies in a square of `size`: its longer side fills it.

    Gives top, left, bottom, right; aspect is kept to the nearest pixel, the margins are equal.
    """
    longer = max(height, width)
    rows, columns = (max(1, round(side * size / longer)) for side in (height, width))
    top, left = (size - rows) // 2, (size - columns) // 2
    return top, left, top + rows, left + columns


def resize(image: DecodedImage, rows: int, columns: int) -> Grey:
    """Shrink by area averaging, enlarge linearly."""
    height, width = image.source_size
    smaller = min(rows, height), min(columns, width)
    extent = height / image.shrunk, width / image.shrunk
    brightness = kernels.area_average(image.raw_codes, image.scale, *smaller, extent)
    grey = np.rint(255 * brightness).astype(np.uint8)
    if smaller == (rows, columns):
        return grey
    larger = cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(larger, np.uint8)


def border_is_brighter(image: Grey) -> bool:
    """Whether the outer 1/32 of the image is brighter, on average, than its middle third.

    Around a chest lies air, in its middle the mediastinum: a bright border hints at inverted
    polarity. It is a hint only: collimation and tight cropping brighten the border as well.
    """
    height, width = image.shape
    rim = max(1, round(min(height, width) / 32))
    inner = image[rim : height - rim, rim : width - rim]
    border = (image.sum(dtype=np.int64) - inner.sum(dtype=np.int64)) / max(
        image.size - inner.size, 1
    )
    third = image[height // 3 : -(-2 * height // 3), width // 3 : -(-2 * width // 3)]
    return bool(border > third.mean())


def difference_hash(image: Grey) -> NDArray[np.uint8]:
    """64 bits, (8,): which of 8 × 8 means is darker than the one below it (a vertical dHash).

    What keeps the order of grey levels, such as another window, changes few of them.
    """
    means = kernels.area_average(image, GreyScale(), 9, 8, image.shape)
    return np.packbits(means[:-1] < means[1:])


def to_square(image: DecodedImage, size: int) -> ProcessedImage:
    """Letterbox an image into a black square of `size`, its pixels made square.

    Raises `UnusableError` for a source that is too small or an image that shows nothing.
    """
    rows, columns = image.source_size
    if min(rows, columns) < MIN_SIDE:
        raise UnusableError(
            "too_small", f"{rows}×{columns} pixels; each side must be at least {MIN_SIDE}"
        )
    tall = image.aspect if 1 / MAX_ASPECT <= image.aspect <= MAX_ASPECT else 1.0
    bbox = top, left, bottom, right = content_bbox(rows * tall, columns, size)
    content = resize(image, bottom - top, right - left)
    if content.std() < MIN_DEVIATION:
        raise UnusableError("blank", "the image has almost no contrast")
    square = np.zeros((size, size), np.uint8)
    square[top:bottom, left:right] = content
    return ProcessedImage(
        square, bbox, image.windowing, border_is_brighter(content), difference_hash(content),
        image.source_size, image.format,
    )  # fmt: skip
