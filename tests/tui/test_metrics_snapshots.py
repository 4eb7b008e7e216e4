"""How the pages Metrics and Compare look: two sizes, two themes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dashboards import looks, see, write_workspace
from readings import write_readings

from data_contracts.summary import METRICS
from tui.app import Dashboard
from tui.preferences import Preferences


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("metrics") / "workspace"
    write_workspace(folder)
    write_readings(folder)
    return folder


@looks
@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(("3", "j", "space", "j", "space"), id="table"),
        pytest.param(("3", "t"), id="strata"),
        pytest.param(("3", "space", "j", "j", "space", "c"), id="roc"),
        pytest.param(("3", "space", "j", "space", "c", "v", "v"), id="loss"),
    ],
)
def test_the_pages(
    workspace: Path, snap_compare: Any, size: tuple[int, int], theme: str, keys: tuple[str, ...]
) -> None:
    app = Dashboard(workspace, Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: see(pilot, *keys))


@looks
def test_without_metrics(
    workspace: Path, tmp_path: Path, snap_compare: Any, size: tuple[int, int], theme: str
) -> None:
    bare = tmp_path / "workspace"
    bare.mkdir()
    (bare / "models").symlink_to(workspace / "models")
    assert not METRICS.path(bare).exists()
    app = Dashboard(bare, Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: see(pilot, "3"))


@looks
def test_an_empty_workspace(
    tmp_path: Path, snap_compare: Any, size: tuple[int, int], theme: str
) -> None:
    app = Dashboard(tmp_path / "workspace", Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: see(pilot, "3"))
