"""Stored values of a DICOM image, read or decoded within bounds."""

from __future__ import annotations

import io
import struct
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, RLELossless

from cxrcore.pixels.codestream import ENDS_EARLY, Declared, declared, ends_early, with_filler
from cxrcore.pixels.faults import decoding
from cxrcore.pixels.limits import MAX_BYTES, require_bytes
from cxrcore.pixels.result import RawCodes, UnusableError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_PIXEL_DATA, _ITEM = bytes.fromhex("e07f1000"), bytes.fromhex("feff00e0")
#: Value representations of pixel data in explicit encoding; implicit lengths are even numbers.
_LONG_VRS = (b"OB", b"OW", b"UN")
_UNDEFINED = 0xFFFFFFFF
_META = 132
#: Up to three for each element of a header; some hundred elements are usual.
_MAX_READS = 1 << 17
#: What begins a file of explicit little-endian elements, with nothing but its transfer syntax.
_PLAIN_START = bytes(128) + b"DICM\x02\0\x10\0UI" + struct.pack("<H", 20) + b"1.2.840.10008.1.2.1\0"


class DeflatedError(Exception):
    """Raised where the rest of a DICOM file is deflated."""


class BoundedReader(io.BytesIO):
    """A file whose elements, also those within sequences, are not too many.

    Each takes a hundred times its bytes in memory. Raises `UnusableError` where they are, and
    `DeflatedError` where pydicom would inflate all the rest, which it does without a bound.
    """

    _left = _MAX_READS

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            raise DeflatedError
        self._left -= 1
        if self._left < 0:
            raise UnusableError("not_decodable", "too many elements")
        return super().read(size)


def with_preamble(content: bytes) -> bytes:
    """A DICOM file with its preamble, which some lack."""
    return content if content[128:_META] == b"DICM" else bytes(128) + b"DICM" + content


def inflated(content: bytes, start: int) -> bytes:
    """A DICOM file that is deflated from `start` on as the plain one it was made from.

    Raises `UnusableError` when it inflates to more than `MAX_BYTES` or ends early.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = inflater.decompress(memoryview(content)[start:], MAX_BYTES + 1)
    require_bytes(len(plain))
    if not inflater.eof:
        raise UnusableError("not_decodable", "the deflated data ends early")
    return _PLAIN_START + plain


def pixels_in_place(content: bytes, start: int, dataset: Dataset) -> RawCodes | None:
    """The pixels of an uncompressed little-endian grey image as they lie in `content`.

    `start` is where the header ended. The encoding is that of the data, whatever the meta header
    says of it. None when the pixels have to be decoded.
    """
    bits = int(dataset.BitsAllocated)
    if not _is_little_endian(dataset) or bits not in (8, 16):
        return None
    if not content.startswith(_PIXEL_DATA, start):
        raise UnusableError("not_decodable", "no pixel data")
    offset = start + (12 if content[start + 4 : start + 6] in _LONG_VRS else 8)
    length = int.from_bytes(content[offset - 4 : offset], "little")
    if length == _UNDEFINED or content.startswith(_ITEM, offset):
        _require_compressed(dataset)
        return None
    if int(dataset.get("SamplesPerPixel") or 1) > 1:
        return None
    shape, dtype = (int(dataset.Rows), int(dataset.Columns)), np.dtype(f"<u{bits // 8}")
    count = shape[0] * shape[1]
    present = min(length, len(content) - offset)
    if present < count * dtype.itemsize:
        raise UnusableError("not_decodable", "the pixel data ends early")
    if present >= 2 * count * dtype.itemsize:
        raise UnusableError("not_decodable", "the pixel data is twice as long as the header says")
    return np.frombuffer(content, dtype, count, offset).reshape(shape)


def _is_little_endian(dataset: Dataset) -> bool:
    return dataset.original_encoding[1] is not False


def _require_compressed(dataset: Dataset) -> None:
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None or not syntax.is_compressed:
        raise UnusableError(
            "not_decodable", "the pixel data are compressed, but the meta header says they are not"
        )


def is_deeper(raw_codes: RawCodes, bits: int, *, signed: bool) -> bool:
    """Whether any of `raw_codes` holds more than a value of `bits`, with its sign."""
    codes = 1 << 8 * raw_codes.itemsize
    # Negative values are extended upwards, or not at all.
    beyond = codes - (1 << bits) - (1 << (bits - 1) if signed else 0)
    if beyond <= 0:
        return False
    return bool((raw_codes - raw_codes.dtype.type(1 << bits) < beyond).any())


def decoded_pixels(content: bytes) -> NDArray[Any]:
    """Stored values, (rows, columns), or RGB, (rows, columns, 3), through pydicom's decoders."""
    dataset = pydicom.dcmread(io.BytesIO(content))
    if "PixelData" not in dataset:
        raise UnusableError("not_decodable", "no pixel data")
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if not dataset["PixelData"].is_undefined_length and not dataset.PixelData.startswith(_ITEM):
        little = _is_little_endian(dataset)
        syntax = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = syntax
    name = syntax.name if syntax is not None and not syntax.is_private else "an unknown syntax"
    with decoding(f"pixel data in {name} cannot be decoded", _samples(dataset)):
        if syntax is None or not syntax.is_compressed:
            return _pixel_array(dataset)
        frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
        if syntax != RLELossless:
            return _jpeg_pixels(frame, dataset)
        _require_rle(frame, dataset)
        return _pixel_array(dataset, frame)


