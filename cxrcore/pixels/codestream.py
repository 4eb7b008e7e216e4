"""Headers of JPEG, JPEG-LS and JPEG 2000 data, and whether the data is truncated."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxrcore.pixels.result import UnusableError

#: Detail of a reject.
ENDS_EARLY = "the JPEG data ends early"
#: Data that no image ends with: it decodes to noise, and continues after each restart marker.
#: The zero at its start completes a byte of 0xFF before it.
_NOISE = bytes(1 + (index * index * 37 + index * 11) % 253 for index in range(128))
_FILLER = b"\0" + b"".join(_NOISE + bytes((0xFF, 0xD0 + index % 8)) for index in range(16))
#: What a decoder sets where data of an 8-bit DCT end early: mid-grey.
_FILL_VALUE = 128
#: JPEG of every process, and JPEG-LS.
_FRAME_HEADERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_SCAN, _END = 0xDA, 0xD9
_MARKER = re.compile(rb"\xff+[\x02-\xcf\xd8-\xfe]")
#: openjpeg keeps some 9 KB for each tile, used or not; tiles of 64 × 64 pixels are small ones.
_MAX_TILES = 1 << 14


class Declared(NamedTuple):
    """Size and depth of an image as its codestream declares them."""

    rows: int
    columns: int
    samples: int
    bits: int
    dct_8_bit: bool
    """Whether it is a baseline, extended or progressive JPEG of 8 bit, as PIL reads them."""


def declared(data: bytes) -> Declared:
    """Read the header of JPEG, JPEG-LS or JPEG 2000 data, the last also wrapped as JP2.

    Raises `ValueError`, `IndexError` or `struct.error` where there is none.
    """
    return _of_jpeg(data) if data.startswith(b"\xff\xd8") else _of_jpeg2000(data)


def _of_jpeg(data: bytes) -> Declared:
    for marker, content in _segments(data):
        if marker in _FRAME_HEADERS:
            bits, rows, columns, samples = struct.unpack_from(">BHHB", content)
            return Declared(rows, columns, samples, bits, marker <= 0xC2 and bits == 8)
    raise ValueError("no frame header")


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment of a JPEG up to its end, without the coded data."""
    find, position = _MARKER.match, 2
    while (found := find(data, position)) and (marker := data[found.end() - 1]) != _END:
        start = found.end()
        length = int.from_bytes(data[start : start + 2], "big")
        yield marker, data[start + 2 : start + length]
        # Only coded data has no length.
        find, position = (_MARKER.search if marker == _SCAN else _MARKER.match), start + length


def _of_jpeg2000(data: bytes) -> Declared:
    start = 0
    while data[start + 4 : start + 8] != b"jp2c" and not data.startswith(b"\xff\x4f", start):
        length = int.from_bytes(data[start : start + 4], "big")
        if length < 8:
            raise ValueError("no codestream")
        start += length
    if not data.startswith(b"\xff\x4f", start):
        start += 16 if data[start : start + 4] == b"\0\0\0\1" else 8
    if not data.startswith(b"\xff\x4f\xff\x51", start):
        raise ValueError("no codestream")
    right, lower, left, upper, width, height, x0, y0 = struct.unpack_from(">8I", data, start + 8)
    if -(-(right - x0) // width) * -(-(lower - y0) // height) > _MAX_TILES:
        raise UnusableError("not_decodable", "too many tiles declared")
    samples, bits = struct.unpack_from(">HB", data, start + 40)
    # The highest bit is the sign's.
    return Declared(lower - upper, right - left, samples, (bits & 0x7F) + 1, dct_8_bit=False)


def ends_early(data: bytes) -> bool:
    """Whether an 8-bit baseline or progressive JPEG ends before its last block.

    libjpeg fills in what is missing, and PIL does not report it. Raises what PIL raises.
    """
    pixels, suspect = _decoded(data)
    if not suspect:
        return False
    return _lacks_scans(data) or not np.array_equal(pixels, _decoded(with_filler(data))[0])


def _lacks_scans(data: bytes) -> bool:
    """Whether bits of any of the 64 coefficients of any component are in no scan."""
    missing: dict[int, list[int]] = {}
    for marker, content in _segments(data):
        if marker in _FRAME_HEADERS:
            missing = {component: [1] * 64 for component in content[6::3]}
        elif marker == _SCAN:
            first, last, bits = content[-3:]
            for component in content[1:-3:2]:
                missing[component][first : last + 1] = [bits & 15] * (last + 1 - first)
    return any(map(any, missing.values()))


def may_lack_blocks(image: Image.Image, pixels: NDArray[np.uint8]) -> bool:
    """Whether a JPEG, decoded to `pixels`, may lack blocks at its end: a cheap test.

    Where a baseline JPEG ends, mid-grey begins; a progressive one only loses detail.
    """
    shows_as_grey = image.mode in ("L", "RGB") and "progressive" not in image.info
    return not shows_as_grey or bool((pixels[-1, -1] == _FILL_VALUE).all())


def with_filler(data: bytes) -> bytes:
    """The same JPEG or JPEG-LS data with more behind its last block, which changes no image.

    Where blocks are missing a decoder takes it for them, so the image changes.
    """
    end = data.rfind(b"\xff\xd9")
    end = len(data) if end < 0 else end
    return data[:end] + _FILLER + data[end:]


def _decoded(data: bytes) -> tuple[NDArray[np.uint8], bool]:
    """Pixels, and whether blocks may be missing; of baseline the mean of each block."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        if "progressive" not in image.info:
            image.draft("L", (1, 1))
        pixels = np.asarray(image)
        return pixels, may_lack_blocks(image, pixels)
