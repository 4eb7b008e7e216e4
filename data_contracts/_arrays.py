"""Reading and validating array artifacts (HDF5), as streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts._arrays_content import (
    array_errors,
    dataset_names,
    digest_of,
    dtype_name,
    hashes_of_checked_rows,
)
from data_contracts._rows import Rows
from data_contracts._validate import (
    attribute_errors,
    damaged,
    no_header,
    raise_errors,
    require_kind,
    unreadable,
)
from data_contracts._versions import as_written, require_contract, upgrade_of, upgraded
from data_contracts.errors import Busy, Interrupted
from data_contracts.header import HEADER_KEY, Header
from data_contracts.os_errors import IN_USE, NO_LOCKS, error_number
from data_contracts.vocabulary import Contract

if TYPE_CHECKING:
    import h5py
    import numpy as np

#: What HDF5 reports of a file that a program is writing, where locks do not tell.
_OPEN_FOR_WRITING = "already open for write"


class Arrays:
    """An open, validated array artifact. Use as a context manager; open it once per process."""

    def __init__(
        self, contract: Contract, file: h5py.File, header: Header, path: Path,
        renamed: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.file, self.header, self.path = file, header, path
        self._contract = contract
        self._renamed = renamed
        # Looking a dataset up costs as much as reading a small image.
        self._rows: dict[str, Rows] = {}

    def __enter__(self) -> Arrays:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def names(self) -> list[str]:
        """Every dataset, as `group/name`, sorted."""
        today = {former: name for name, former in self._renamed.items()}
        return sorted(today.get(name, name) for name in dataset_names(self.file))

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._of(name).dataset.shape)

    def dtype(self, name: str) -> str:
        """The element type in the words of the contracts."""
        return dtype_name(self._of(name).dataset)

    def read(self, name: str, rows: Any = ()) -> np.ndarray[Any, Any]:
        """Values of a dataset (of `rows`); checksums are verified, strings decoded.

        Raises `ArtifactError` when a checksum does not match, `KeyError` when there is no such
        dataset, `Interrupted` when disk, network or memory fail.
        """
        import numpy as np

        of = self._of(name)
        with _reading(self.path):
            values = of.read(rows)
            return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values

    def read_rows(
        self, name: str, rows: Iterable[int], into: Iterable[np.ndarray[Any, Any]]
    ) -> None:
        """Read rows of a dataset, each into its own contiguous array of the dataset's type.

        A row's checksum is verified when it is read first. Raises as `read` does.
        """
        of = self._of(name)
        with _reading(self.path):
            of.read_each(self.file.id.get_vfd_handle(), rows, into)

    def _of(self, name: str) -> Rows:
        if name not in self._rows:
            dataset = self.file[self._renamed.get(name, name)]
            sums = self._contract.checksum_of(name)
            with _reading(self.path):
                there = sums and sums in self.file
                self._rows[name] = Rows(dataset, self.file[sums][()] if there else None)
        return self._rows[name]


def read_arrays_header(path: Path) -> Header:
    """The header alone."""
    with _open(path) as file:
        return _header(file, path)


def open_arrays(contract: Contract, path: Path, *, verify: bool | None = None) -> Arrays:
    """Open an artifact, validate it, recompute its digest, and upgrade an older version.

    Rows that have checksums of their own are left out of that, since they are checked when they
    are read, unless `verify` is true; if it is false no digest is computed, for whoever needs
    names and shapes only. Raises `ArtifactError` naming `path` and every
    fault at once, `Interrupted` when disk, network or memory fail.
    """
    require_kind(contract, path)
    file = _open(path)
    try:
        header = _header(file, path)
        require_contract(contract, header, path)
        with _reading(path):
            written = as_written(contract, header)
            errors = attribute_errors(written, header.attributes)
            raise_errors(written, path, errors + array_errors(written, file, header.attributes))
            known = {} if verify else hashes_of_checked_rows(contract, file)
            if verify is not False and digest_of(file, header.attributes, known) != header.digest:
                raise damaged(path)
    except BaseException:
        file.close()
        raise
    upgrade = upgrade_of(contract, header)
    renamed = upgrade.renamed if upgrade else {}
    return Arrays(contract, file, upgraded(contract, header), path, renamed)


def _open(path: Path, *, locking: str | bool = "best-effort") -> h5py.File:
    import h5py

    with _reading(path):
        try:
            return h5py.File(path, "r", locking=locking)
        except OSError as error:
            number = error_number(error)
            if number in NO_LOCKS:
                if locking:
                    # Artifacts are replaced whole and what is read is checked: no lock is needed.
                    return _open(path, locking=False)
                # The variable overrules what a program asks for.
                raise Interrupted(
                    f"{path} lies on a file system without locks (NFS, Lustre), and "
                    "HDF5_USE_FILE_LOCKING asks for them: set HDF5_USE_FILE_LOCKING=FALSE, "
                    "then run the same command again"
                ) from error
            if number in IN_USE or _OPEN_FOR_WRITING in str(error):
                raise Busy(
                    f"{path} is in use by another program: close it there; or if none has it open, "
                    "its lock is left over from a network disk (NFS, Lustre): set "
                    "HDF5_USE_FILE_LOCKING=FALSE; then run the same command again"
                ) from error
            raise


def _header(file: h5py.File, path: Path) -> Header:
    with _reading(path):
        text = file.attrs.get(HEADER_KEY)
    if not isinstance(text, bytes):
        raise no_header(path)
    return Header.from_json(text, path)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn whatever h5py raises into one fault: of the surroundings, or of a damaged file."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError) as error:
        raise unreadable(path, error) from error
