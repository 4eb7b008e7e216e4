"""The views of the page Heatmaps as they options: two sizes, two themes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dashboards import NOW, settled, write_workspace
from textual.pilot import Pilot

from tui import clock
from tui.app import Dashboard
from tui.preferences import Preferences

KEYS = {"map": "m", "hidden": "nnn", "compare": "d", "tasks": "a", "similarity": "r", "images": "i"}
SMALL, LARGE = (80, 24), (140, 45)
#: A theme does not change a picture, and large pictures make large files.
LOOKS = [
    *((tab, SMALL, theme) for tab in KEYS for theme in ("cxr-dark", "cxr-light")),
    *((tab, LARGE, "cxr-dark") for tab in KEYS if tab != "hidden"),
    *((tab, LARGE, "cxr-light") for tab in ("map", "similarity")),
]


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    write_workspace(folder)
    return folder


@pytest.mark.parametrize(
    ("tab", "size", "theme"), LOOKS, ids=[f"{v}-{s[0]}-{theme}" for v, s, theme in LOOKS]
)
def test_view(
    workspace: Path, snap_compare: Any, tab: str, size: tuple[int, int], theme: str
) -> None:
    async def before(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, Dashboard)
        while app.snapshot is None:
            await pilot.pause(0.01)
        for key in ("4", *KEYS[tab]):
            await pilot.press(key)
            for _ in range(3):
                await settled(pilot)

    app = Dashboard(workspace, Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("theme", ["cxr-dark", "cxr-light"])
def test_empty(tmp_path: Path, snap_compare: Any, theme: str) -> None:
    async def before(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, Dashboard)
        while app.snapshot is None:
            await pilot.pause(0.01)
        await pilot.press("4")
        await settled(pilot)

    app = Dashboard(tmp_path / "workspace", Preferences(theme))
    assert snap_compare(app, terminal_size=(80, 24), run_before=before)
