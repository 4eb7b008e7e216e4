"""Reads image files below a folder, or below the URL of an object store.

Credentials, region and endpoint of a store come from the environment; for S3 from what botocore
reads (`AWS_*`, `~/.aws`), and so do its retries.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cxrcore.pixels.limits import MAX_BYTES, require_bytes
from cxrcore.pixels.result import UnusableError
from data_contracts.errors import Interrupted, SourceError, UsageError
from data_contracts.os_errors import environment_error

#: A folder; or, as text, a URL such as `s3://bucket/prefix`, without a slash at its end.
Root = Path | str

#: What to install where a protocol's package is missing.
_PACKAGES = {"s3": "'cxr[s3]'", "s3a": "'cxr[s3]'", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs"}
#: Seconds for a store to report whether the root exists; with all retries it could be minutes.
_PATIENCE = 60.0
#: Bytes of the longest key of S3.
_LONGEST_KEY = 1024


def check(root: Root) -> None:
    """Check that `root` exists and is readable, before any work.

    Raises `SourceError` if not, `Interrupted` when the disk does not answer, `UsageError` when
    nothing installed here reads such a URL.
    """
    if isinstance(root, Path):
        _identity(root)
        return
    store = _store(root)
    try:
        store.info(root, **({"timeout": _PATIENCE} if store.async_impl else {}))
    except FileNotFoundError as error:
        raise SourceError(
            f"--root {root}: no such bucket, or no objects under that prefix; check the URL"
        ) from error
    except PermissionError as error:
        raise SourceError(
            f"--root {root}: access denied; the credentials of the environment must allow listing "
            "and reading its objects"
        ) from error
    except Exception as error:
        # Every store and its network have exceptions of their own.
        raise SourceError(
            f"--root {root} does not answer ({type(error).__name__}); check the network, the "
            "endpoint (AWS_ENDPOINT_URL) and the credentials"
        ) from error


class RootWatch:
    """Detects a root that was replaced: below one that was unmounted, every file is missing."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._identity = _identity(root) if isinstance(root, Path) else None
        self._seen: str | None = None

    def saw(self, relative: str) -> None:
        """Remember a file that exists."""
        self._seen = relative

    def require_unchanged(self) -> None:
        """Raise `Interrupted` if the root is another folder, or lacks the file last seen."""
        try:
            same = self._identity == (
                _identity(self._root) if isinstance(self._root, Path) else None
            )
        except SourceError:
            same = False
        if not same or (self._seen is not None and not exists(self._root, self._seen)):
            raise Interrupted(
                f"--root {self._root} has changed: images that existed are missing; "
                "mount it again, then run the same command to resume"
            )


def _identity(root: Path) -> tuple[int, int]:
    """What distinguishes a folder from another in its place."""
    try:
        status = root.stat()
    except (OSError, ValueError) as error:
        fault = environment_error(error, f"--root {root}", denied=SourceError)
        raise fault or _no_folder(root) from error
    if not stat.S_ISDIR(status.st_mode):
        raise _no_folder(root)
    return status.st_dev, status.st_ino


def _no_folder(root: Path) -> SourceError:
    return SourceError(f"--root {root} is not a folder; give the folder of the images")


def exists(root: Root, relative: str) -> bool:
    """Whether the file exists below `root`, that is, `read_image` would find it.

    Raises what `read_image` raises for a root that cannot be read.
    """
    try:
        if isinstance(root, Path):
            _require_file(_inside(root, relative), _image_of(root))
            return True
        store, url = _store(root), f"{root}/{_key(relative)}"
        with _store_faults(root):
            return bool(store.info(url)["type"] == "file")
    except UnusableError:
        return False


def read_image(root: Root, relative: str) -> bytes:
    """Read a file that must lie below `root`, links followed.

    Raises `UnusableError` for one that is missing (missing_file) or larger than `MAX_BYTES`
    (not_decodable); `SourceError` where access is denied, `Interrupted` where disk, network,
    store or memory fail.
    """
    if isinstance(root, str):
        content = _fetch(root, _key(relative))
        require_bytes(len(content))
        return content
    return read_file(_inside(root, relative), _image_of(root))


