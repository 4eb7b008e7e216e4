"""From an image of any size to the square of the store."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cxrcore.pixels import kernels
from cxrcore.pixels.result import (
    DecodedImage,
    Grey,
    GreyScale,
    GreyType,
    ProcessedImage,
    UnusableError,
    full_scale,
)

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


def shrunken(image: DecodedImage, rows: int, columns: int) -> NDArray[np.float64]:
    """Brightness, 0 to 1, averaged over areas to at most `rows` × `columns`."""
    height, width = image.source_size
    extent = height / image.shrunk, width / image.shrunk
    smaller = min(rows, height), min(columns, width)
    return kernels.area_average(image.raw_codes, image.scale, *smaller, extent)


def levels(brightness: NDArray[np.float64], rows: int, columns: int, dtype: GreyType) -> Grey:
    """Brightness as grey values, enlarged linearly where it is smaller than wanted."""
    grey = np.rint(full_scale(dtype).bright * brightness).astype(dtype)
    if grey.shape == (rows, columns):
        return grey
    import cv2

    larger = cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(larger, dtype)


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


def to_square(image: DecodedImage, size: int, dtype: GreyType = "uint8") -> ProcessedImage:
    """Letterbox an image into a black square of `size`, its pixels made square.

    What is judged of it, and its hash, are those of 8 bit, whatever is kept. Raises
    `UnusableError` for a source that is too small or an image that shows nothing.
    """
    rows, columns = image.source_size
    if min(rows, columns) < MIN_SIDE:
        raise UnusableError(
            "too_small", f"{rows}×{columns} pixels; each side must be at least {MIN_SIDE}"
        )
    tall = image.aspect if 1 / MAX_ASPECT <= image.aspect <= MAX_ASPECT else 1.0
    bbox = top, left, bottom, right = content_bbox(rows * tall, columns, size)
    shape = bottom - top, right - left
    brightness = shrunken(image, *shape)
    content = levels(brightness, *shape, "uint8")
    if content.std() < MIN_DEVIATION:
        raise UnusableError("blank", "the image has almost no contrast")
    square = np.zeros((size, size), dtype)
    square[top:bottom, left:right] = (
        content if dtype == "uint8" else levels(brightness, *shape, dtype)
    )
    return ProcessedImage(
        square, bbox, image.windowing, border_is_brighter(content), difference_hash(content),
        image.source_size, image.format,
    )  # fmt: skip
