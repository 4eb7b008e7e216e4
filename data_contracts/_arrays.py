"""Reading, writing and validating array artifacts (HDF5), as streams."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_contracts._header import HEADER_KEY, Header, Origin
from data_contracts._validate import attribute_faults, raise_faults, refuse_other_contract
from data_contracts._vocabulary import Contract, Field
from data_contracts._whole import storage_faults, whole_file
from data_contracts.errors import ArtifactError

if TYPE_CHECKING:
    import h5py

_CHUNK_BYTES = 1 << 17
_BLOCK_BYTES = 1 << 24


class Arrays:
    """An open, validated array artifact. Use as a context manager; open it once per process."""

    def __init__(self, file: h5py.File, header: Header, path: Path) -> None:
        self.file, self.header, self.path = file, header, path

    def __enter__(self) -> Arrays:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def names(self) -> list[str]:
        """Every dataset, as `group/name`, sorted."""
        return _dataset_names(self.file)

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.file[name].shape)

    def read(self, name: str, rows: Any = ()) -> np.ndarray[Any, Any]:
        """Values of a dataset (of `rows`); chunk checksums are verified, strings decoded.

        Raises `ArtifactError` when a chunk's checksum does not match.
        """
        try:
            values = self.file[name][rows]
        except (OSError, RuntimeError) as error:
            raise _damaged(self.path) from error
        if isinstance(values, np.ndarray) and values.dtype.kind == "S":
            return np.char.decode(values, "utf-8")
        return np.asarray(values)


class ArraysWriter:
    """Writes one array artifact row by row; the digest grows with the rows.

    Strings are kept until the end, so that their width can fit the longest.
    """

    def __init__(self, contract: Contract, path: Path, file: h5py.File) -> None:
        self._contract, self._path, self._file = contract, path, file
        self.attributes: dict[str, Any] = {}
        self._hashes: dict[str, Any] = {}
        self._strings: dict[str, list[str]] = {}

    def append(self, **rows: Any) -> None:
        """Add rows to datasets whose first axis grows."""
        for name, values in rows.items():
            field = _field(self._contract, name, self._path)
            if field.dtype == "string":
                self._strings.setdefault(name, []).extend(str(v) for v in values)
                continue
            block = np.ascontiguousarray(values, dtype=_numpy_dtype(field, values))
            if name not in self._file:
                self._create(name, block, field)
            dataset = self._file[name]
            start = dataset.shape[0]
            with storage_faults(self._path):
                dataset.resize(start + len(block), axis=0)
                dataset[start:] = block
            self._hashes[name].update(_little_endian(block))

    def put(self, name: str, values: Any) -> None:
        """Write one dataset at once, of any rank."""
        field = _field(self._contract, name, self._path)
        block = np.asarray(values, dtype=_numpy_dtype(field, values))
        with storage_faults(self._path):
            checksum = {"fletcher32": True, "chunks": True} if block.ndim and block.size else {}
            self._file.create_dataset(name, data=block, **checksum)
        self._hashes[name] = hashlib.sha256(_little_endian(np.ascontiguousarray(block)))

    def _create(self, name: str, block: np.ndarray[Any, Any], field: Field) -> None:
        row_bytes = max(1, block[:1].nbytes)
        rows = 1 if field.chunk_per_row else max(1, _CHUNK_BYTES // row_bytes)
        shape = (0, *block.shape[1:])
        self._file.create_dataset(
            name, shape, block.dtype, maxshape=(None, *block.shape[1:]),
            chunks=(rows, *block.shape[1:]), fletcher32=True,
        )  # fmt: skip
        self._hashes[name] = hashlib.sha256()

    def finish(self, origin: Origin) -> Header:
        """Write the strings and the header; raise `ArtifactError` with every fault."""
        for name, values in self._strings.items():
            data = np.char.encode(np.asarray(values, dtype=np.str_), "utf-8")
            # Fixed width keeps strings inside checksummed chunks.
            self._file.create_dataset(
                name, data=data if data.itemsize else data.astype("S1"),
                **({"fletcher32": True, "chunks": True, "compression": 4} if len(values) else {}),
            )  # fmt: skip
            self._hashes[name] = _hash_strings(values)
        facts = self.attributes
        faults = attribute_faults(self._contract, facts) + array_faults(self._contract, self._file)
        raise_faults(self._contract, self._path, faults or check_faults(self._contract, self._file))
        digest = _combine(self._file, self._hashes, facts)
        header = Header.new(self._contract.name, self._contract.version, origin, facts, digest)
        self._file.attrs[HEADER_KEY] = header.to_json()
        return header


@contextmanager
def array_writer(contract: Contract, path: Path) -> Iterator[ArraysWriter]:
    """A writer whose file appears at `path` whole, once `finish` was called and the block ends."""
    import h5py

    with whole_file(path) as partial:
        file = h5py.File(partial, "w", libver=("v110", "v110"))
        try:
            yield ArraysWriter(contract, path, file)
            if HEADER_KEY not in file.attrs:
                raise ArtifactError(f"{path} was left unfinished by its job")
        finally:
            with storage_faults(path):
                file.close()


def write_arrays(
    contract: Contract,
    path: Path,
    arrays: Mapping[str, Any],
    origin: Origin,
    attributes: Mapping[str, Any] | None = None,
) -> Header:
    """Write a small array artifact at once."""
    with array_writer(contract, path) as writer:
        for name, values in arrays.items():
            if _field(contract, name, path).dtype == "string":
                writer.append(**{name: values})
            else:
                writer.put(name, values)
        writer.attributes.update(attributes or {})
        return writer.finish(origin)


def read_arrays_header(path: Path) -> Header:
    """The header alone."""
    with _open(path) as file:
        return _header(file, path)


def open_arrays(contract: Contract, path: Path, *, verify: bool = False) -> Arrays:
    """Open an artifact, refuse another version, validate it; `verify` recomputes the digest.

    Raises `ArtifactError` naming `path` and every fault at once.
    """
    file = _open(path)
    try:
        header = _header(file, path)
        refuse_other_contract(contract, header, path)
        raise_faults(contract, path, array_faults(contract, file))
        if verify and digest_of(file, header, path) != header.digest:
            raise _damaged(path)
    except BaseException:
        file.close()
        raise
    return Arrays(file, header, path)


def digest_of(file: h5py.File, header: Header, path: Path) -> str:
    """Recompute the content digest, block by block."""
    hashes = {}
    try:
        for name in _dataset_names(file):
            hashes[name] = _hash_dataset(file[name])
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        raise _damaged(path) from error
    return _combine(file, hashes, header.attributes)


def array_faults(contract: Contract, file: h5py.File) -> list[str]:
    """Want/got lines for datasets, types, ranks and lengths of shared axes."""
    faults: list[str] = []
    lengths: dict[str, int] = {}
    names = _dataset_names(file)
    for field in contract.fields:
        found = [n for n in names if field.matches(n)]
        if not found and not field.nullable:
            faults.append(f"dataset '{field.name}': want {field.dtype} {field.dims}, got none")
        for name in found:
            dataset = file[name]
            got = "string" if dataset.dtype.kind == "S" else dataset.dtype.name
            if field.dtype not in (got, "any"):
                faults.append(f"dataset '{name}': want {field.dtype}, got {got}")
            if field.dims == ("...",):
                continue
            if len(field.dims) != dataset.ndim:
                faults.append(f"dataset '{name}': want axes {field.dims}, got shape {dataset.shape}")
                continue
            for axis, length in zip(field.dims, dataset.shape, strict=True):
                want = int(axis) if axis.isdigit() else lengths.setdefault(axis, length)
                if want != length:
                    faults.append(f"dataset '{name}': want {axis} = {want}, got {length}")
    extra = [n for n in names if not any(f.matches(n) for f in contract.fields)]
    return faults + [f"dataset '{n}': want none" for n in extra]


def check_faults(contract: Contract, file: h5py.File) -> list[str]:
    """The named checks that fail."""
    return [f"check '{c.name}' fails" for c in contract.checks if not c.holds(file)]


def _field(contract: Contract, name: str, path: Path) -> Field:
    for field in contract.fields:
        if field.matches(name):
            return field
    raise ArtifactError(f"{path}: the contract {contract.name} has no dataset '{name}'")


def _numpy_dtype(field: Field, values: Any) -> np.dtype[Any]:
    return np.asarray(values).dtype if field.dtype == "any" else np.dtype(field.dtype)


def _little_endian(block: np.ndarray[Any, Any]) -> memoryview:
    return memoryview(block.astype(block.dtype.newbyteorder("<"), copy=False)).cast("B") if block.size else memoryview(b"")


def _hash_strings(values: list[str]) -> Any:
    digest = hashlib.sha256()
    for value in values:
        raw = value.encode()
        digest.update(len(raw).to_bytes(4, "little") + raw)
    return digest


def _hash_dataset(dataset: h5py.Dataset) -> Any:
    if dataset.dtype.kind == "S":
        return _hash_strings([v.decode() for v in dataset[()].tolist()])
    if dataset.ndim == 0:
        return hashlib.sha256(np.ascontiguousarray(dataset[()]).tobytes())
    digest = hashlib.sha256()
    rows = max(1, _BLOCK_BYTES // max(1, dataset.dtype.itemsize * int(np.prod(dataset.shape[1:]))))
    for start in range(0, dataset.shape[0], rows):
        digest.update(_little_endian(np.ascontiguousarray(dataset[start : start + rows])))
    return digest


def _combine(file: h5py.File, hashes: Mapping[str, Any], attributes: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(attributes, sort_keys=True).encode())
    for name in sorted(hashes):
        dataset = file[name]
        kind = "string" if dataset.dtype.kind == "S" else dataset.dtype.name
        digest.update(f"{name}|{kind}|{dataset.shape}|{hashes[name].hexdigest()}".encode())
    return f"sha256:{digest.hexdigest()}"


def _dataset_names(file: h5py.File) -> list[str]:
    import h5py

    names: list[str] = []
    file.visititems(lambda n, item: names.append(n) if isinstance(item, h5py.Dataset) else None)
    return sorted(names)


def _open(path: Path) -> h5py.File:
    import h5py

    try:
        return h5py.File(path, "r", locking="best-effort")
    except OSError as error:
        raise _damaged(path) from error


def _header(file: h5py.File, path: Path) -> Header:
    try:
        text = file.attrs.get(HEADER_KEY)
    except (OSError, RuntimeError) as error:
        raise _damaged(path) from error
    if not isinstance(text, str):
        raise ArtifactError(f"{path} has no cxr header: it is not an artifact of this software")
    return Header.from_json(text, path)


def _damaged(path: Path) -> ArtifactError:
    return ArtifactError(
        f"{path} is damaged (truncated or altered); delete it and run the job that writes it again"
    )
