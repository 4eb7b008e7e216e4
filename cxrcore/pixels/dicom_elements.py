"""Optional elements of a DICOM radiograph, of which one that is odd costs nothing beside it.

An element may be absent, empty, multi-valued or no number. One of the value representation "US or
SS" is a bit pattern whose sign the pixels decide, and writers get it wrong.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

_WORD = 1 << 16
#: Distances of pixel rows and columns, in the order of preference.
_SPACINGS = (
    "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio",
)  # fmt: skip


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """The values of an element, NaN where one is empty or no number; none if it is not there."""
    try:
        value = dataset.get(keyword)
    except Exception:
        # pydicom converts a value when it is asked for, and may raise anything.
        return []
    if value is None:
        return []
    return [
        _number(v) for v in (value if isinstance(value, list | tuple | MultiValue) else [value])
    ]


def _number(value: Any) -> float:
    try:
        return float(value)
    except (ValueError, TypeError, OverflowError):
        return math.nan


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first value of an element, None if there is none that is a finite number."""
    first = (numbers(dataset, keyword) or [math.nan])[0]
    return first if math.isfinite(first) else None


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none if it is not there, or no sequence."""
    try:
        return [item for item in dataset.get(keyword) or [] if isinstance(item, Dataset)]
    except Exception:
        # As in `numbers`.
        return []


def lut(item: Dataset, values: NDArray[Any]) -> tuple[NDArray[np.int64], int] | None:
    """Entries of a LUT over `values` and the value that the first is for; None if it is empty.

    Raises `ValueError` if it has fewer entries than its descriptor says.
    """
    count, first, *_ = (*numbers(item, "LUTDescriptor"), math.nan, math.nan)
    data = item.get("LUTData")
    if not (math.isfinite(count) and math.isfinite(first)) or data is None or len(data) == 0:
        return None
    # The descriptor has 16 bits: a full table counts as 0.
    size = int(count) % _WORD or _WORD
    if isinstance(data, bytes):
        order = "<" if item.original_encoding[1] is not False else ">"
        # Some files pack 8-bit entries two to a word.
        data = np.frombuffer(data, "u1" if len(data) < 2 * size else f"{order}u2")
    entries = np.atleast_1d(np.asarray(data)).astype(np.int64)[:size] % _WORD
    if len(entries) < size:
        raise ValueError("the LUT is shorter than its descriptor says")
    return entries, _first_mapped(int(first), size, values)


def _first_mapped(first: int, size: int, values: NDArray[Any]) -> int:
    """The first value of a LUT, with the sign that lets it map more of `values`."""
    low, high = float(values.min()), float(values.max())

    def mapped(start: int) -> float:
        return min(start + size - 1, high) - max(start, low)

    other = first - _WORD if first > 0 else first + _WORD
    return other if mapped(other) >= 0 and mapped(other) > mapped(first) else first


def padding(dataset: Dataset, stored: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the `stored` values are padding (PS3.3 C.7.5.1.1.2)."""
    value, limit = (number(dataset, f"PixelPadding{part}") for part in ("Value", "RangeLimit"))
    if value is None:
        return np.zeros(len(stored), bool)
    low, high = int(stored.min()), int(stored.max())
    value = _with_sign(value, low, high)
    ends = sorted((value, value if limit is None else _with_sign(limit, low, high)))
    return np.asarray((stored >= ends[0]) & (stored <= ends[1]))


def _with_sign(value: float, low: int, high: int) -> float:
    """The value, or the one of the same bit pattern, of 16 bits or signed, from `low` to `high`."""
    patterns = (value, value - _WORD, value + _WORD, value - (high + 1 - low) if low < 0 else value)
    return next((v for v in patterns if low <= v <= high), value)


def pixel_aspect(dataset: Dataset) -> float:
    """Height of a pixel over its width (PS3.3 10.7.1.3, C.7.6.3.1.7); 1 where it is not said."""
    for keyword in _SPACINGS:
        vertical, horizontal, *_ = (*numbers(dataset, keyword), math.nan, math.nan)
        if 0 < vertical < math.inf and 0 < horizontal < math.inf:
            return vertical / horizontal
    return 1.0


def has_embedded_overlay(dataset: Dataset) -> bool:
    """Whether an overlay lies in bits of the pixels that hold no value (retired, PS3.5 8.1.2)."""
    positions = (dataset.get((group, 0x0102)) for group in range(0x6000, 0x6020, 2))
    return any(position is not None and position.value for position in positions)
