"""Gives a command a GPU of its own: `python -m jobs._pipeline.gpu FOLDER ARGUMENT …`.

The engine counts GPUs but does not hand them out: each job would take the first. A lock in FOLDER
marks a GPU as taken for as long as the command lives, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

from data_contracts.errors import Busy


def main(folder: Path, args: list[str]) -> None:
    """Become the command, with one visible GPU."""
    for device in visible():
        lock = os.open(folder / f"gpu-{device}", os.O_RDWR | os.O_CREAT, 0o664)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        os.set_inheritable(lock, True)
        os.execvpe(args[0], args, os.environ | {"CUDA_VISIBLE_DEVICES": device})  # noqa: S606
    raise Busy("all GPUs are in use; run the same command again once one is free")


def visible() -> list[str]:
    """The GPUs that a process started here would see, as CUDA_VISIBLE_DEVICES names them.

    Without asking torch, which takes seconds.
    """
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        count = len(list(Path("/dev").glob("nvidia[0-9]*")))
        return [str(number) for number in range(count)]
    return [device.strip() for device in named.split(",") if device.strip() not in {"", "-1"}]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