def read_file(path: Path, what: str = "an image") -> bytes:
    """Read a file on disk; raises as `read_image`, and calls the file `what`."""
    _require_file(path, what)
    # Not mapped: a file that shrinks, or a disk that fails, would kill the process.
    with _path_faults(what), path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        require_bytes(size)
        content = file.read(size)
    if len(content) < size:
        raise Interrupted(f"{what} shrank while being read; run the same command to resume")
    return content


def _image_of(root: Root) -> str:
    return f"--root {root}: an image"


def _inside(root: Path, relative: str) -> Path:
    with _path_faults(_image_of(root)):
        path = Path(os.path.realpath(root / relative, strict=True))
        inside = path.is_relative_to(os.path.realpath(root, strict=True))
    if not inside:
        raise UnusableError("missing_file", "the path is outside the root folder")
    return path


def _require_file(path: Path, what: str) -> None:
    with _path_faults(what):
        mode = path.stat().st_mode
    # A pipe or a device would block or never end.
    if not stat.S_ISREG(mode):
        raise UnusableError("missing_file", "not a regular file")


@contextmanager
def _path_faults(what: str) -> Iterator[None]:
    """Turn faults of a path, and nothing else, into a rejection."""
    try:
        yield
    except FileNotFoundError as error:
        raise UnusableError("missing_file", "no such file") from error
    except (OSError, ValueError, MemoryError) as error:
        fault = environment_error(error, what, denied=SourceError)
        raise fault or UnusableError("missing_file", "the path cannot be followed") from error


def _key(relative: str) -> str:
    """The object's key relative to the root, resolved like a path below a folder."""
    key = posixpath.normpath(relative)
    if key == ".." or key.startswith(("../", "/")):
        raise UnusableError("missing_file", "the path is outside the root folder")
    if "\0" in key or len(key.encode()) > _LONGEST_KEY:
        raise UnusableError("missing_file", "the path cannot be followed")
    return key


def _fetch(root: str, key: str) -> bytes:
    """The first bytes of an object by one request: one more than it may have."""
    store, url = _store(root), f"{root}/{key}"
    with _store_faults(root):
        try:
            content: bytes = store.cat_file(url, start=0, end=MAX_BYTES + 1)
        except (FileNotFoundError, IsADirectoryError, PermissionError, MemoryError):
            raise
        except Exception:
            # An empty object has no first byte, which stores report in many ways.
            if store.info(url)["size"]:
                raise
            return b""
    return content


@contextmanager
def _store_faults(root: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UnusableError("missing_file", "no such file") from error
    except PermissionError as error:
        raise SourceError(
            f"--root {root}: access to an image was denied; renew or extend the credentials, then "
            "run the same command to resume"
        ) from error
    except MemoryError as error:
        raise environment_error(error, _image_of(root)) or error from error
    except Exception as error:
        raise Interrupted(
            f"--root {root} no longer answers ({type(error).__name__}); "
            "run the same command to resume"
        ) from error


def _store(root: str) -> Any:
    """This process's own connection to a store: fsspec keeps one for each process and thread."""
    import fsspec  # type: ignore[import-untyped]

    protocol = root.partition("://")[0]
    try:
        return fsspec.filesystem(protocol, use_listings_cache=False)
    except ImportError as error:
        package = _PACKAGES.get(protocol, f"fsspec's package for {protocol}://")
        raise UsageError(
            f"--root {root}: reading {protocol}:// needs a package that is not installed; "
            f"pip install {package}"
        ) from error
    except ValueError as error:
        raise UsageError(
            f"--root: unknown protocol {protocol}://; want a folder or a URL such as "
            "s3://bucket/prefix"
        ) from error
