"""Pictures of the page Results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dashboards import dashboard, pictures, see, write_workspace

from tui.shared.preferences import Preferences

KEYS = {"verdicts": (), "ladder": (*["right"] * 4, "enter")}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    write_workspace(folder)
    return folder


@pictures("verdicts-80-light", "verdicts-140-dark", "ladder-80-dark")
def test_the_page(
    workspace: Path, snap_compare: Any, shown: str, size: tuple[int, int], theme: str
) -> None:
    app = dashboard("results")(workspace, Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: see(pilot, *KEYS[shown]))
