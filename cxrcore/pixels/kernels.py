"""The passes over stored pixels, compiled by numba: import this where an image is resized."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from cxrcore.compilation import compiled
from cxrcore.pixels.result import GreyScale, RawCodes

Floats = NDArray[np.float64]


#: Sums of whole rows are kept in 32 bits.
_MOST_ROWS = 1 << 16


class _Line(NamedTuple):
    """A `GreyScale` over codes in the order of their values: brightness times `width`.

    Values are counted from a whole number, `start`, so that 32 bits hold them without rounding:
    `direction` × (value − start) − `fraction`, from 0 to `width`.
    """

    mask: int
    sign_bit: int
    least: int
    most: int
    """Codes beyond these are 0 and `width`; exact where `is_whole`."""
    is_whole: bool
    """Both ends are whole numbers, and there is no padding."""
    start: np.float32
    direction: np.float32
    fraction: np.float32
    width: np.float32
    first_padding: np.float32
    last_padding: np.float32


def area_average(
    raw_codes: RawCodes, scale: GreyScale, rows: int, columns: int, extent: tuple[float, float]
) -> Floats:
    """Mean brightness, 0 to 1, in each of `rows` × `columns` equal cells.

    Each pixel is mapped by `scale` and counts by its overlap with the cell. The cells fill the
    upper left `extent`, in pixels, of `raw_codes`. Raises `ValueError` if that lies outside.
    """
    if any(not 0 < e <= side for e, side in zip(extent, raw_codes.shape, strict=True)):
        # Compiled loops check no index.
        raise ValueError(f"extent {extent} outside an image of {raw_codes.shape}")
    down, across = np.linspace(0, extent[0], rows + 1), np.linspace(0, extent[1], columns + 1)
    count, out = raw_codes.shape[1], np.empty((rows, columns))
    line = _line(scale, raw_codes.dtype.type, can_be_whole=down[1] < _MOST_ROWS)
    _sum(_uniform(raw_codes), line, down, across, np.empty(count, np.uint32),
         np.zeros(count + 1, np.float32), out)  # fmt: skip
    return np.asarray(out / (abs(scale.bright - scale.dark) * down[1] * across[1]))


def count_codes(raw_codes: RawCodes, bits: int, step: int) -> NDArray[np.uint32]:
    """How often the lowest `bits` of `raw_codes` have each value in every `step`-th row."""
    counts = np.empty(1 << bits, np.uint32)
    _count(_uniform(raw_codes), step, raw_codes.dtype.type((1 << bits) - 1), counts)
    return counts


def _uniform(raw_codes: RawCodes) -> NDArray[Any]:
    """The same codes as an array of the one kind that the loops are compiled for."""
    pixels = np.ascontiguousarray(raw_codes)[:]
    pixels.flags.writeable = False
    return pixels


def _line(scale: GreyScale, code: type[np.uint8 | np.uint16], *, can_be_whole: bool) -> _Line:
    coding, ends = scale.coding, sorted((scale.dark, scale.bright))
    start, direction = np.floor(scale.dark), np.sign(scale.bright - scale.dark)
    first, last = scale.padding or (np.inf, -np.inf)
    least, most = (np.clip(np.floor(e) + coding.sign_bit, 0, np.iinfo(code).max) for e in ends)
    is_whole = can_be_whole and scale.padding is None and all(e == np.floor(e) for e in ends)
    codes = (code(n) for n in ((1 << coding.bits) - 1, coding.sign_bit, least, most))
    distances = (start + coding.sign_bit, direction, direction * (scale.dark - start),
                 ends[1] - ends[0], first - start, last - start)  # fmt: skip
    return _Line._make([*codes, is_whole, *map(np.float32, distances)])


@compiled
def _count(
    raw_codes: RawCodes, step: int, mask: np.uint8 | np.uint16, counts: NDArray[np.uint32]
) -> None:
    counts[:] = 0
    for row in range(0, len(raw_codes), step):
        for code in raw_codes[row]:
            counts[code & mask] += 1


@compiled
def _sum(
    raw_codes: RawCodes, line: _Line, down: Floats, across: Floats,
    counts: NDArray[np.uint32], sums: NDArray[np.float32], out: Floats,
) -> None:  # fmt: skip
    """Brightness times width, summed over each cell: (rows, columns).

    `down` and `across` are the edges of the cells. `counts` and `sums` are working space for a
    row of pixels; the latter ends with a zero.
    """
    for i in range(len(out)):
        first, last = int(down[i]), int(down[i + 1])
        sums[:] = 0
        if line.is_whole:
            _add_whole_rows(raw_codes[first:last], line, counts, sums)
        else:
            for row in range(first, last):
                _add_row(raw_codes[row], line, np.float32(1), sums)
        # The last row is of this cell in part, and so is the first.
        if down[i + 1] > last:
            _add_row(raw_codes[last], line, np.float32(down[i + 1] - last), sums)
        if down[i] > first:
            _add_row(raw_codes[first], line, np.float32(first - down[i]), sums)
        _add_columns(sums, across, out[i])


@numba.njit  # type: ignore[untyped-decorator]
def _add_columns(sums: NDArray[np.float32], across: Floats, out: Floats) -> None:
    """Sums of rows, summed over each cell."""
    # Equally many steps for each cell, and indexes that cannot be negative: both are faster.
    fewest = int(across[1])
    for j in range(len(out)):
        fewest = min(fewest, int(across[j + 1]) - int(across[j]))
    for j in range(len(out)):
        left, right = np.uint64(across[j]), np.uint64(across[j + 1])
        total = (across[j + 1] - right) * sums[right] - (across[j] - left) * sums[left]
        for column in range(left, left + np.uint64(fewest)):
            total += sums[column]
        for column in range(left + np.uint64(fewest), right):
            total += sums[column]
        out[j] = total


@numba.njit  # type: ignore[untyped-decorator]
def _add_whole_rows(
    raw_codes: RawCodes, line: _Line, counts: NDArray[np.uint32], sums: NDArray[np.float32]
) -> None:
    """Add the brightness of rows of pixels, times width, to `sums`, by way of whole numbers."""
    counts[:] = 0
    for row in range(len(raw_codes)):
        for column in range(len(counts)):
            value = (raw_codes[row, column] & line.mask) ^ line.sign_bit
            counts[column] += min(max(value, line.least), line.most)
    nothing = len(raw_codes) * np.int64(line.start)
    for column in range(len(counts)):
        sums[column] += line.direction * np.float32(np.int64(counts[column]) - nothing)


@numba.njit  # type: ignore[untyped-decorator]
def _add_row(
    raw_codes: RawCodes, line: _Line, weight: np.float32, sums: NDArray[np.float32]
) -> None:
    """Add the brightness of a row of pixels, times width and weight, to `sums`."""
    dark = np.float32(0)
    for column in range(len(raw_codes)):
        value = np.float32((raw_codes[column] & line.mask) ^ line.sign_bit) - line.start
        ramp = min(max(value * line.direction - line.fraction, dark), line.width)
        is_padding = (value >= line.first_padding) & (value <= line.last_padding)
        sums[column] += weight * (dark if is_padding else ramp)
