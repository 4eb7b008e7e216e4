"""From image files to the 8-bit squares of the image store."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path

from cxrcore.pixels.result import Picture, Prepared, Reject, UnusableError
from cxrcore.workers import in_order

__all__ = ["Prepared", "Reject", "prepare", "prepare_all", "prepare_from"]


def prepare_all(
    root: Path, paths: Sequence[str], size: int, workers: int
) -> Generator[Prepared | Reject]:
    """Yield what `prepare_from` makes of each of `paths`, in their order.

    The number of `workers` changes nothing in the result. Raises `CxrError` when one dies.
    """
    yield from in_order(partial(_prepare_alone, root, size), paths, workers)


def _prepare_alone(root: Path, size: int, path: str) -> Prepared | Reject:
    import cv2

    # The images are what runs in parallel.
    cv2.setNumThreads(1)
    return prepare_from(root, path, size)


def prepare(path: Path, size: int) -> Prepared | Reject:
    """Decode the image at `path` (DICOM, PNG or JPEG, told by content) into a square of `size`.

    Whatever is wrong with the file becomes a `Reject`; nothing is raised for it.
    """
    from cxrcore.pixels.square import to_square

    try:
        return to_square(_read(path, size), size)
    except UnusableError as fault:
        return fault.reject


def prepare_from(root: Path, relative: str, size: int) -> Prepared | Reject:
    """As `prepare`, for a file that must lie inside `root`, links followed."""
    try:
        path = (root / relative).resolve()
        inside = path.is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError):
        return Reject("missing_file", "the path cannot be followed")
    if not inside:
        return Reject("missing_file", "the path leads out of the root folder")
    return prepare(path, size)


def _read(path: Path, size: int) -> Picture:
    try:
        # A pipe or a device would block or never end.
        start = _first_bytes(path) if path.is_file() else None
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise UnusableError("missing_file", f"the file cannot be opened ({reason})") from error
    if start is None:
        raise UnusableError("missing_file", "no such file")
    if start[128:132] == b"DICM":
        from cxrcore.pixels.dicom import read_dicom

        return read_dicom(path)
    if start.startswith((b"\x89PNG", b"\xff\xd8\xff")):
        from cxrcore.pixels.picture import read_picture

        return read_picture(path, size)
    raise UnusableError(
        "not_decodable", "empty file" if not start else "neither DICOM, PNG nor JPEG"
    )


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(132)
