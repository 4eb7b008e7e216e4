"""What the pages show as text, at both sizes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dashboards import NOW, SIZES, opened, screen_text, see, write_run, write_workspace

from tui import clock

sizes = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
EMPTY = {
    "1": ("This workspace is empty.", "d  start the demo", "n  start with your own data"),
    "2": ("No runs in this workspace yet.", "Press n to launch a job."),
    "3": ("No models yet, so no metrics.", "Press n to launch train-task"),
    "4": ("No averaged heatmaps yet.", "press 2 to launch jobs"),
    "5": ("No cohort yet.", "Press n to launch extract."),
    "6": ("No artifacts yet.", "See Overview (1) for what to run first."),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts") / "workspace"
    write_workspace(folder)
    return folder


@sizes
async def test_an_empty_workspace_names_the_next_step(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    (tmp_path / "workspace").mkdir()
    async with opened(tmp_path / "workspace", size) as pilot:
        for page, lines in EMPTY.items():
            await see(pilot, page)
            shown = screen_text(pilot)
            assert [line for line in lines if line not in shown] == []


@sizes
async def test_metrics_by_stratum(workspace: Path, size: tuple[int, int]) -> None:
    async with opened(workspace, size) as pilot:
        await see(pilot, "3", "t")
        shown = screen_text(pilot)
        assert "16 rows" in shown
        assert " ".join(shown.split()).count("n/d: not disclosed") == 1
        assert "fewer than 11 patients" in " ".join(shown.split())
        assert "strata on" in shown
        assert all(word in shown for word in ("stratum", "level", "95 % CI", "PA", "AP"))


@sizes
async def test_models_without_metrics(
    workspace: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    shutil.copytree(workspace / "models", tmp_path / "workspace/models")
    async with opened(tmp_path / "workspace", size) as pilot:
        await see(pilot, "3")
        shown = screen_text(pilot)
        assert "aggregate has not run yet; press n to launch it." in shown
        assert all(task in shown for task in ("mortality", "gender", "race", "insurance"))


@sizes
async def test_the_record_of_a_run(
    tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    (tmp_path / "workspace").mkdir()
    write_run(tmp_path / "workspace", 40, "explain", "failed", message="the disk is full")
    async with opened(tmp_path / "workspace", size) as pilot:
        await see(pilot, "2", "i", "enter")
        shown = screen_text(pilot)
        assert "i Info" in shown
        for line in ("✗ failed", "the disk is full", "1:35"):
            assert line in shown


@sizes
async def test_jobs_to_choose_from(workspace: Path, size: tuple[int, int]) -> None:
    async with opened(workspace, size) as pilot:
        await see(pilot, "2", "n")
        shown = screen_text(pilot)
        assert "Launch  choose a job" in shown
        assert all(job in shown for job in ("synthesize", "extract", "train-task", "aggregate"))


@sizes
async def test_a_map_of_few_patients_is_suppressed(workspace: Path, size: tuple[int, int]) -> None:
    async with opened(workspace, size) as pilot:
        await see(pilot, "4", "n", "n", "n")
        assert "map: n/d" in screen_text(pilot)
        assert screen_text(pilot).count("n/d: not disclosed") == 1
