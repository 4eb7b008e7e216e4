"""The memory of the process: what is freed is used again, and given back to the system (glibc)."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_ARENA_MAX = -8


def share_heap() -> None:
    """One heap for all threads: each with its own keeps what others could use."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def trim_heap() -> None:
    """Give back what reading has left free between what stays; about 1 ms."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
