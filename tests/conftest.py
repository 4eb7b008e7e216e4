"""Fixtures that any test may use."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from chain import run_chain
from tiny import write_tiny_workspace


@pytest.fixture
def tiny_workspace(tmp_path: Path) -> Path:
    """A workspace with a cohort and an image store of 60 images, 32 × 32."""
    write_tiny_workspace(tmp_path / "workspace")
    return tmp_path / "workspace"


@dataclass(frozen=True)
class Chain:
    """A finished run of the whole chain."""

    workspace: Path
    results: dict[str, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """The whole chain on a tiny synthetic cohort; copy the workspace before changing it."""
    workspace = tmp_path_factory.mktemp("chain") / "workspace"
    return Chain(workspace, run_chain(workspace))
