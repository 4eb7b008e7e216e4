"""The result of processing an image: a square for the store, or the reason of its rejection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Reason = Literal[
    "missing_file", "not_decodable", "not_a_radiograph", "multiple_frames", "too_small", "blank"
]
Windowing = Literal["as_stored", "window", "voi_lut", "percentile"]
#: The type of the grey values that are kept; the brightest is its largest value.
GreyType = Literal["uint8", "uint16"]
Format = Literal["dicom", "png", "jpeg", "webp", "tiff"]
Grey = NDArray[np.uint8] | NDArray[np.uint16]
RawCodes = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class ProcessedImage:
    """An image as the store keeps it."""

    pixels: Grey
    """(size, size), dark is air."""
    content_bbox: tuple[int, int, int, int]
    """Where the image lies in the square: top, left, bottom, right (the last two excluded)."""
    windowing: Windowing
    polarity_suspect: bool
    perceptual_hash: NDArray[np.uint8]
    """(8,): 64 bits, of which near-duplicates share most."""
    source_size: tuple[int, int]
    """Rows and columns of the source."""
    format: Format


@dataclass(frozen=True)
class RejectedImage:
    """An unusable image."""

    reason: Reason
    detail: str
    """The finding; never a patient-level value, so no path and no third-party error text."""


@dataclass(frozen=True)
class Coding:
    """How a raw code holds a stored value: by its lowest `bits`, in two's complement if `signed`.

    These bits are its code; others may hold an overlay.
    """

    bits: int
    signed: bool = False

    @property
    def sign_bit(self) -> int:
        """0 where there is no sign."""
        return 1 << (self.bits - 1) if self.signed else 0

    def stored(self) -> NDArray[np.int64]:
        """The stored value of every code: (2^bits,)."""
        return (np.arange(1 << self.bits) ^ self.sign_bit) - self.sign_bit


@dataclass(frozen=True)
class GreyScale:
    """The line by which stored values become brightness, clipped at both ends."""

    dark: float = 0
    """The stored value of brightness 0."""
    bright: float = 255
    """That of brightness 1: the smaller one where the image is inverted."""
    coding: Coding = Coding(8)
    padding: tuple[int, int] | None = None
    """The least and the largest stored value of what is no part of the image, and so dark."""


def full_scale(dtype: GreyType) -> GreyScale:
    """The scale of grey values that use all of their type."""
    kind = np.dtype(dtype)
    return GreyScale(bright=np.iinfo(kind).max, coding=Coding(8 * kind.itemsize))


@dataclass(frozen=True)
class DecodedImage:
    """A whole decoded image, dark is air."""

    raw_codes: RawCodes
    """(rows, columns) of the source, divided by `shrunk` and rounded up."""
    windowing: Windowing
    source_size: tuple[int, int]
    format: Format
    scale: GreyScale = GreyScale()
    shrunk: int = 1
    """How many pixels of the source, in each direction, make one of `raw_codes`."""
    aspect: float = 1.0
    """Height of a pixel over its width."""


class UnusableError(Exception):
    """Raised where an image turns out to be unusable; becomes a `RejectedImage`."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reject = RejectedImage(reason, detail)
