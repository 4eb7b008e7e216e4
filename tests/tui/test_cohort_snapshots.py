"""How the page Cohort looks: two sizes, two themes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cohorts import write_cohort
from dashboards import looks, see, write_workspace

from tui.app import Dashboard
from tui.preferences import Preferences


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort") / "workspace"
    write_workspace(folder)
    write_cohort(folder)
    return folder


@looks
@pytest.mark.parametrize("part", ["f", "t", "r"], ids=["flow", "table", "rejects"])
def test_the_parts(
    workspace: Path, snap_compare: Any, size: tuple[int, int], theme: str, part: str
) -> None:
    app = Dashboard(workspace, Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: see(pilot, "5", part))


@looks
def test_an_empty_workspace(
    tmp_path: Path, snap_compare: Any, size: tuple[int, int], theme: str
) -> None:
    app = Dashboard(tmp_path / "workspace", Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: see(pilot, "5"))
