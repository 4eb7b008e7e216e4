"""Pictures of the launch screen, at both sizes and in two themes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from dashboards import settled, write_workspace
from textual.pilot import Pilot

from tui.app import Dashboard
from tui.launching import submission
from tui.launching.request import LaunchRequest
from tui.launching.submission import Commands
from tui.preferences import Preferences
from tui.screens import launch
from tui.screens.launch import LaunchScreen

SIZES = ((80, 24), (140, 45))
each_look = [
    pytest.mark.parametrize("theme", ["cxr-dark", "cxr-light"]),
    pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size))),
]
pytestmark = each_look


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished analysis; the shown commands name no folder, user or run of this machine."""
    folder = tmp_path / "workspace"
    write_workspace(folder, names=("main", "seed1"))

    def plain(line: str) -> str:
        line = line.replace(str(folder), "/data/analysis")
        line = re.sub(r"\d{8}T\d{6}-([a-z-]+)-[0-9a-f]{6}", r"20261123T120000-\1-0a1b2c", line)
        return re.sub(r"--user=\d+:\d+", "--user=1000:1000", line)

    def commands(request: LaunchRequest) -> Commands:
        found = submission.equivalent_commands(request)
        shell, docker = tuple(map(plain, found.shell)), tuple(map(plain, found.docker))
        return Commands(shell, docker, found.notes, found.fault)

    monkeypatch.setattr(launch, "equivalent_commands", commands)
    return folder


def pictured(
    snap_compare: Any, workspace: Path, look: tuple[str, tuple[int, int]], job: str | None,
    keys: str, settings: dict[str, Any] | None = None,
) -> bool:  # fmt: skip
    theme, size = look

    async def before(pilot: Pilot[None]) -> None:
        while pilot.app.snapshot is None:  # type: ignore[attr-defined]
            await pilot.pause(0.01)
        await settled(pilot)
        await pilot.app.push_screen(LaunchScreen(job, settings or {}))
        for key in ["", *keys.split()]:
            await pilot.press(*filter(None, [key]))
            for _ in range(3):
                await settled(pilot)

    app = Dashboard(workspace, Preferences(theme=theme))
    return bool(snap_compare(app, terminal_size=size, run_before=before))


def test_jobs_to_choose_from(
    snap_compare: Any, workspace: Path, theme: str, size: tuple[int, int]
) -> None:
    assert pictured(snap_compare, workspace, (theme, size), None, "down")


def test_tasks_and_seeds(
    snap_compare: Any, workspace: Path, theme: str, size: tuple[int, int]
) -> None:
    settings = {"task": ["mortality", "gender"], "seed": "0-4", "epochs": 20}
    assert pictured(snap_compare, workspace, (theme, size), "train-task", "right", settings)


def test_faults(snap_compare: Any, workspace: Path, theme: str, size: tuple[int, int]) -> None:
    settings = {"subjects": 3, "size": "big", "colour": "red"}
    assert pictured(snap_compare, workspace, (theme, size), "synthesize", "", settings)


def test_an_engine(snap_compare: Any, workspace: Path, theme: str, size: tuple[int, int]) -> None:
    settings = {"root": "s3://radiographs/cxr", "shard": "1/1"}
    keys = " ".join(["down"] * 6) + " right right"
    assert pictured(snap_compare, workspace, (theme, size), "preprocess", keys, settings)
