"""WebP and TIFF files as grey."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import TiffImagePlugin, WebPImagePlugin

from cxrcore.pixels.faults import decoding
from cxrcore.pixels.limits import require_samples
from cxrcore.pixels.png_jpeg import (
    QUARTER_TURNS,
    UPRIGHT,
    by_percentiles,
    pixel_aspect,
    turn_of,
)
from cxrcore.pixels.result import DecodedImage, UnusableError

#: Tags (TIFF 6.0).
_COLUMNS, _ROWS, _BITS, _PHOTOMETRIC, _ORIENTATION, _PLANAR, _FORMAT = (
    256, 257, 258, 262, 274, 284, 339,
)  # fmt: skip
_STRIP_OFFSETS, _ROWS_PER_STRIP, _STRIP_BYTES = 273, 278, 279
_TILE_COLUMNS, _TILE_ROWS, _TILE_OFFSETS, _TILE_BYTES = 322, 323, 324, 325
_WHITE_IS_ZERO, _UNSIGNED, _SEPARATE = 0, 1, 2
#: Pillow's names of grey, with transparency or without, palette and colour.
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "I;16", "I;16B")


def read_webp(content: bytes) -> DecodedImage:
    """Decode a WebP; colour becomes luma (ITU-R 601), transparency is ignored.

    It is turned upright as its EXIF says. Raises `UnusableError`, and `Interrupted` when memory
    runs out.
    """
    with decoding("damaged WebP file"):
        rows, columns = _webp_size(content)
    # The decoder takes memory for a whole image as soon as it is made.
    require_samples(rows, columns)
    with decoding("damaged WebP file", rows * columns):
        image = WebPImagePlugin.WebPImageFile(io.BytesIO(content))
        if image.is_animated:
            raise UnusableError("multiple_frames", f"{image.n_frames} frames")
        turn, grey = turn_of(image), image.convert("L")
        upright = np.asarray(grey if turn is None else grey.transpose(turn))
    return DecodedImage(upright, "as_stored", (upright.shape[0], upright.shape[1]), "webp")


def _webp_size(content: bytes) -> tuple[int, int]:
    """Rows and columns that the first chunk declares (RFC 9649)."""
    kind, chunk = content[12:16], content[20:30]
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(chunk[at : at + 3], "little") for at in (4, 7))
    elif kind == b"VP8L":
        packed = int.from_bytes(chunk[1:5], "little")
        width, height = 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
    else:
        width, height = (int.from_bytes(chunk[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return height, width


def read_tiff(content: bytes) -> DecodedImage:
    """Decode a TIFF of one page, grey of up to 16 bits or colour of 8, which becomes luma.

    It is turned upright as it says. Grey of more than 8 bits is mapped by percentiles, as in a
    PNG. Raises `UnusableError`, and `Interrupted` when memory runs out.
    """
    what = "damaged TIFF file, or one of an uncommon kind"
    with _silent(), warnings.catch_warnings(), decoding(what):
        warnings.simplefilter("ignore")
        image = TiffImagePlugin.TiffImageFile(io.BytesIO(content))
        require_samples(image.height, image.width)
        _require_readable(image)
        _require_whole(image.tag_v2, len(content))
        with decoding("damaged TIFF file", image.height * image.width):
            return _grey(image)


def _require_readable(image: TiffImagePlugin.TiffImageFile) -> None:
    """Raise `UnusableError` for what Pillow does not read, or reads as something else."""
    tags = image.tag_v2
    if image.is_animated:
        raise UnusableError("multiple_frames", "several pages")
    if set(tags.get(_FORMAT, ())) - {_UNSIGNED}:
        raise UnusableError("not_decodable", "pixels that are signed or floating-point numbers")
    if image.mode not in _MODES:
        raise UnusableError("not_decodable", f"pixels of the kind {image.mode}")
    if max(tags.get(_BITS, (1,))) > 8 and not image.mode.startswith("I;16"):
        # Of these Pillow keeps the upper 8 bits.
        raise UnusableError("not_decodable", "colour of more than 8 bits")


def _require_whole(tags: Mapping[int, Any], size: int) -> None:
    """Raise `UnusableError` unless the file of `size` has every strip or tile to its end."""
    rows, columns = tags[_ROWS], tags[_COLUMNS]
    if _TILE_OFFSETS in tags:
        height, width, begins = tags[_TILE_ROWS], tags[_TILE_COLUMNS], tags[_TILE_OFFSETS]
        require_samples(height, width)
    else:
        height, width, begins = tags.get(_ROWS_PER_STRIP, rows), columns, tags[_STRIP_OFFSETS]
    count = -(-rows // height) * -(-columns // width)
    if tags.get(_PLANAR) == _SEPARATE:
        count *= len(tags.get(_BITS, (1,)))
    lengths = tags.get(_TILE_BYTES) or tags.get(_STRIP_BYTES) or (1,) * len(begins)
    whole = (
        start > 0 and extent > 0 and start + extent <= size
        for start, extent in zip(begins, lengths, strict=True)
    )
    if len(begins) < count or not all(whole):
        raise UnusableError("not_decodable", "the TIFF data ends early")


def _grey(image: TiffImagePlugin.TiffImageFile) -> DecodedImage:
    tags, aspect = image.tag_v2, pixel_aspect(image.info)
    inverted = tags.get(_PHOTOMETRIC, _WHITE_IS_ZERO) == _WHITE_IS_ZERO
    if UPRIGHT.get(tags.get(_ORIENTATION, 1)) in QUARTER_TURNS:
        aspect = 1 / aspect
    # Pillow turns it upright.
    image.load()
    source_size = image.height, image.width
    if image.mode.startswith("I;16"):
        deep = np.asarray(image).astype(np.uint16, copy=False)
        grey, scale, windowing = by_percentiles(deep, inverted=inverted)
        return DecodedImage(grey, windowing, source_size, "tiff", scale, aspect=aspect)
    grey = np.asarray(image.convert("L"))
    return DecodedImage(grey, "as_stored", source_size, "tiff", aspect=aspect)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep from stderr what libtiff and Pillow write of damage; libtiff knows it by its number."""
    try:
        stderr = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
