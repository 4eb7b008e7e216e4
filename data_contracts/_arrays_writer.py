"""Writing array artifacts (HDF5) row by row, whole, with a digest that grows with the rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts._arrays_content import SHA256, array_errors, check_errors, dataset_facts
from data_contracts._digest import arrays_digest, feed_array, feed_strings
from data_contracts._rows import checksums
from data_contracts._validate import attribute_errors, raise_errors
from data_contracts.atomic import DeferringFile, atomic_replace, translate_os_errors
from data_contracts.errors import ArtifactError
from data_contracts.header import HEADER_KEY, Header, Provenance
from data_contracts.vocabulary import Contract, Field

if TYPE_CHECKING:
    import h5py
    import numpy as np

_CHUNK_BYTES = 1 << 17


class ArraysWriter:
    """Writes one array artifact; strings are kept until the end, when the longest is known.

    Every method raises `ArtifactError` for values that the contract cannot hold, and
    `StorageError` when the disk refuses.
    """

    def __init__(self, contract: Contract, path: Path, file: h5py.File, sink: DeferringFile):
        self._contract, self._path, self._file, self._sink = contract, path, file, sink
        self.attributes: dict[str, Any] = {}
        self._hashes: dict[str, Any] = {}
        self._strings: dict[str, list[str]] = {}
        self._waiting: dict[str, list[np.ndarray[Any, Any]]] = {}
        self._rows_waiting: dict[str, int] = {}

    def append(self, **rows: Any) -> None:
        """Add rows to datasets whose first axis grows."""
        for name, values in rows.items():
            field = self._field(name)
            if field.dtype == "string":
                self._strings.setdefault(name, []).extend(self._texts(name, values))
                continue
            block = self._block(field, name, values)
            # A copy, since the caller may use its buffer again.
            waiting = self._waiting.setdefault(name, [block[:0].copy()])
            if block.shape[1:] != waiting[0].shape[1:]:
                raise self._wrong(name, f"rows of shape {waiting[0].shape[1:]}", block.shape[1:])
            waiting.append(block.copy())
            self._rows_waiting[name] = self._rows_waiting.get(name, 0) + len(block)
            feed_array(self._hashes.setdefault(name, hashlib.sha256()), block)
            self._store_chunks(name, field)
            if sums := self._contract.checksum_of(name):
                self.append(**{sums: checksums(block)})

    def put(self, name: str, values: Any) -> None:
        """Write one dataset at once, of any rank."""
        block = self._block(self._field(name), name, values)
        self._create(name, block)
        self._hashes[name] = hashlib.sha256()
        feed_array(self._hashes[name], block)
        if sums := self._contract.checksum_of(name):
            self.put(sums, checksums(block))

    def finish(self, origin: Provenance) -> Header:
        """Write what is left and the header; raise `ArtifactError` with every fault."""
        import numpy as np

        for name, texts in self._strings.items():
            self._put_strings(name, texts)
        for name, waiting in self._waiting.items():
            self._store(name, np.concatenate(waiting))
        facts, contract = dict(self.attributes), self._contract
        with self._storing():
            self._file.flush()
            faults = attribute_errors(contract, facts) + array_errors(contract, self._file, facts)
            faults = faults or check_errors(contract, self._file)
            hashes = {n: h.hexdigest() for n, h in self._hashes.items()}
            datasets = {n: dataset_facts(self._file[n], h) for n, h in hashes.items()}
            for name in filter(contract.checksum_of, hashes):
                self._file[name].attrs[SHA256] = hashes[name]
        raise_errors(contract, self._path, faults)
        digest = arrays_digest(datasets, facts)
        header = Header.new(contract.name, contract.version, origin, facts, digest)
        with self._storing():
            # Fixed length: HDF5 checksums it, and a damaged variable-length one makes it hang.
            self._file.attrs[HEADER_KEY] = np.bytes_(header.to_json())
        return header

    def _store_chunks(self, name: str, field: Field) -> None:
        """Store what fills whole chunks: HDF5 writes a chunk anew for every row added to it."""
        import numpy as np

        waiting = self._waiting[name]
        rows = _chunk_rows(field, waiting[0])
        if self._rows_waiting[name] >= rows:
            block = np.concatenate(waiting)
            whole = len(block) // rows * rows
            self._store(name, block[:whole])
            self._waiting[name] = [block[whole:].copy()]
            self._rows_waiting[name] = len(block) - whole

    def _store(self, name: str, block: np.ndarray[Any, Any]) -> None:
        if name not in self._file:
            self._create(name, block, grows=True)
        elif len(block):
            with self._storing():
                dataset = self._file[name]
                start = dataset.shape[0]
                dataset.resize(start + len(block), axis=0)
                dataset[start:] = block

    def _create(self, name: str, block: np.ndarray[Any, Any], grows: bool = False) -> None:
        options: dict[str, Any] = {}
        if block.ndim and block.size:
            rows = min(_chunk_rows(self._field(name), block), len(block))
            options = {"fletcher32": True, "chunks": (rows, *block.shape[1:])}
            if grows:
                options["maxshape"] = (None, *block.shape[1:])
        with self._storing():
            self._file.create_dataset(name, data=block, **options)

    def _put_strings(self, name: str, values: list[str]) -> None:
        import numpy as np

        # Fixed width keeps strings inside checksummed chunks.
        raw = np.array([value.encode() for value in values] or [b""], dtype=np.bytes_)
        raw = raw[: len(values)].astype(raw.dtype if raw.itemsize else "S1")
        options = {"fletcher32": True, "chunks": True, "compression": 4} if values else {}
        with self._storing():
            self._file.create_dataset(name, data=raw, **options)
        self._hashes[name] = hashlib.sha256()
        feed_strings(self._hashes[name], values)

    def _field(self, name: str) -> Field:
        for field in self._contract.fields:
            if field.matches(name):
                return field
        raise ArtifactError(
            f"{self._path}: the contract {self._contract.name} has no dataset '{name}'"
        )

    def _texts(self, name: str, values: Any) -> list[str]:
        texts = list(values)
        for value in texts:
            if not isinstance(value, str):
                raise self._wrong(name, "string", type(value).__name__)
            if "\0" in value or not _encodes(value):
                raise self._wrong(name, "text that UTF-8 can hold, without NUL", "other characters")
        return [str(value) for value in texts]

    def _block(self, field: Field, name: str, values: Any) -> np.ndarray[Any, Any]:
        """`values` in the contract's type; narrowing floats is fine, losing values is not."""
        import numpy as np

        given = np.asarray(values)
        as_given = field.dtype == "any" or given.dtype.name in field.choices
        want = given.dtype if as_given else np.dtype(field.choices[0])
        if given.dtype == want or not given.size:
            return given.astype(want, copy=False)
        if given.dtype.kind not in "biuf":
            raise self._wrong(name, field.dtype, given.dtype)
        with np.errstate(all="ignore"):
            block = given.astype(want)
        kept = np.isfinite(given) == np.isfinite(block) if want.kind == "f" else given == block
        if not kept.all():
            raise self._wrong(name, field.dtype, f"{given.dtype} values that do not fit")
        return block

    def _wrong(self, name: str, want: Any, got: Any) -> ArtifactError:
        what = f"{self._path} breaks the contract {self._contract.name} {self._contract.version}"
        return ArtifactError(f"{what}: dataset '{name}': want {want}, got {got}")

    @contextmanager
    def _storing(self) -> Iterator[None]:
        with _faults_of(self._sink, self._path):
            yield


