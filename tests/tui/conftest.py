"""What pictures of the dashboard have in common: they do not show where and when they are taken."""

from __future__ import annotations

import pytest
from dashboards import NOW

from tui import clock
from tui.shared.sanitize import cut_middle


@pytest.fixture(autouse=True)
def same_place_and_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.path.stem.endswith("_snapshots"):
        place = "node1:/data/study/workspace"
        monkeypatch.setattr(clock, "now", lambda: NOW)
        monkeypatch.setattr(
            "tui.shared.status_header.place_of",
            lambda _, room: cut_middle(place if room >= 24 else "workspace", room),
        )
