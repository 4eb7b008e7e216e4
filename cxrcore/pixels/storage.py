"""Where image files lie: below a folder, or below the URL of an object store.

Credentials, region and endpoint of a store are the environment's business; for S3 they are what
botocore reads (`AWS_*`, `~/.aws`), and so are its retries.
"""

from __future__ import annotations

import io
import os
import posixpath
from pathlib import Path
from typing import Any, BinaryIO

from cxrcore.pixels.result import UnusableError
from data_contracts.errors import Interrupted, SourceError, UsageError

#: A folder; or, as text, a URL such as `s3://bucket/prefix`, without a slash at its end.
Root = Path | str

#: What to install where a protocol's package is missing.
_PACKAGES = {"s3": "'cxr[s3]'", "s3a": "'cxr[s3]'", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs"}
#: An image is fetched whole by one request; s3fs would ask for its size first.
_OPTIONS = {"s3": {"max_concurrency": 1}, "s3a": {"max_concurrency": 1}}
#: Seconds for a store to say whether the root is there; with all retries it could be minutes.
_PATIENCE = 60.0
#: Bytes of the longest key of S3.
_LONGEST_KEY = 1024


def check(root: Root) -> None:
    """Look whether `root` is there and may be read, before any work.

    Raises `SourceError` if not, `UsageError` when nothing installed here reads such a URL.
    """
    if isinstance(root, Path):
        if not root.is_dir():
            raise SourceError(f"--root {root} is not a folder; name the folder of the images")
        return
    store = _store(root)
    try:
        store.info(root, **({"timeout": _PATIENCE} if store.async_impl else {}))
    except FileNotFoundError as error:
        raise SourceError(
            f"--root {root}: no such bucket, or nothing below that prefix; check the URL"
        ) from error
    except PermissionError as error:
        raise SourceError(
            f"--root {root}: access denied; its objects must be readable and listable with the "
            "credentials of the environment"
        ) from error
    except Exception as error:
        # Every store and its network have exceptions of their own.
        raise SourceError(
            f"--root {root} does not answer ({type(error).__name__}); check the network, the "
            "endpoint (AWS_ENDPOINT_URL) and the credentials"
        ) from error


def open_image(root: Root, relative: str) -> BinaryIO:
    """Open a file that must lie below `root`, links followed.

    Raises `UnusableError` (missing_file) for one that is not there. Of an object store: raises
    `SourceError` where access is denied, `Interrupted` where it does not answer, since neither
    says anything about the image.
    """
    if isinstance(root, str):
        return io.BytesIO(_fetch(root, _key(relative)))
    try:
        path = (root / relative).resolve()
        inside = path.is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError) as error:
        raise UnusableError("missing_file", "the path cannot be followed") from error
    if not inside:
        raise UnusableError("missing_file", "the path leads out of the root folder")
    return open_file(path)


def open_file(path: Path) -> BinaryIO:
    """Open a file on disk; raise `UnusableError` (missing_file) for anything else."""
    try:
        # A pipe or a device would block or never end.
        if path.is_file():
            return path.open("rb")
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise UnusableError("missing_file", f"the file cannot be opened ({reason})") from error
    raise UnusableError("missing_file", "no such file")


def _key(relative: str) -> str:
    """What follows the root in the URL: as a path below a folder would be followed."""
    key = posixpath.normpath(relative)
    if key == ".." or key.startswith(("../", "/")):
        raise UnusableError("missing_file", "the path leads out of the root folder")
    if "\0" in key or len(key.encode()) > _LONGEST_KEY:
        raise UnusableError("missing_file", "the path cannot be followed")
    return key


def _fetch(root: str, key: str) -> bytes:
    try:
        content: bytes = _store(root).cat_file(f"{root}/{key}")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UnusableError("missing_file", "no such file") from error
    except PermissionError as error:
        raise SourceError(
            f"--root {root}: access to an image is denied; renew or widen the credentials, then "
            "run the same command to go on"
        ) from error
    except Exception as error:
        raise Interrupted(
            f"--root {root} does not answer any more ({type(error).__name__}); "
            "run the same command to go on"
        ) from error
    return content


def _store(root: str) -> Any:
    """This process's own connection to a store: fsspec keeps one for each process and thread."""
    import fsspec  # type: ignore[import-untyped]

    protocol = root.partition("://")[0]
    try:
        return fsspec.filesystem(protocol, use_listings_cache=False, **_OPTIONS.get(protocol, {}))
    except ImportError as error:
        package = _PACKAGES.get(protocol, f"fsspec's package for {protocol}://")
        raise UsageError(
            f"--root {root}: reading {protocol}:// needs a package that is not installed; "
            f"pip install {package}"
        ) from error
    except ValueError as error:
        raise UsageError(
            f"--root: {protocol}:// is unknown; want a folder, or a URL such as s3://bucket/prefix"
        ) from error
