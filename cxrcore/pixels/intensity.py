"""How stored values become brightness: a line, or else a table over every code.

A code of up to 16 bits has at most 65,536 values, so every rule (modality LUT, window, VOI LUT,
percentiles, inversion, padding) is worked out once for the codes. Where it is a line, clipped at
both ends, the pixels are left as they are, to be mapped and resized in one pass; else they are
mapped by looking them up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxrcore.pixels import kernels
from cxrcore.pixels.result import (
    Coding,
    Grey,
    GreyScale,
    GreyType,
    RawCodes,
    UnusableError,
    Windowing,
    full_scale,
)

Floats = NDArray[np.float64]

#: Share of pixels cut off at either end by the percentile rule.
TAIL = 0.005
#: A window or VOI LUT covers the pixel values if at least this share of them lies in its range …
MIN_INSIDE = 0.5
#: … and the values between the tails spread over at least this share of the grey scale.
MIN_SPREAD = 0.2
#: Pixels are counted on every n-th row, from the first, of images of more pixels than this.
ROW_STEP = 8
_SMALL = 1 << 18


@dataclass(frozen=True)
class Values:
    """What the codes stand for, after the modality step."""

    of_codes: Floats
    """(2^bits,)"""
    rescale: tuple[float, float] | None = (1.0, 0.0)
    """Slope and intercept that give them from the stored values; None where a LUT does."""


@dataclass(frozen=True)
class Voi:
    """A window or VOI LUT of the file, or a window made of percentiles."""

    windowing: Windowing
    brightness: Floats
    """From 0 to 1, of every code."""
    inside: NDArray[np.bool_]
    """Which codes lie in the range that the window or LUT was made for."""
    ends: tuple[float, float] | None = None
    """The values of brightness 0 and 1 where brightness is a line between them."""


def histogram(raw_codes: RawCodes, coding: Coding) -> Floats:
    """How often each code occurs, (2^bits,); in every `ROW_STEP`-th row of a large image."""
    step = ROW_STEP if raw_codes.size > _SMALL else 1
    return kernels.count_codes(raw_codes, coding.bits, step).astype(np.float64)


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


def grey_scale(
    raw_codes: RawCodes,
    coding: Coding,
    values: Values,
    padding: NDArray[np.bool_],
    vois: list[Voi],
    *,
    inverted: bool,
    dtype: GreyType = "uint8",
) -> tuple[RawCodes, GreyScale, Windowing]:
    """The line from stored values to brightness, and the windowing that gives it.

    The first of `vois` that covers the pixel values is taken, else the percentiles of the
    pixels that are not `padding`. Inversion happens on the resulting scale; padding is black.
    Where there is no line the raw codes are mapped to `dtype`, else they are as they were. Raises
    `UnusableError` (blank) when the pixels outside the padding have one value.
    """
    counts = np.where(padding, 0.0, histogram(raw_codes, coding))
    if not counts.any():
        raise UnusableError("blank", "every pixel is padding")
    voi = _covering(counts, vois) or _percentiles(counts, values.of_codes)
    stored = coding.stored()[padding]
    black = (int(stored.min()), int(stored.max())) if stored.size else None
    ends = _in_stored_values(voi, values)
    if ends is not None:
        dark, bright = ends[::-1] if inverted else ends
        return raw_codes, GreyScale(dark, bright, coding, black), voi.windowing
    brightness = 1 - voi.brightness if inverted else voi.brightness
    kept = full_scale(dtype)
    table = np.where(padding, 0, np.rint(kept.bright * brightness)).astype(dtype)
    return _looked_up(raw_codes, table, dtype), kept, voi.windowing


def _looked_up(raw_codes: RawCodes, table: NDArray[Any], dtype: GreyType) -> Grey:
    import cv2

    every = np.resize(table, 1 << (8 * raw_codes.itemsize))
    return np.asarray(cv2.LUT(raw_codes, every), dtype)


def _covering(counts: Floats, vois: list[Voi]) -> Voi | None:
    for voi in vois:
        low, high = tails(counts, voi.brightness)
        inside = counts[voi.inside].sum() / counts.sum()
        if inside >= MIN_INSIDE and high - low >= MIN_SPREAD:
            return voi
    return None


def _percentiles(counts: Floats, values: Floats) -> Voi:
    low, high = tails(counts, values)
    if low == high:
        raise UnusableError("blank", "99 % of the pixels have one value")
    brightness = np.clip((values - low) / (high - low), 0, 1)
    return Voi("percentile", brightness, (values >= low) & (values <= high), (low, high))


def _in_stored_values(voi: Voi, values: Values) -> tuple[float, float] | None:
    """The stored values of brightness 0 and 1; None where there is no line between them."""
    if voi.ends is None or values.rescale is None:
        return None
    slope, intercept = values.rescale
    # Whole numbers again where rescaling has made others of them.
    dark, bright = (round((end - intercept) / slope, 6) for end in voi.ends)
    return (dark, bright) if np.isfinite((dark, bright)).all() and dark != bright else None


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
    ends = center - width / 2, center + width / 2
    return Voi("window", np.clip(ramp + 0.5, 0, 1), inside, ends)


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
