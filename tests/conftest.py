"""Fixtures that any test may use."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny import write_tiny_workspace


@pytest.fixture
def tiny_workspace(tmp_path: Path) -> Path:
    """A workspace with a cohort and an image store of 60 images, 32 × 32."""
    write_tiny_workspace(tmp_path / "workspace")
    return tmp_path / "workspace"
