"""From image files to the squares of the image store."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import cache, partial
from pathlib import Path

from cxrcore.pixels import image_files
from cxrcore.pixels.image_files import Root, RootWatch
from cxrcore.pixels.result import (
    DecodedImage,
    GreyType,
    ProcessedImage,
    RejectedImage,
    UnusableError,
)
from cxrcore.workers import ordered_map
from data_contracts.errors import CxrError

#: A first element of the meta header, or of a data set in any encoding, without a preamble.
_BARE_DICOM = re.compile(
    rb"(?:\x02\0.\0|\x08\0.\0)(?:[A-Z]{2}|..\0\0)|\0\x08\0.[A-Z]{2}", re.DOTALL
)

#: Parameters of glibc's `mallopt`.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3

#: Other files, by how they begin, in lower case and without white space.
_OTHERS = {
    b"gif8": "GIF", b"bm": "BMP", b"\0\0\0\x0cjp  ": "JPEG 2000", b"\xffo\xffq": "JPEG 2000",
    b"\x89hdf": "HDF5", b"\x1f\x8b": "gzip", b"pk\3\4": "zip", b"%pdf": "PDF",
    b"<!doctype": "HTML", b"<html": "HTML", b"<?xml": "XML",
    b"version https://git-lfs": "Git LFS pointer",
}  # fmt: skip
_NONE_OF = "neither DICOM, PNG, JPEG, WebP nor TIFF"

__all__ = ["ProcessedImage", "RejectedImage", "prepare", "prepare_all", "prepare_from"]


def prepare_all(
    root: Root, paths: Sequence[str], size: int, workers: int, dtype: GreyType = "uint8"
) -> Generator[ProcessedImage | RejectedImage]:
    """Yield what `prepare_from` makes of each of `paths`, in their order.

    The number of `workers` does not affect the results, except that with 0 the decoder runs in this
    process and may crash it; otherwise such an image is a `RejectedImage`. Raises what
    `prepare_from` raises, and `Interrupted` when a file is missing because the root is no longer
    what it was.
    """
    watch = RootWatch(root)
    prepare_one = partial(_prepare_in_worker if workers else _prepare_here, root, size, dtype)
    with closing(ordered_map(prepare_one, paths, workers, _crashed)) as results:
        for path, result in zip(paths, results, strict=True):
            yield _confirmed(result, watch, root, path, size, dtype)


def _prepare_here(
    root: Root, size: int, dtype: GreyType, path: str
) -> ProcessedImage | RejectedImage:
    return prepare_from(root, path, size, dtype)


def _prepare_in_worker(
    root: Root, size: int, dtype: GreyType, path: str
) -> ProcessedImage | RejectedImage:
    # Parallelism is across images; OpenCV reads this when an image first needs it.
    os.environ["OPENCV_FOR_THREADS_NUM"] = "1"
    try:
        return prepare_from(root, path, size, dtype)
    finally:
        # Not before: the first image would split what the C library keeps.
        _keep_freed_memory()


@cache
def _keep_freed_memory() -> None:
    """Let the next image have the memory of the last: new pages would have to be cleared."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_TRIM_THRESHOLD, 1 << 30)
        libc.mallopt(_MMAP_THRESHOLD, 1 << 25)


def _crashed(_: str, ending: str) -> RejectedImage:
    return RejectedImage("not_decodable", f"the decoder crashed twice ({ending})")


def _confirmed(
    result: ProcessedImage | RejectedImage, watch: RootWatch, root: Root, path: str, size: int,
    dtype: GreyType,
) -> ProcessedImage | RejectedImage:  # fmt: skip
    """The result, or a new one if the file was missing and exists now."""
    if _is_missing(result) and image_files.exists(root, path):
        result = prepare_from(root, path, size, dtype)
    if _is_missing(result):
        watch.require_unchanged()
    else:
        watch.saw(path)
    return result


def _is_missing(result: ProcessedImage | RejectedImage) -> bool:
    return isinstance(result, RejectedImage) and result.reason == "missing_file"


def prepare(path: Path, size: int, dtype: GreyType = "uint8") -> ProcessedImage | RejectedImage:
    """Decode the image at `path` into a square of `size`.

    It is DICOM, PNG, JPEG, WebP or TIFF by its content. Any fault of the file becomes a
    `RejectedImage`. Faults of disk, network or memory raise `Interrupted`, denied access raises
    `SourceError`.
    """
    return _prepared(partial(image_files.read_file, path), size, dtype)


def prepare_from(
    root: Root, relative: str, size: int, dtype: GreyType = "uint8"
) -> ProcessedImage | RejectedImage:
    """As `prepare`, for a file that must lie below `root`, which may be a URL."""
    return _prepared(partial(image_files.read_image, root, relative), size, dtype)


def _prepared(
    read: Callable[[], bytes], size: int, dtype: GreyType
) -> ProcessedImage | RejectedImage:
    from cxrcore.pixels.faults import fault_behind
    from cxrcore.pixels.letterbox import to_square

    try:
        return to_square(_decoded(read(), size, dtype), size, dtype)
    except UnusableError as error:
        return error.reject
    except CxrError:
        raise
    except Exception as error:
        if fault := fault_behind(error):
            raise fault from error
        raise


def _decoded(content: bytes, size: int, dtype: GreyType) -> DecodedImage:
    if content[128:132] == b"DICM" or _BARE_DICOM.match(content):
        from cxrcore.pixels.dicom import read_dicom

        return read_dicom(content, dtype)
    if content.startswith((b"\x89PNG", b"\xff\xd8\xff")):
        from cxrcore.pixels.png_jpeg import read_png_jpeg

        return read_png_jpeg(content, size)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        from cxrcore.pixels.webp_tiff import read_webp

        return read_webp(content)
    if content.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        from cxrcore.pixels.webp_tiff import read_tiff

        return read_tiff(content)
    raise UnusableError("not_decodable", _what_else(content))


def _what_else(content: bytes) -> str:
    """What a file is that is of no format that is read."""
    if not content.strip(b"\0"):
        return "nothing but zeros" if content else "empty file"
    start = content[:64].lstrip().lower()
    kind = next((name for begin, name in _OTHERS.items() if start.startswith(begin)), None)
    return f"{kind}, {_NONE_OF}" if kind else _NONE_OF
