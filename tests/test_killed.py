"""Killed in the middle of each job: nothing half-written, and the same command goes on."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from chain import COMMANDS, environment, run_step, words

from data_contracts.catalog import contracts
from data_contracts.run import read_events, read_runs
from data_contracts.store import verify
from jobs._registry import find_jobs

if TYPE_CHECKING:
    from conftest import Chain

#: Steps to kill; one task stands for all.
STEPS = [s for s in COMMANDS if "insurance" not in s]


def digests(workspace: Path, step: str) -> dict[str, str]:
    """Digest of every artifact that the step's job writes; each is verified."""
    spec = find_jobs()[step.split()[0]]
    return {
        path.relative_to(workspace).as_posix(): verify(path).digest
        for contract in spec.writes
        for path in contract.find(workspace)
    }


@pytest.fixture
def copy(chain: Chain, tmp_path: Path) -> Path:
    workspace = tmp_path / "workspace"
    shutil.copytree(chain.workspace, workspace, ignore=shutil.ignore_patterns("runs", ".locks"))
    return workspace


@pytest.mark.parametrize("progress", [1, 2])
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_job_runs_again_to_the_same_result(copy: Path, step: str, progress: int) -> None:
    before = digests(copy, step)
    process = subprocess.Popen(
        [*words(step, copy), "--force"], env=environment(copy),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while process.poll() is None and told(copy) < progress:
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()

    for contract in contracts().values():
        for path in contract.find(copy):
            verify(path)
    if process.returncode != 0:
        assert read_runs(copy)[-1].state == "lost"
    again = run_step(step, copy, "--force")
    assert again.returncode == 0, again.stderr
    assert digests(copy, step) == before


def told(workspace: Path) -> int:
    """How many progress events the newest run has told."""
    events = [e for f in (workspace / "runs").glob("*") for e in read_events(f)]
    return sum(e["event"] == "progress" for e in events)
