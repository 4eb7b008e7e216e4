"""What pictures of the dashboard have in common: they do not show where they were taken."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _same_place_in_every_picture(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if request.node.path.stem.endswith("_snapshots"):
        place = "node1:/data/study/workspace"
        monkeypatch.setattr("tui.widgets.status_header._place", lambda _, room: place[-room:])
