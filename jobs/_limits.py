"""Refuses an address space (`ulimit -v`) in which the libraries would hang or crash."""

from __future__ import annotations

import resource

from data_contracts.errors import Interrupted

#: MiB that must be free to be reserved, data apart: with less, threads of polars or torch cannot
#: start, and those that could wait for them for good.
_LEAST, _LEAST_WITH_TORCH = 2048, 6144


def require_memory(*, torch: bool = False) -> None:
    """Raise `Interrupted` where the address space is limited below what the libraries take."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    least = _LEAST_WITH_TORCH if torch else _LEAST
    if limit != resource.RLIM_INFINITY and limit < least * 2**20:
        raise Interrupted(
            f"the address space is limited to {limit // 2**20} MiB, below the {least} MiB that the "
            f"libraries take; raise it (ulimit -v {least * 1024}) and run the same command again"
        )
