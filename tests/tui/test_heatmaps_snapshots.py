"""Pictures of the tabs of the page Heatmaps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dashboards import dashboard, pictures, see, write_workspace
from textual.pilot import Pilot

from tui.shared.preferences import Preferences

KEYS = {"map": "m", "compare": "d", "tasks": "a", "images": "i", "zoom": "z"}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    write_workspace(folder)
    return folder


@pictures("map-140-light", "compare-80-dark", "tasks-140-dark", "images-80-light", "zoom-80-dark")
def test_a_tab(
    workspace: Path, snap_compare: Any, shown: str, size: tuple[int, int], theme: str
) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await see(pilot, KEYS[shown])

    app = dashboard("heatmaps")(workspace, Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=before)