def _jpeg_pixels(frame: bytes, dataset: Dataset) -> NDArray[Any]:
    """Decode any kind of JPEG whose own header agrees with the dataset, and which is whole."""
    header = declared(frame)
    _require_agreement(header, dataset)
    if header.dct_8_bit and ends_early(frame):
        raise UnusableError("not_decodable", ENDS_EARLY)
    if header.bits > dataset.BitsAllocated:
        # pydicom would take each half of a value for a value.
        dataset.BitsAllocated = 16
    pixels = _pixel_array(dataset, frame)
    if header.dct_8_bit or not frame.startswith(b"\xff\xd8"):
        # The former was checked above; openjpeg is strict.
        return pixels
    if not np.array_equal(pixels, _pixel_array(dataset, with_filler(frame))):
        raise UnusableError("not_decodable", ENDS_EARLY)
    return pixels


def _require_agreement(header: Declared, dataset: Dataset) -> None:
    samples = int(dataset.get("SamplesPerPixel") or 1)
    if header[:3] != (dataset.Rows, dataset.Columns, samples):
        raise UnusableError("not_decodable", "the sizes of pixel data and file header differ")
    if header.bits > 16:
        raise UnusableError("not_decodable", f"{header.bits} bits per pixel")


def _pixel_array(dataset: Dataset, frame: bytes | None = None) -> NDArray[Any]:
    """The pixels, in this machine's byte order; of `frame` instead of the file's own if given."""
    if frame is not None:
        # Decode the frame that was checked, whatever the file's fragments and offset tables say.
        dataset.PixelData = encapsulate([frame])
        dataset.pop("ExtendedOffsetTable", None)
        dataset.pop("ExtendedOffsetTableLengths", None)
    # What is deeper than the file says would come back wrapped round.
    pixels = pixel_array(dataset, correct_unused_bits=False)
    return np.asarray(pixels, pixels.dtype.newbyteorder("="))


def _samples(dataset: Dataset) -> int:
    return int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("SamplesPerPixel") or 1)


def _require_rle(frame: bytes, dataset: Dataset) -> None:
    """Check that each segment may hold a byte of each pixel, and unpacks to no more than a file."""
    count, *offsets = struct.unpack_from("<16L", frame)
    edges = [*offsets[:count], len(frame)]
    if count > 15 or edges != sorted(edges):
        raise UnusableError("not_decodable", "the RLE segments are out of order")
    pixels = int(dataset.Rows) * int(dataset.Columns)
    for start, end in pairwise(edges):
        # Two bytes stand for 128 at most.
        most = 64 * (end - start)
        if most < pixels:
            raise UnusableError("not_decodable", "the RLE data ends early")
        require_bytes(most if most <= MAX_BYTES else _unpacked(frame, start, end))


def _unpacked(frame: bytes, start: int, end: int) -> int:
    """Bytes that a PackBits segment (PS3.5 G.3.1) stands for; counted little beyond the bound."""
    count = 0
    while start < end and count <= MAX_BYTES:
        control = frame[start]
        if control < 128:
            count, start = count + control + 1, start + control + 2
        else:
            count, start = count + (257 - control) % 129, start + (2 if control > 128 else 1)
    return count
