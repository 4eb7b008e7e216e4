"""One writer per artifact: a lock that the operating system drops when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from data_contracts._whole import storage_faults
from data_contracts.errors import Busy


@contextmanager
def hold(workspace: Path, places: Iterable[str], holder: str) -> Iterator[None]:
    """Hold the artifacts at `places` (relative to `workspace`) while the block runs.

    Raises `Busy`, naming the run that holds one of them, without waiting.
    """
    folder = workspace / ".locks"
    descriptors: list[int] = []
    try:
        with storage_faults(workspace):
            folder.mkdir(parents=True, exist_ok=True)
        for place in sorted(places):
            path = folder / (place.replace("/", "+") + ".lock")
            with storage_faults(path):
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o664)
            descriptors.append(descriptor)
            try:
                with storage_faults(path):
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                first = os.read(descriptor, 200).decode(errors="replace").strip() or "another run"
                raise Busy(
                    f"{workspace / place} is being written by {first}; "
                    "wait for it or stop it, then run the same command again"
                ) from None
            with storage_faults(path):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, holder.encode(), 0)
        yield
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
