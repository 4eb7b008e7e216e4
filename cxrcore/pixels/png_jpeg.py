"""PNG and JPEG files as grey."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxrcore.pixels import intensity
from cxrcore.pixels.codestream import ENDS_EARLY, ends_early, may_lack_blocks
from cxrcore.pixels.faults import decoding
from cxrcore.pixels.limits import require_samples
from cxrcore.pixels.result import (
    Coding,
    DecodedImage,
    GreyScale,
    RawCodes,
    UnusableError,
    Windowing,
)

#: Where a PNG says how many bits a sample has.
_PNG_DEPTH = 24
_EXIF_ORIENTATION = 274
#: Pixels of a scaled JPEG on a side of each wanted pixel: fewer, cut by the pixels' edges, show.
JPEG_DETAIL = 4
#: What makes an image of each EXIF orientation upright (Exif 3.0, 4.6.5).
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
#: Those of them that make rows of columns.
QUARTER_TURNS = tuple(UPRIGHT[orientation] for orientation in (5, 6, 7, 8))


def read_png_jpeg(content: bytes, size: int) -> DecodedImage:
    """Decode a PNG or JPEG; colour becomes luma (ITU-R 601), transparency is ignored.

    The image is turned upright as its EXIF says. A JPEG may come shrunk by 2, 4 or 8 (its DCT
    blocks decoded at that scale), but stays at least `JPEG_DETAIL` times as large as `size`. A
    16-bit PNG rarely uses its whole range, so it is mapped by percentiles. Raises
    `UnusableError`, and `Interrupted` when memory runs out.
    """
    with warnings.catch_warnings(), decoding("damaged image file"):
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            require_samples(image.height, image.width)
            with decoding("damaged image file", image.height * image.width):
                return _read(image, content, size)


def _read(image: Image.Image, content: bytes, size: int) -> DecodedImage:
    kind: Literal["png", "jpeg"] = "png" if image.format == "PNG" else "jpeg"
    if image.mode == "CMYK":
        raise UnusableError("not_decodable", "CMYK colour")
    source_size, turn, aspect = (
        (image.height, image.width),
        turn_of(image),
        pixel_aspect(image.info),
    )
    plain = kind == "jpeg" and turn is None and aspect == 1
    shrunk = _drafted(image, size) if plain else 1
    grey, scale, windowing = _grey(image, content, kind)
    if kind == "jpeg" and may_lack_blocks(image, grey) and ends_early(content):
        raise UnusableError("not_decodable", ENDS_EARLY)
    if turn is not None:
        grey = np.asarray(Image.fromarray(grey).transpose(turn))
        aspect = 1 / aspect if turn in QUARTER_TURNS else aspect
        source_size = (grey.shape[0], grey.shape[1])
    return DecodedImage(grey, windowing, source_size, kind, scale, shrunk, aspect)


def _drafted(image: Image.Image, size: int) -> int:
    """Let a JPEG be decoded at a smaller scale; gives how many pixels make one."""
    longer = max(image.size)
    wanted = [JPEG_DETAIL * size * side // longer or 1 for side in image.size]
    image.draft("L", (wanted[0], wanted[1]))
    return round(longer / max(image.size))


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """What makes the image upright; None if it is, or its EXIF cannot be read."""
    try:
        return UPRIGHT.get(image.getexif().get(_EXIF_ORIENTATION, 1))
    except (SyntaxError, ValueError, TypeError, KeyError, IndexError):
        return None


def pixel_aspect(info: Mapping[Any, Any]) -> float:
    """Height of a pixel over its width, from the pixels in a unit of length across and down."""
    for name in ("jfif_density", "aspect", "dpi", "resolution"):
        across, down = info.get(name) or (0, 0)
        if across > 0 and down > 0:
            return float(across) / float(down)
    return 1.0


def _grey(
    image: Image.Image, content: bytes, kind: str
) -> tuple[NDArray[Any], GreyScale, Windowing]:
    if kind == "jpeg" or content[_PNG_DEPTH] < 16:
        grey = image if image.mode == "L" else image.convert("L")
        return np.asarray(grey), GreyScale(), "as_stored"
    if image.mode.startswith("I;16"):
        return by_percentiles(np.asarray(image).astype(np.uint16, copy=False))
    import cv2

    # Pillow keeps 8 bits of colour and of grey with transparency, but sees what is missing.
    image.load()
    flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
    return by_percentiles(np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), flags)))


def by_percentiles(
    deep: NDArray[np.uint16], *, inverted: bool = False
) -> tuple[RawCodes, GreyScale, Windowing]:
    """Grey values of 16 bit, which rarely use their whole range, by percentiles."""
    values, padding = intensity.Values(np.arange(65536.0)), np.zeros(65536, bool)
    return intensity.grey_scale(deep, Coding(16), values, padding, [], inverted=inverted)
