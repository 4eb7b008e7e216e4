"""An address space that is too small for the libraries ends a command at once, in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from chain import CXR

REQUIRE = "from jobs._limits import require_memory; require_memory(torch={})"


def limited(mebibytes: int, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command that may reserve so many MiB."""
    return subprocess.run(
        ["sh", "-c", f'ulimit -v {mebibytes * 1024} && exec "$@"', "sh", *words],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(("least", "torch"), [(2048, False), (6144, True)])
def test_what_the_libraries_take_must_be_free(least: int, torch: bool) -> None:
    call = [sys.executable, "-c", REQUIRE.format(torch)]
    assert limited(least, *call).returncode == 0
    refused = limited(least - 1, *call)
    assert refused.returncode == 1
    assert f"limited to {least - 1} MiB, below the {least} MiB" in refused.stderr


@pytest.mark.parametrize("mebibytes", [300, 700])
@pytest.mark.parametrize(
    "words",
    [
        ["extract", "--mimic-iv", "x", "--mimic-cxr", "y"],
        ["train-task", "--task", "mortality"],
        ["run", "--dry-run"],
        ["dashboard"],
        ["inspect", "cohort.parquet"],
    ],
    ids=lambda words: words[0],
)
def test_commands_neither_hang_nor_crash(words: list[str], mebibytes: int, tmp_path: Path) -> None:
    if words[0] != "inspect":
        words = [*words, "--workspace", str(tmp_path)]
    ended = limited(mebibytes, CXR, *words)
    assert ended.returncode == 75, ended.stderr
    assert ended.stderr.count("\n") == 1
    assert f"cxr {words[0]}: the address space is limited to {mebibytes} MiB" in ended.stderr
    assert "(ulimit -v " in ended.stderr
