"""Whole-file writes: a reader sees the old file or the new one, never half of either."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from data_contracts.errors import StorageError
from data_contracts.os_errors import environment_error

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_WRITABLE = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR,
    errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.ENXIO, errno.ESTALE, errno.ENOLCK,
}  # fmt: skip


@contextmanager
def translate_os_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write `path` into one-line `StorageError`s."""
    try:
        yield
    except OSError as error:
        # Some libraries lose the error number and keep it in the text only.
        text = str(error)
        if error.errno in _NO_SPACE or "No space left" in text or "quota exceeded" in text:
            raise StorageError(
                f"no space left to write {path}; free some and run the same command again"
            ) from error
        if error.errno in _NOT_WRITABLE:
            reason = os.strerror(error.errno).lower()
            raise StorageError(
                f"cannot write {path} ({reason}); choose a writable folder with --workspace"
            ) from error
        if fault := environment_error(error, path, doing="written"):
            raise fault from error
        raise


@contextmanager
def atomic_replace(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; flush and rename it on success, remove it else.

    Faults of the block pass as they are, since not all of them concern `path`.
    Raises `StorageError` when the folder, the flush or the rename is refused.
    """
    partial = temporaries(path)[0]
    with translate_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
        with translate_os_errors(path):
            _flush(partial)
            partial.replace(path)
            _flush(path.parent)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def temporaries(path: Path) -> tuple[Path, Path]:
    """What may lie beside `path` while it is replaced: its new content and its old."""
    return path.with_name(f".{path.name}.partial"), path.with_name(f".{path.name}.old")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """As `atomic_replace`, for a block that does nothing but write the file.

    Raises `StorageError` when the disk is full or the folder cannot be written.
    """
    with translate_os_errors(path), atomic_replace(path) as partial:
        yield partial


def atomic_replace_tree(new: Path, path: Path, old: Path) -> None:
    """Rename the folder `new` to `path`, and what was there to `old`, once all of it is flushed.

    Where that is broken off, what was there stays.
    """
    for item in (*new.rglob("*"), new):
        _flush(item)
    try:
        if path.exists():
            path.rename(old)
        new.rename(path)
    except BaseException:
        if old.exists() and not path.exists():
            old.rename(path)
        raise
    _flush(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a small text file whole."""
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")


class DeferringFile(io.FileIO):
    """A file for HDF5, which crashes the process when it meets a failed write while closing.

    The first fault is kept and later writes are dropped; `raise_fault` raises it once HDF5 is
    out of the way.
    """

    fault: BaseException | None = None

    def write(self, data: Any) -> int:
        """Write all of `data`, or drop it after a fault."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while rest and self.fault is None:
                rest = rest[super().write(rest) :]
        except BaseException as fault:
            self.fault = fault
        return size

    def truncate(self, size: int | None = None) -> int:
        """Cut or grow the file, or do nothing after a fault."""
        try:
            if self.fault is None:
                return super().truncate(size)
        except BaseException as fault:
            self.fault = fault
        return size or 0

    def raise_fault(self) -> None:
        """Raise what `write` and `truncate` met, if anything."""
        if self.fault is not None:
            raise self.fault


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