@contextmanager
def array_writer(contract: Contract, path: Path) -> Iterator[ArraysWriter]:
    """A writer whose file appears at `path` whole, once `finish` was called and the block ends."""
    import h5py

    with atomic_replace(path) as partial:
        with translate_os_errors(path):
            sink = DeferringFile(partial, "w+")
        with sink, _faults_of(sink, path), h5py.File(sink, "w", libver=("v110", "v110")) as file:
            yield ArraysWriter(contract, path, file, sink)
            if HEADER_KEY not in file.attrs:
                raise ArtifactError(f"{path} was left unfinished by its job")


@contextmanager
def _faults_of(sink: DeferringFile, path: Path) -> Iterator[None]:
    """Raise the fault that `sink` has met, instead of what HDF5 made of it."""
    try:
        yield
    except (OSError, RuntimeError):
        with translate_os_errors(path):
            sink.raise_fault()
        raise
    with translate_os_errors(path):
        sink.raise_fault()


def write_arrays(
    contract: Contract,
    path: Path,
    arrays: Mapping[str, Any],
    origin: Provenance,
    attributes: Mapping[str, Any] | None = None,
) -> Header:
    """Write a small array artifact at once; checksums among the arrays are made anew."""
    strings = {f.name for f in contract.fields if f.dtype == "string"}
    with array_writer(contract, path) as writer:
        for name, values in arrays.items():
            if name in strings:
                writer.append(**{name: values})
            elif not contract.is_checksum(name):
                writer.put(name, values)
        writer.attributes.update(attributes or {})
        return writer.finish(origin)


def _chunk_rows(field: Field, block: np.ndarray[Any, Any]) -> int:
    """How many rows make a chunk worth its overhead."""
    row_bytes = max(1, block.itemsize * prod(block.shape[1:]))
    return 1 if field.chunk_per_row else max(1, _CHUNK_BYTES // row_bytes)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
