"""PNG and JPEG files as 8-bit grey."""

from __future__ import annotations

import io
import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxrcore.pixels import intensity
from cxrcore.pixels.codestream import ENDS_EARLY, ends_early, may_lack_blocks
from cxrcore.pixels.faults import decoding
from cxrcore.pixels.limits import require_samples
from cxrcore.pixels.result import DecodedImage, UnusableError


def read_png_jpeg(content: bytes, size: int) -> DecodedImage:
    """Decode a PNG or JPEG; colour becomes luma (ITU-R 601), transparency is ignored.

    A JPEG may come shrunk by 2, 4 or 8 (its DCT blocks decoded at that scale), but stays at
    least twice as large as `size`. A 16-bit PNG rarely uses its whole range, so it is mapped by
    percentiles. Raises `UnusableError`, and `Interrupted` when memory runs out.
    """
    with warnings.catch_warnings(), decoding("damaged image file"):
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            require_samples(image.height, image.width)
            with decoding("damaged image file", image.height * image.width):
                return _read(image, content, size)


def _read(image: Image.Image, content: bytes, size: int) -> DecodedImage:
    kind: Literal["png", "jpeg"] = "png" if image.format == "PNG" else "jpeg"
    source_size, shrunk = (image.height, image.width), 1
    if kind == "jpeg":
        wanted = [2 * size * side // max(source_size) or 1 for side in image.size]
        image.draft("L", (wanted[0], wanted[1]))
        shrunk = round(max(source_size) / max(image.size))
    if image.mode.startswith("I;16"):
        return _by_percentiles(np.asarray(image).astype(np.uint16, copy=False))
    grey = np.asarray(image.convert("L"))
    if kind == "jpeg" and may_lack_blocks(image, grey) and ends_early(content):
        raise UnusableError("not_decodable", ENDS_EARLY)
    return DecodedImage(grey, "as_stored", source_size, kind, shrunk)


def _by_percentiles(deep: NDArray[np.uint16]) -> DecodedImage:
    values, padding = np.arange(65536.0), np.zeros(65536, bool)
    table, windowing = intensity.grey_table(deep, values, padding, [], inverted=False)
    return DecodedImage(
        intensity.apply(deep, table), windowing, (deep.shape[0], deep.shape[1]), "png"
    )
