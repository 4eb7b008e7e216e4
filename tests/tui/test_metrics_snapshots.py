"""Pictures of the pages Metrics and Compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dashboards import dashboard, pictures, see, write_workspace
from readings import write_readings

from tui.shared.preferences import Preferences

KEYS = {
    "table": ("j", "space", "j", "space"),
    "roc": ("space", "j", "j", "space", "c"),
    "subgroups": ("space", "j", "j", "space", "c", "t"),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("metrics") / "workspace"
    write_workspace(folder)
    write_readings(folder)
    return folder


@pictures("table-140-light", "roc-80-dark", "roc-140-light", "subgroups-80-dark")
def test_the_page(
    workspace: Path, snap_compare: Any, shown: str, size: tuple[int, int], theme: str
) -> None:
    app = dashboard("metrics")(workspace, Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: see(pilot, *KEYS[shown]))
