"""One writer per artifact: a lock that the operating system drops when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from data_contracts.atomic import translate_os_errors
from data_contracts.errors import Busy, StorageError
from data_contracts.os_errors import NO_LOCKS


@contextmanager
def hold(workspace: Path, places: Iterable[str], holder: str) -> Iterator[None]:
    """Hold the artifacts at `places` (relative to `workspace`) while the block runs.

    Raises `Busy`, naming the run that holds one of them, without waiting.
    """
    folder = workspace / ".locks"
    descriptors: list[int] = []
    try:
        with translate_os_errors(workspace):
            folder.mkdir(parents=True, exist_ok=True)
        for place in sorted(places):
            path = _path(workspace, place)
            with translate_os_errors(path):
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o664)
            descriptors.append(descriptor)
            if not _taken(descriptor, path):
                first = os.read(descriptor, 200).decode(errors="replace").strip() or "another run"
                raise Busy(
                    f"{workspace / place} is being written by {first}; "
                    "wait for it or stop it, then run the same command again"
                )
            with translate_os_errors(path):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, holder.encode(), 0)
        yield
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def is_free(workspace: Path, place: str) -> bool:
    """Whether no run holds the artifact at `place`."""
    path = _path(workspace, place)
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        return _taken(descriptor, path)
    finally:
        os.close(descriptor)


def _path(workspace: Path, place: str) -> Path:
    return workspace / ".locks" / (place.replace("/", "+") + ".lock")


def _taken(descriptor: int, path: Path) -> bool:
    """Take the lock; False when somebody has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in NO_LOCKS:
            raise StorageError(
                f"{path.parent} lies on a file system without locks "
                f"({os.strerror(error.errno).lower()}); mount it with locks, or choose another "
                "folder with --workspace"
            ) from error
        with translate_os_errors(path):
            raise
    return True
