"""PNG and JPEG files as 8-bit grey."""

from __future__ import annotations

import warnings
from typing import BinaryIO, Literal

import numpy as np
from PIL import Image

from cxrcore.pixels import intensity
from cxrcore.pixels.result import Picture, UnusableError


def read_picture(file: BinaryIO, size: int) -> Picture:
    """Decode a PNG or JPEG; colour becomes luma (ITU-R 601), transparency is ignored.

    A JPEG may come shrunk by 2, 4 or 8 (its DCT blocks decoded at that scale), but stays at
    least twice as large as `size`. A 16-bit PNG rarely uses its whole range, so it is mapped by
    percentiles. Raises `UnusableError`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=("PNG", "JPEG")) as image:
                kind: Literal["png", "jpeg"] = "png" if image.format == "PNG" else "jpeg"
                source_size = (image.height, image.width)
                shrunk = 1
                if kind == "jpeg":
                    wanted = [2 * size * side // max(source_size) or 1 for side in image.size]
                    image.draft("L", (wanted[0], wanted[1]))
                    shrunk = round(max(source_size) / max(image.size))
                if not image.mode.startswith("I;16"):
                    grey = np.asarray(image.convert("L"))
                    return Picture(grey, "as_stored", source_size, kind, shrunk)
                deep = np.asarray(image).astype(np.uint16, copy=False)
    except Exception as error:
        raise UnusableError(
            "not_decodable", f"damaged picture file ({type(error).__name__})"
        ) from error
    values, padding = np.arange(65536.0), np.zeros(65536, bool)
    table, rule = intensity.grey_table(deep, values, padding, [], inverted=False)
    return Picture(intensity.apply(deep, table), rule, source_size, "png")
