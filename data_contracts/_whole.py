"""Whole-file writes: a reader sees the old file or the new one, never half of either."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_contracts.errors import StorageError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


@contextmanager
def storage_faults(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write `path` into one-line `StorageError`s."""
    try:
        yield
    except OSError as error:
        # h5py loses the error number and keeps it in its text only.
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
        raise


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; flush and rename it on success, remove it else.

    Raises `StorageError` when the disk is full or the folder cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    with storage_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            _flush(partial)
            partial.replace(path)
            _flush(path.parent)
        finally:
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a small text file whole."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
