"""Compiling loops by numba, which costs time to import: import this where a kernel is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., None], **options: Any) -> Callable[..., None]:
    """`function` compiled, kept on disk where numba finds a folder that it may write to.

    That is NUMBA_CACHE_DIR, else `__pycache__` beside the source, else the user's cache. Without
    any of them, as in a read-only container, each process compiles for itself.
    """
    # A division by zero is not an error, as in numpy.
    options |= {"nogil": True, "error_model": "numpy"}
    try:
        kernel = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # "no locator available": there is no such folder
        return numba.njit(**options)(function)  # type: ignore[no-any-return]

    def call(*args: Any) -> None:
        try:
            kernel(*args)
        except OSError:
            # The folder could not be written or read after all, a full disk for instance. numba
            # keeps what it compiled before it writes, and every kernel begins its output anew.
            kernel(*args)

    return call
