"""Fixtures that any test may use."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import hypothesis
import pytest
from chain import Chain, run_chain
from refusals import refuse  # noqa: F401
from tiny import write_tiny_workspace
from undrawn import draw

# Before torch is loaded: one thread gives the same numbers in every process, and processes of one
# test run do not wait for each other's threads.
os.environ["OMP_NUM_THREADS"] = "1"

# A busy machine is no fault of the code.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

#: The files that take longest begin first, before them the one whose chain most others need.
SLOWEST = (
    "test_smoke.py", "test_pipeline_slurm_real.py", "test_pipeline_runs.py", "test_killed.py",
    "test_aggregate.py", "test_engines_slurm_real.py", "test_bad_places.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slowest files first; otherwise a worker would be left alone with one at the end."""
    place = {name: i for i, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(SLOWEST)))


@pytest.fixture
def tiny_workspace(tmp_path: Path) -> Path:
    """A workspace with a cohort and an image store of 60 images, 32 × 32."""
    write_tiny_workspace(tmp_path / "workspace")
    return tmp_path / "workspace"


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """The whole chain on a tiny synthetic cohort, once for all processes of a test run.

    Copy the workspace before changing it.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "chain"
    folder.mkdir(exist_ok=True)
    workspace, done = folder / "workspace", folder / "results.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            done.write_text(json.dumps({k: vars(r) for k, r in run_chain(workspace).items()}))
    told = json.loads(done.read_text())
    return Chain(workspace, {k: subprocess.CompletedProcess(**r) for k, r in told.items()})


@pytest.fixture(scope="session")
def finished(chain: Chain) -> Path:
    """The workspace of a finished chain."""
    assert {step: r.stderr for step, r in chain.results.items() if r.returncode} == {}
    return chain.workspace


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are written without their figures."""
    monkeypatch.setattr("cxrcore.reporting.report.draw", draw)


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A workspace with all artifacts of a finished chain and no run.

    Its files are links: replace a file, never write into it.
    """
    workspace = tmp_path / "workspace"
    ignored = shutil.ignore_patterns("runs", ".locks")
    shutil.copytree(finished, workspace, ignore=ignored, copy_function=os.link)
    return workspace
