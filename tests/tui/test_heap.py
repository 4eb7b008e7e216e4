"""The memory of the dashboard's process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui.heap import trim_heap


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.skipif(not os.confstr("CS_GNU_LIBC_VERSION"), reason="glibc alone trims")
def test_what_lies_free_between_what_stays_is_given_back() -> None:
    # Below the size from which on glibc maps and unmaps each block by itself.
    blocks = [bytes(b"x" * 60_000) for _ in range(600)]
    kept = blocks[::20]
    del blocks
    before = resident_mb()
    trim_heap()
    assert resident_mb() < before - 20
    assert len(kept) == 30
