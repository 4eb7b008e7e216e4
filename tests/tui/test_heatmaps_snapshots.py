"""Pictures of the tabs of the page Heatmaps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dashboards import pictures, settled, write_workspace
from textual.pilot import Pilot

from tui.app import Dashboard
from tui.shared.preferences import Preferences

KEYS = {"map": "m", "compare": "d", "tasks": "a", "images": "i"}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    write_workspace(folder)
    return folder


@pictures(
    "map-80-dark", "map-140-light", "compare-80-dark",
    "tasks-140-dark", "images-80-light",
)  # fmt: skip
def test_a_tab(
    workspace: Path, snap_compare: Any, shown: str, size: tuple[int, int], theme: str
) -> None:
    async def before(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, Dashboard)
        while app.snapshot is None:
            await pilot.pause(0.01)
        for key in ("4", *KEYS[shown]):
            await pilot.press(key)
            for _ in range(3):
                await settled(pilot)

    app = Dashboard(workspace, Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=before)
