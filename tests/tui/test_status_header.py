"""The first line: errors before all else, and as much of the rest as there is room for."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from dashboards import NOW, opened, write_run
from textual.widgets import Static

from tui import clock
from tui.shared.status_header import Status, place_text


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(socket, "gethostname", lambda: "node1")


async def test_what_runs_and_failed_where_and_when(tmp_path: Path) -> None:
    here: dict[str, Any] = {"pid": os.getpid(), "host": "node1", "engine_id": None}
    write_run(tmp_path, 1, state="running", **here)
    write_run(tmp_path, 2, "explain", state="failed")
    async with opened(tmp_path, (200, 30)) as pilot:
        text = str(pilot.app.screen.query_one("#place", Static).visual)
    assert text == f"✗ 1 (E)  1 running, 1 failed  node1:{tmp_path}  12:00"


@pytest.mark.parametrize(
    ("room", "want"),
    [
        (70, "1 running  node1:/data/collections/mimic/study-of-2026/seed1  12:00"),
        (50, "1 running  node1:/dat…c/study-of-2026/seed1  12:00"),
        (30, "1 running  seed1  12:00"),
        (10, "seed1"),
        (3, "…d1"),
    ],
)
def test_a_path_is_cut_in_the_middle(room: int, want: str) -> None:
    workspace = Path("/data/collections/mimic/study-of-2026/seed1")
    text = place_text(Status(workspace, running=1), room)
    assert text == want
    assert len(text) <= room
