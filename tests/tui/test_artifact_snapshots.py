"""The page Artifact as it looks: its views, damage, emptiness; two sizes, two themes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dashboards import NOW, settled, write_workspace
from textual.pilot import Pilot

from data_contracts import header
from tui import clock
from tui.app import Dashboard
from tui.preferences import Preferences
from tui.screens.artifact import ArtifactPage
from tui.widgets.lineage import Lineage
from tui.widgets.schema_table import SchemaTable

LOOKS = [(size, theme) for size in ((80, 24), (140, 45)) for theme in ("cxr-dark", "cxr-light")]
looks = pytest.mark.parametrize(
    ("size", "theme"), LOOKS, ids=[f"{size[0]}-{theme}" for size, theme in LOOKS]
)


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
    await pilot.press("6", *keys)
    view = app.screen.query_one(SchemaTable)
    while view.is_reading:
        await pilot.pause(0.02)
    await settled(pilot)


@looks
@pytest.mark.parametrize("view", ["facts", "schema", "lineage"])
def test_a_view(
    workspace: Path, snap_compare: Any, size: tuple[int, int], theme: str, view: str
) -> None:
    async def before(pilot: Pilot[None]) -> None:
        keys = {"facts": "", "schema": "l", "lineage": "ll"}[view]
        await press(pilot, *"jjjjjjjj", *keys)
        pilot.app.screen.query_one(Lineage).draw()

    app = Dashboard(workspace, Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=before)


@looks
def test_damaged(workspace: Path, snap_compare: Any, size: tuple[int, int], theme: str) -> None:
    (workspace / "images/images-1-of-1.h5").write_bytes(b"x")

    async def before(pilot: Pilot[None]) -> None:
        await press(pilot, *"jjj")

    app = Dashboard(workspace, Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=before)


@looks
def test_empty(tmp_path: Path, snap_compare: Any, size: tuple[int, int], theme: str) -> None:
    app = Dashboard(tmp_path / "workspace", Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=press)
