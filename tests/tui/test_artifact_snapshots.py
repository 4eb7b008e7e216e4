"""Pictures of the tabs of the page Artifact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dashboards import NOW, dashboard, pictures, settled, write_workspace
from textual.pilot import Pilot
from textual.widgets import Static

from data_contracts import header
from tui import clock
from tui.app import Dashboard
from tui.artifact.lineage import Lineage
from tui.artifact.page import READING, ArtifactPage
from tui.artifact.schema_table import SchemaTable
from tui.shared.preferences import Preferences


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(header, "package_version", lambda: "1.2.3")
    # In a picture, a workspace lies where every workspace lies.
    monkeypatch.chdir(tmp_path)
    place = property(lambda page: Path("/data/workspace") / page._place)
    monkeypatch.setattr(ArtifactPage, "_path", place)
    write_workspace(Path("workspace"))
    return Path("workspace")


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Open the page, press keys, and wait until all has been read."""
    app = pilot.app
    assert isinstance(app, Dashboard)
    while app.snapshot is None:
        await pilot.pause(0.01)
    await settled(pilot)
    await pilot.press(*keys)
    view = app.screen.query_one(SchemaTable)
    while READING in str(view.query_one(Static).visual):
        await pilot.pause(0.02)
    await settled(pilot)


@pictures("info-80-dark", "schema-140-dark", "lineage-80-light")
def test_a_tab(
    workspace: Path, snap_compare: Any, size: tuple[int, int], theme: str, shown: str
) -> None:
    async def before(pilot: Pilot[None]) -> None:
        keys = {"info": "", "schema": "l", "lineage": "ll"}[shown]
        await press(pilot, *"jjjjjjjj", *keys)
        pilot.app.screen.query_one(Lineage).draw()

    app = dashboard("artifact")(workspace, Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=before)
