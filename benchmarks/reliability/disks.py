"""Disks that fail: a library that makes calls fail, and file systems that can be full."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Calls that `failing.c` tells apart, in the order of its log.
CALL_KINDS = ("open", "read", "stat")


def compiled(folder: Path) -> Path | None:
    """The library that makes calls fail; None without a compiler."""
    if not (compiler := shutil.which("cc")):
        return None
    library, source = folder / "failing.so", Path(__file__).with_name("failing.c")
    words = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    subprocess.run(words, check=True)
    return library


def counts(log: Path) -> tuple[dict[str, int], int]:
    """Most calls of each kind that one process of a command made, and how many failed in all."""
    lines = [list(map(int, line.split())) for line in log.read_text().splitlines()]
    log.unlink()
    most = (max(column) for column in zip(*lines, strict=True))
    return dict(zip(CALL_KINDS, most, strict=False)), sum(line[-1] for line in lines)


@contextmanager
def disk(place: Path) -> Iterator[bool]:
    """A file system of its own at `place`; False where mounting is not allowed."""
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "tmpfs", str(place)]
    mounted = os.getuid() == 0 and subprocess.run(words, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(place)], check=True)


def resize(place: Path, size: int) -> None:
    words = ["mount", "-o", f"remount,size={size}", str(place)]
    subprocess.run(words, check=True)
