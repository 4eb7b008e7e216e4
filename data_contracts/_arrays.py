"""Reading and validating array artifacts (HDF5), as streams."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts._digest import arrays_digest, feed_array, feed_strings
from data_contracts._header import HEADER_KEY, Header
from data_contracts._validate import (
    attribute_faults,
    axis_lengths,
    damaged,
    no_header,
    raise_faults,
    refuse_other_contract,
    require_kind,
)
from data_contracts._vocabulary import Contract, Field

if TYPE_CHECKING:
    import h5py
    import numpy as np

_BLOCK_BYTES = 1 << 24


class Arrays:
    """An open, validated array artifact. Use as a context manager; open it once per process."""

    def __init__(self, file: h5py.File, header: Header, path: Path) -> None:
        self.file, self.header, self.path = file, header, path
        # Looking a dataset up costs as much as reading a small image.
        self._datasets: dict[str, h5py.Dataset] = {}
        #: Where in the file each row lies, and whether it was read before.
        self._places: dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = {}

    def __enter__(self) -> Arrays:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def names(self) -> list[str]:
        """Every dataset, as `group/name`, sorted."""
        return dataset_names(self.file)

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._dataset(name).shape)

    def dtype(self, name: str) -> str:
        """The element type in the words of the contracts."""
        return dtype_name(self._dataset(name))

    def read(self, name: str, rows: Any = ()) -> np.ndarray[Any, Any]:
        """Values of a dataset (of `rows`); chunk checksums are verified, strings decoded.

        Raises `ArtifactError` when a chunk's checksum does not match, `KeyError` when there is
        no such dataset.
        """
        import numpy as np

        dataset = self._dataset(name)
        with _reading(self.path):
            values = np.asarray(dataset[rows])
            return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values

    def read_rows(
        self, name: str, rows: Iterable[int], into: Iterable[np.ndarray[Any, Any]]
    ) -> None:
        """Read rows of a dataset, each into its own contiguous array of the dataset's type.

        A row's checksum is verified when it is read first; afterwards its bytes are taken from
        where they lie in the file, if they do. Raises `ArtifactError` as `read` does.
        """
        import numpy as np

        dataset = self._dataset(name)
        with _reading(self.path):
            if name not in self._places:
                self._places[name] = _row_places(dataset), np.zeros(len(dataset), dtype=bool)
            places, known = self._places[name]
            file = self.file.id.get_vfd_handle()
            for row, values in zip(rows, into, strict=True):
                if not known[row]:
                    dataset.read_direct(values, np.s_[row])
                    known[row] = places[row] > 0
                elif os.preadv(file, [values.data], int(places[row])) != values.nbytes:
                    raise damaged(self.path)

    def _dataset(self, name: str) -> h5py.Dataset:
        if name not in self._datasets:
            self._datasets[name] = self.file[name]
        return self._datasets[name]


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


def read_arrays_header(path: Path) -> Header:
    """The header alone."""
    with _open(path) as file:
        return _header(file, path)


def open_arrays(contract: Contract, path: Path, *, verify: bool = False) -> Arrays:
    """Open an artifact, refuse another version, validate it; `verify` recomputes the digest.

    Raises `ArtifactError` naming `path` and every fault at once.
    """
    require_kind(contract, path)
    file = _open(path)
    try:
        header = _header(file, path)
        refuse_other_contract(contract, header, path)
        with _reading(path):
            faults = array_faults(contract, file, header.attributes)
            raise_faults(contract, path, attribute_faults(contract, header.attributes) + faults)
            if verify and digest_of(file, header.attributes) != header.digest:
                raise damaged(path)
    except BaseException:
        file.close()
        raise
    return Arrays(file, header, path)


def digest_of(file: h5py.File, attributes: Mapping[str, Any]) -> str:
    """Recompute the content digest, block by block."""
    return arrays_digest(
        {name: dataset_facts(file[name], _hash(file[name])) for name in dataset_names(file)},
        attributes,
    )


def dataset_facts(dataset: h5py.Dataset, digest: Any) -> tuple[str, tuple[int, ...], str]:
    """Type, shape and digest of values: what an artifact's digest takes of a dataset."""
    return dtype_name(dataset), tuple(dataset.shape), digest.hexdigest()


def dtype_name(dataset: h5py.Dataset) -> str:
    """The element type in the words of the contracts."""
    return "string" if dataset.dtype.kind == "S" else str(dataset.dtype.name)


def array_faults(
    contract: Contract, file: h5py.File, attributes: Mapping[str, Any] | None = None
) -> list[str]:
    """Want/got lines for datasets, types, ranks and lengths of shared axes."""
    faults: list[str] = []
    lengths = axis_lengths(contract, attributes or {})
    names = dataset_names(file)
    for field in contract.fields:
        found = [n for n in names if field.matches(n)]
        if not found and not field.nullable:
            axes = f" ({', '.join(field.dims)})"
            faults.append(f"dataset '{field.name}': want {field.dtype}{axes}, got none")
        for name in found:
            faults += _dataset_faults(field, name, file[name], lengths)
    extra = [n for n in names if not any(f.matches(n) for f in contract.fields)]
    return faults + [f"dataset '{n}': want none, got {dtype_name(file[n])}" for n in extra]


def _dataset_faults(
    field: Field, name: str, dataset: h5py.Dataset, lengths: dict[str, int]
) -> list[str]:
    """Faults of one dataset; axes met for the first time are added to `lengths`."""
    faults, what = [], f"dataset '{name}'"
    got = dtype_name(dataset)
    if field.dtype not in (got, "any"):
        faults.append(f"{what}: want {field.dtype}, got {got}")
    if field.dims == ("...",):
        return faults
    if len(field.dims) != dataset.ndim:
        return [*faults, f"{what}: want axes ({', '.join(field.dims)}), got shape {dataset.shape}"]
    for axis, length in zip(field.dims, dataset.shape, strict=True):
        want = int(axis) if axis.isdigit() else lengths.setdefault(axis, length)
        if want != length:
            faults.append(f"{what}: want {axis} = {want}, got {length}")
    return faults


def check_faults(contract: Contract, file: h5py.File) -> list[str]:
    """The named checks that fail."""
    return [f"check '{c.name}' fails" for c in contract.checks if not c.holds(file)]


def dataset_names(file: h5py.File) -> list[str]:
    """Every dataset, as `group/name`, sorted."""
    import h5py

    names: list[str] = []
    file.visititems(lambda n, item: names.append(n) if isinstance(item, h5py.Dataset) else None)
    return sorted(names)


def _hash(dataset: h5py.Dataset) -> Any:
    digest = hashlib.sha256()
    if dataset.dtype.kind == "S":
        feed_strings(digest, (v.decode() for v in dataset[()].tolist()))
    elif dataset.ndim == 0:
        feed_array(digest, dataset[()])
    else:
        row_bytes = dataset.dtype.itemsize * prod(dataset.shape[1:])
        rows = max(1, _BLOCK_BYTES // max(1, row_bytes))
        for start in range(0, dataset.shape[0], rows):
            feed_array(digest, dataset[start : start + rows])
    return digest


def _open(path: Path) -> h5py.File:
    import h5py

    with _reading(path):
        return h5py.File(path, "r", locking="best-effort")


def _header(file: h5py.File, path: Path) -> Header:
    with _reading(path):
        text = file.attrs.get(HEADER_KEY)
    if not isinstance(text, bytes):
        raise no_header(path)
    return Header.from_json(text, path)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn whatever h5py raises over a damaged file into one `ArtifactError`."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError) as error:
        raise damaged(path) from error
