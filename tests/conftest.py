"""Fixtures that any test may use."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import hypothesis
import pytest
from chain import COMMANDS, Chain, run_chain, words
from forked import start
from refusals import refuse  # noqa: F401
from tiny import write_tiny_workspace

# Before torch is loaded: one thread gives the same numbers in every process, and processes of one
# test run do not wait for each other's threads.
os.environ["OMP_NUM_THREADS"] = "1"

# A busy machine is no fault of the code.
hypothesis.settings.register_profile("no deadline")
hypothesis.settings.load_profile("no deadline")


@pytest.fixture
def tiny_workspace(tmp_path: Path) -> Path:
    """A workspace with a cohort and an image store of 60 images, 32 × 32."""
    write_tiny_workspace(tmp_path / "workspace")
    return tmp_path / "workspace"


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """The whole chain on a tiny synthetic cohort; copy the workspace before changing it."""
    workspace = tmp_path_factory.mktemp("chain") / "workspace"
    return Chain(workspace, run_chain(workspace))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of a finished chain, made without the command line's start-up time."""
    workspace = tmp_path_factory.mktemp("finished") / "workspace"
    for step in COMMANDS:
        command = [*words(step, workspace)[1:], "--workspace", str(workspace)]
        running = start(command, workspace.parent / "told")
        assert running.end() == 0, running.told.read_text()
    return workspace


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A workspace with all artifacts of a finished chain and no run.

    Its files are links: replace a file, never write into it.
    """
    workspace = tmp_path / "workspace"
    ignored = shutil.ignore_patterns("runs", ".locks")
    shutil.copytree(finished, workspace, ignore=ignored, copy_function=os.link)
    return workspace
