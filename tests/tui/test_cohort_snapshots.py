"""How the page Cohort looks: two sizes, two themes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cohorts import write_cohort
from dashboards import settled, write_workspace
from textual.pilot import Pilot

from tui.app import Dashboard
from tui.settings import Settings

LOOKS = [(size, theme) for size in ((80, 24), (140, 45)) for theme in ("cxr-dark", "cxr-light")]
looks = pytest.mark.parametrize(
    ("size", "theme"), LOOKS, ids=[f"{size[0]}-{theme}" for size, theme in LOOKS]
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort") / "workspace"
    write_workspace(folder)
    write_cohort(folder)
    return folder


async def see(pilot: Pilot[None], *keys: str) -> None:
    """Press keys, each when what the last one asked for is shown."""
    while pilot.app.snapshot is None:  # type: ignore[attr-defined]
        await pilot.pause(0.01)
    for key in keys:
        await settled(pilot)
        await pilot.press(key)
    await settled(pilot)


@looks
@pytest.mark.parametrize("part", ["f", "t", "r"], ids=["flow", "table", "rejects"])
def test_the_parts(
    workspace: Path, snap_compare: Any, size: tuple[int, int], theme: str, part: str
) -> None:
    app = Dashboard(workspace, Settings(theme))
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: see(pilot, "5", part))


@looks
def test_an_empty_workspace(
    tmp_path: Path, snap_compare: Any, size: tuple[int, int], theme: str
) -> None:
    app = Dashboard(tmp_path / "workspace", Settings(theme))
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: see(pilot, "5"))
