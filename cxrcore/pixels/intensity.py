"""How stored values become 8-bit grey: one table over every raw code a pixel can hold.

A pixel of up to 16 bits has at most 65,536 raw codes, so every rule (modality LUT, window, VOI
LUT, percentiles, inversion, padding) is worked out once for the raw codes, and the image is
mapped by looking them up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cxrcore.pixels.result import Grey, UnusableError, Windowing

Floats = NDArray[np.float64]
RawCodes = NDArray[np.uint8] | NDArray[np.uint16]

#: Share of pixels cut off at either end by the percentile rule.
TAIL = 0.005
#: A window or VOI LUT covers the pixel values if at least this share of them lies in its range …
MIN_INSIDE = 0.5
#: … and the values between the tails spread over at least this share of the grey scale.
MIN_SPREAD = 0.2
#: Whether a window covers is judged on every n-th row, percentiles are taken over all.
_ROW_STEP = 16
_SMALL = 1 << 18


@dataclass(frozen=True)
class Voi:
    """A window or VOI LUT of the file."""

    windowing: Windowing
    brightness: Floats
    """From 0 to 1, of every raw code."""
    inside: NDArray[np.bool_]
    """Which raw codes lie in the range that the window or LUT was made for."""


def histogram(raw_codes: RawCodes, row_step: int = 1) -> Floats:
    """How often each raw code occurs in every `row_step`-th row: (256 or 65536,)."""
    bins = 1 << (8 * raw_codes.itemsize)
    # Counts are float32 in OpenCV: exact to 2^24 per code.
    counts = cv2.calcHist([raw_codes[::row_step]], [0], None, [bins], [0, bins])
    return counts.ravel().astype(np.float64)


def tails(counts: Floats, values: Floats) -> tuple[float, float]:
    """The 0.5th and 99.5th percentile of `values` that occur `counts` times.

    The lower is the smallest value with at least 0.5 % of the pixels at or below it, the upper
    the largest with at least 0.5 % at or above it, so that inverting the values swaps the two.
    """
    used = np.flatnonzero(counts)
    order = used[np.argsort(values[used], kind="stable")]
    share = TAIL * counts[used].sum()
    low = np.searchsorted(np.cumsum(counts[order]), share)
    high = len(order) - 1 - np.searchsorted(np.cumsum(counts[order][::-1]), share)
    return float(values[order[low]]), float(values[order[high]])


def apply(raw_codes: RawCodes, table: Grey) -> Grey:
    """Look every pixel up in `table`."""
    return np.asarray(cv2.LUT(raw_codes, table), np.uint8)


def grey_table(
    raw_codes: RawCodes,
    values: Floats,
    padding: NDArray[np.bool_],
    vois: list[Voi],
    *,
    inverted: bool,
) -> tuple[Grey, Windowing]:
    """The grey level of every raw code, and the windowing that gives it.

    The first of `vois` that covers the pixel values is taken, else the percentiles of the
    pixels that are not padding. Inversion happens on the resulting scale; padding is black.
    Raises `UnusableError` (blank) when the pixels outside the padding have one value.
    """
    windowing: Windowing
    voi = _covering(raw_codes, padding, vois)
    if voi is None:
        counts = np.where(padding, 0.0, histogram(raw_codes))
        if not counts.any():
            raise UnusableError("blank", "every pixel is padding")
        low, high = tails(counts, values)
        if low == high:
            raise UnusableError("blank", "99 % of the pixels have one value")
        windowing, brightness = "percentile", np.clip((values - low) / (high - low), 0, 1)
    else:
        windowing, brightness = voi.windowing, voi.brightness
    brightness = 1 - brightness if inverted else brightness
    return np.where(padding, 0, np.rint(255 * brightness)).astype(np.uint8), windowing


def _covering(raw_codes: RawCodes, padding: NDArray[np.bool_], vois: list[Voi]) -> Voi | None:
    if not vois:
        return None
    counts = np.where(
        padding, 0.0, histogram(raw_codes, _ROW_STEP if raw_codes.size > _SMALL else 1)
    )
    if not counts.any():
        return None
    for voi in vois:
        low, high = tails(counts, voi.brightness)
        inside = counts[voi.inside].sum() / counts.sum()
        if inside >= MIN_INSIDE and high - low >= MIN_SPREAD:
            return voi
    return None


def window(values: Floats, center: float, width: float, function: str) -> Voi | None:
    """A window over `values` (DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3); None if it has no width.

    `function` is LINEAR (also for anything unknown), LINEAR_EXACT or SIGMOID.
    """
    if function not in ("LINEAR_EXACT", "SIGMOID"):
        center, width = center - 0.5, width - 1
    if not np.isfinite((center, width)).all() or width <= 0:
        return None
    inside = np.abs(values - center) <= width / 2
    ramp = (values - center) / width
    if function == "SIGMOID":
        # Beyond ±50 the curve is 0 or 1 in any case, and exp overflows further out.
        return Voi("window", 1 / (1 + np.exp(-np.clip(4 * ramp, -50, 50))), inside)
    return Voi("window", np.clip(ramp + 0.5, 0, 1), inside)


def lookup(values: Floats, entries: NDArray[Any], first: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Look `values` up in a LUT whose first entry is for `first`; the end entries extend beyond it.

    Gives the looked-up values and which of `values` lie in the LUT's range (PS3.3 C.11.1.1).
    """
    index = np.rint(values).astype(np.int64) - first
    inside = (index >= 0) & (index < len(entries))
    return entries[np.clip(index, 0, len(entries) - 1)].astype(np.float64), inside


def voi_lut(values: Floats, entries: NDArray[Any], first: int) -> Voi:
    """A VOI LUT over `values`, as brightness 0 to 1.

    Full scale is the smallest 2^n − 1 that holds its largest entry: descriptors that announce
    more bits than the entries use are common.
    """
    looked_up, inside = lookup(values, entries, first)
    full = (1 << max(int(entries.max()).bit_length(), 1)) - 1
    return Voi("voi_lut", looked_up / full, inside)
