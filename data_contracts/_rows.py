"""The rows of one dataset: read in any order, each against its checksum."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import h5py
    import numpy as np


class Rows:
    """Reads a dataset; `sums` are the CRC-32 of its rows, if it has any."""

    def __init__(self, dataset: h5py.Dataset, sums: np.ndarray[Any, Any] | None) -> None:
        self.dataset = dataset
        self._sums = sums
        #: Where in the file each row lies, and whether it was read before.
        self._places: np.ndarray[Any, Any] | None = None
        self._known: np.ndarray[Any, Any] | None = None

    def read(self, rows: Any) -> np.ndarray[Any, Any]:
        """The rows that `rows` picks (all by default); `ValueError` if one was altered."""
        import numpy as np

        values = np.asarray(self.dataset[rows])
        if self._sums is not None:
            sums = np.atleast_1d(self._sums[rows])
            each = values.reshape(len(sums), *self.dataset.shape[1:])
            for row, want in zip(each, sums, strict=True):
                _check(row, want)
        return values

    def read_each(
        self, file: int, rows: Iterable[int], into: Iterable[np.ndarray[Any, Any]]
    ) -> None:
        """Read each of `rows` into its own array; `file` is the descriptor of the open file.

        Bytes are taken from where they lie, past HDF5, if they are stored as they are and a
        checksum of their own vouches for them, or HDF5 has verified its own once.
        Raises `ValueError` for a row that was altered or cut off.
        """
        import numpy as np

        if self._places is None or self._known is None:
            self._places = _row_places(self.dataset)
            self._known = np.zeros(len(self.dataset), dtype=bool)
        places, known, sums = self._places, self._known, self._sums
        for row, values in zip(rows, into, strict=True):
            if not places[row] or (sums is None and not known[row]):
                self.dataset.read_direct(values, np.s_[row])
            elif os.preadv(file, [values.data], int(places[row])) != values.nbytes:
                raise ValueError("the row is cut off")
            if not known[row]:
                if sums is not None:
                    _check(values, sums[row])
                known[row] = True


def checksums(block: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """CRC-32 of each row of a block: (rows,) uint32."""
    import numpy as np

    rows = np.ascontiguousarray(block).reshape(len(block), prod(block.shape[1:]))
    return np.array([zlib.crc32(row.data) for row in rows], dtype=np.uint32)


def _check(row: np.ndarray[Any, Any], want: int) -> None:
    if zlib.crc32(row.data) != want:
        raise ValueError("the row is not what was written")


def _row_places(dataset: h5py.Dataset) -> np.ndarray[Any, Any]:
    """The byte of the file at which each row begins, 0 where it is not stored as it is: (rows,)."""
    import numpy as np

    places = np.zeros(len(dataset), dtype=np.int64)
    packed = dataset.compression or dataset.shuffle or dataset.scaleoffset is not None
    # Other software may have packed the values in another way, which changes no digest.
    if packed or dataset.chunks != (1, *dataset.shape[1:]):
        return places

    def note(chunk: Any) -> None:
        places[chunk.chunk_offset[0]] = chunk.byte_offset

    dataset.id.chunk_iter(note)
    return places
