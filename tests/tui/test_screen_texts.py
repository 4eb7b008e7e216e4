"""What the pages show as text, at both sizes."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dashboards import NOW, SIZES, opened, screen_text, see, settled, write_run, write_workspace
from textual.pilot import Pilot

from tui import clock

EMPTY = {
    "1": ("This workspace is empty.", "d  start the demo", "n  start with your own data"),
    "2": ("No runs in this workspace yet.", "Press n to launch a job."),
    "3": ("No models yet, so no metrics.", "Press n to launch train-task"),
    "4": ("No averaged heatmaps yet.", "press 2 to launch jobs"),
    "5": ("No cohort yet.", "Press n to launch extract."),
    "6": ("No artifacts yet.", "See Overview (1) for what to run first."),
}


async def at_both_sizes(pilot: Pilot[None]) -> AsyncIterator[str]:
    """What the page shows in a small and in a large terminal."""
    for size in SIZES.values():
        await pilot.resize_terminal(*size)
        await settled(pilot)
        yield screen_text(pilot)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts") / "workspace"
    write_workspace(folder)
    return folder


async def test_an_empty_workspace_names_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    async with opened(tmp_path / "workspace") as pilot:
        for page, lines in EMPTY.items():
            await see(pilot, page)
            async for shown in at_both_sizes(pilot):
                assert [line for line in lines if line not in shown] == []


async def test_metrics_by_stratum(workspace: Path) -> None:
    async with opened(workspace, page="metrics") as pilot:
        await see(pilot, "t")
        async for shown in at_both_sizes(pilot):
            assert "16 rows" in shown
            assert " ".join(shown.split()).count("n/d: not disclosed") == 1
            assert "fewer than 11 patients" in " ".join(shown.split())
            assert "strata on" in shown
            assert all(word in shown for word in ("stratum", "level", "95 % CI", "PA", "AP"))


async def test_models_without_metrics(workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "models", tmp_path / "workspace/models")
    async with opened(tmp_path / "workspace", page="metrics") as pilot:
        async for shown in at_both_sizes(pilot):
            assert "aggregate has not run yet; press n to launch it." in shown
            assert all(task in shown for task in ("mortality", "gender", "race", "insurance"))


async def test_the_record_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    (tmp_path / "workspace").mkdir()
    write_run(tmp_path / "workspace", 40, "explain", "failed", message="the disk is full")
    async with opened(tmp_path / "workspace", page="jobs") as pilot:
        await see(pilot, "i", "enter")
        async for shown in at_both_sizes(pilot):
            assert "i Info" in shown
            for line in ("✗ failed", "the disk is full", "1:35"):
                assert line in shown


async def test_jobs_to_choose_from(workspace: Path) -> None:
    async with opened(workspace, page="jobs") as pilot:
        await see(pilot, "n")
        async for shown in at_both_sizes(pilot):
            assert "Launch  choose a job" in shown
            assert all(j in shown for j in ("synthesize", "extract", "train-task", "aggregate"))


async def test_a_map_of_few_patients_is_suppressed(workspace: Path) -> None:
    async with opened(workspace, page="heatmaps") as pilot:
        await see(pilot, "n", "n", "n")
        async for shown in at_both_sizes(pilot):
            assert "map: n/d" in shown
            assert shown.count("n/d: not disclosed") == 1
