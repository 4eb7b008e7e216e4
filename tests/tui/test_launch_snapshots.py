"""Pictures of the launch screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dashboards import pictures, see, write_workspace
from textual.pilot import Pilot

from data_contracts.run import RunRecord
from tui.app import Dashboard
from tui.launch import screen as launch
from tui.launch import submission
from tui.launch.request import LaunchRequest
from tui.launch.screen import LaunchScreen
from tui.launch.submission import Commands
from tui.shared.preferences import Preferences


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished analysis; the shown commands name no folder, user or run of this machine."""
    folder = tmp_path / "workspace"
    write_workspace(folder, names=("main", "seed1"))

    def plain(line: str) -> str:
        line = line.replace(str(folder), "/data/analysis")
        line = re.sub(r"\d{8}T\d{6}-([a-z-]+)-[0-9a-f]{6}", r"20261123T120000-\1-0a1b2c", line)
        return re.sub(r"--user=\d+:\d+", "--user=1000:1000", line)

    def commands(request: LaunchRequest, records: Sequence[RunRecord]) -> Commands:
        found = submission.equivalent_commands(request, records)
        shell, docker = tuple(map(plain, found.shell)), tuple(map(plain, found.docker))
        return replace(found, shell=shell, docker=docker)

    monkeypatch.setattr(launch, "equivalent_commands", commands)
    return folder


SHOWN: dict[str, tuple[str, str, dict[str, Any]]] = {
    "tasks": (
        "train-task", "right",
        {"task": ["mortality", "gender"], "seed": "0-4", "epochs": 20},
    ),
    "faults": ("synthesize", "", {"subjects": 3, "size": "big", "colour": "red"}),
    "engine": (
        "preprocess", "down " * 7 + "right right",
        {"root": "s3://radiographs/cxr", "shard": "1/1"},
    ),
}  # fmt: skip


@pictures("tasks-140-light", "faults-140-dark", "engine-80-light")
def test_a_form(
    workspace: Path, snap_compare: Any, shown: str, size: tuple[int, int], theme: str
) -> None:
    job, keys, settings = SHOWN[shown]

    async def before(pilot: Pilot[None]) -> None:
        await see(pilot)
        await pilot.app.push_screen(LaunchScreen(job, settings))
        await see(pilot, *keys.split())

    app = Dashboard(workspace, Preferences(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=before)
