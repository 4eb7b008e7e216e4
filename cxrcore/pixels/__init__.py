"""From image files to the 8-bit squares of the image store."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from cxrcore.pixels import storage
from cxrcore.pixels.result import Picture, Prepared, Reject, UnusableError
from cxrcore.pixels.storage import Root
from cxrcore.workers import in_order

__all__ = ["Prepared", "Reject", "prepare", "prepare_all", "prepare_from"]


def prepare_all(
    root: Root, paths: Sequence[str], size: int, workers: int
) -> Generator[Prepared | Reject]:
    """Yield what `prepare_from` makes of each of `paths`, in their order.

    The number of `workers` changes nothing in the result. Raises `CxrError` when one dies, and
    what `storage.open_image` raises of a store that cannot be read.
    """
    yield from in_order(partial(_prepare_alone, root, size), paths, workers)


def _prepare_alone(root: Root, size: int, path: str) -> Prepared | Reject:
    import cv2

    # The images are what runs in parallel.
    cv2.setNumThreads(1)
    return prepare_from(root, path, size)


def prepare(path: Path, size: int) -> Prepared | Reject:
    """Decode the image at `path` (DICOM, PNG or JPEG, told by content) into a square of `size`.

    Whatever is wrong with the file becomes a `Reject`; nothing is raised for it.
    """
    return _prepared(partial(storage.open_file, path), size)


def prepare_from(root: Root, relative: str, size: int) -> Prepared | Reject:
    """As `prepare`, for a file that must lie below `root`, which may be a URL."""
    return _prepared(partial(storage.open_image, root, relative), size)


def _prepared(open_it: Callable[[], BinaryIO], size: int) -> Prepared | Reject:
    from cxrcore.pixels.square import to_square

    try:
        with open_it() as file:
            return to_square(_read(file, size), size)
    except UnusableError as fault:
        return fault.reject


def _read(file: BinaryIO, size: int) -> Picture:
    try:
        start = file.read(132)
        file.seek(0)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise UnusableError("missing_file", f"the file cannot be read ({reason})") from error
    if start[128:] == b"DICM":
        from cxrcore.pixels.dicom import read_dicom

        return read_dicom(file)
    if start.startswith((b"\x89PNG", b"\xff\xd8\xff")):
        from cxrcore.pixels.picture import read_picture

        return read_picture(file, size)
    raise UnusableError(
        "not_decodable", "empty file" if not start else "neither DICOM, PNG nor JPEG"
    )
