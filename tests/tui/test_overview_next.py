"""The line that says what to do next, and the demonstration."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dashboards import CREATED, opened, settled, write_example, write_run, write_workspace
from pipelines import settings
from textual.pilot import Pilot

from data_contracts import lock
from data_contracts.cohort import COHORT
from data_contracts.store import Provenance
from jobs import _engines
from jobs._pipeline.config import PipelineConfig
from jobs._pipeline.plan import steps_of
from jobs._pipeline.settings import read_settings
from jobs._registry import find_jobs
from tui.app import Dashboard
from tui.launch.screen import LaunchScreen
from tui.overview import demo
from tui.workspace.next_step import NextStep, next_step
from tui.workspace.scan import Scanner


def due(workspace: Path, *tasks: str) -> NextStep | None:
    return next_step(Scanner(workspace).scan(), find_jobs(), tasks)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    write_workspace(folder, tasks=("gender", "race"))
    return folder


def remove(workspace: Path, *places: str) -> None:
    for place in places:
        path = workspace / place
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_nothing_is_due_where_all_is_current(workspace: Path) -> None:
    assert due(workspace, "gender", "race") is None
    remove(workspace, "synthetic")  # which nothing needs
    assert due(workspace, "gender", "race") is None


def test_the_first_missing_step_is_due(workspace: Path) -> None:
    expected: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
        "summary": ("aggregate", "aggregate", {}),
        "models/race/main/attributions-gradcam-test.h5":
            ("explain", "explain race main", {"task": "race", "name": "main"}),
        "models/race": ("train-task", "train-task race main", {"task": "race", "name": "main"}),
        "models/gender": ("train-task", "train-task gender main",
                          {"task": "gender", "name": "main"}),
        "images": ("preprocess", "preprocess 1/1", {"shard": "1/1"}),
        "cohort": ("extract", "extract", {}),
    }  # fmt: skip
    for place, (job, title, given) in expected.items():
        remove(workspace, place)
        step = due(workspace, "gender", "race")
        assert step is not None
        assert (step.job, step.title, step.why, step.settings) == (job, title, "missing", given)


def test_what_a_run_writes_is_not_due(workspace: Path) -> None:
    remove(workspace, "models/race", "summary")
    busy = {"task": "race", "name": "main"}
    write_run(workspace, 1, state="running", config=busy, host="elsewhere")
    step = due(workspace, "gender", "race")
    assert step is not None
    assert step.job == "aggregate"


def test_damaged_and_stale_come_before_what_follows_from_them(workspace: Path) -> None:
    attributes = {**COHORT.example_attributes, "split_seed": 9}
    changed = replace(COHORT, example_attributes=attributes)
    write_example(changed, workspace, {}, Provenance("extract", {}, created=CREATED))
    step = due(workspace)
    assert step is not None
    assert (step.job, step.why) == ("preprocess", "images/images-1-of-1.h5 is out of date")
    (workspace / "cohort/flow.parquet").write_bytes(b"x")
    step = due(workspace)
    assert step is not None
    assert (step.job, step.why) == ("extract", "cohort/flow.parquet is damaged")


def test_settings_are_those_of_the_last_such_run(workspace: Path) -> None:
    remove(workspace, "models/race", "images")
    write_run(workspace, 3, "preprocess", config={"root": "/data", "shard": "1/1", "force": True})
    write_run(workspace, 2, "train-task", config={"task": "gender", "name": "main", "epochs": 3})
    write_run(workspace, 1, "train-task", config={"task": "gender", "name": "seed1", "epochs": 4})
    step = due(workspace)
    assert step is not None
    assert step.settings == {"root": "/data", "shard": "1/1"}
    write_workspace(workspace, tasks=("gender",))
    step = due(workspace, "race")
    assert step is not None
    assert step.settings == {"task": "race", "name": "main", "epochs": 3}


def line(pilot: Pilot[None]) -> str:
    return str(pilot.app.screen.query_one("#next").render())


async def test_n_opens_the_form_of_the_next_step(workspace: Path) -> None:
    write_workspace(workspace)
    remove(workspace, "summary")
    async with opened(workspace) as pilot:
        assert line(pilot) == "n: run aggregate (missing)"
        await pilot.press("n")
        await settled(pilot)
        assert isinstance(form := pilot.app.screen, LaunchScreen)
        assert "Launch aggregate" in str(form.query_one("#title").render())
        assert pilot.app.current_mode == "jobs"


async def test_the_cohorts_own_tasks_are_wanted(workspace: Path) -> None:
    remove(workspace, "models")
    async with opened(workspace) as pilot:
        await settled(pilot)
        assert line(pilot).startswith("n: run train-task ")


async def test_a_running_pipeline_needs_no_advice(workspace: Path) -> None:
    remove(workspace, "summary")
    write_run(workspace, 1, "run", "running", config={}, host="elsewhere")
    async with opened(workspace) as pilot:
        assert "pipeline running: missing steps will run" in line(pilot)
        await pilot.press("n")
        await settled(pilot)
        assert pilot.app.current_mode == "overview"


async def test_all_is_well(workspace: Path) -> None:
    write_workspace(workspace)
    async with opened(workspace) as pilot:
        await settled(pilot)
        assert line(pilot) == "✓ everything is up to date"


async def until(pilot: Pilot[None], done: Any) -> None:
    app = pilot.app
    assert isinstance(app, Dashboard)
    while not done(app):
        app.refresh_workspace()
        await pilot.pause(0.2)
    await settled(pilot)


def test_the_demo_is_a_whole_pipeline_without_a_download(tmp_path: Path) -> None:
    flags = PipelineConfig(config=demo.SETTINGS, workspace=tmp_path)
    config, sections = read_settings(flags)
    names = [step.name for step in steps_of(config, sections)]
    assert len(names) == 14, "a network of every task, and a null network of mortality"
    assert {name.split()[0] for name in names} == set(find_jobs())
    assert sections["train-task"]["weights"] == "none"


async def test_d_starts_the_demo_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "SETTINGS", settings(tmp_path))
    workspace = tmp_path / "workspace"
    async with opened(workspace) as pilot:
        await pilot.press("d")
        await until(pilot, lambda app: any(r.job == "synthesize" for r in app.snapshot.runs))
        assert not pilot.app.screen.has_class("empty")
    # The dashboard has ended, the pipeline has not.
    (run_id,) = (p.name for p in (workspace / "runs").glob("*-run-??????"))
    assert _engines.state(workspace, run_id).state == "running"
    assert _engines.cancel(workspace, run_id).state == "cancelled"


async def test_a_second_demo_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "SETTINGS", settings(tmp_path))
    workspace = tmp_path / "workspace"
    with lock.hold(workspace, [".pipeline"], "another dashboard"):
        async with opened(workspace) as pilot:
            await pilot.press("d")
            await until(pilot, lambda app: app.errors)
            assert isinstance(pilot.app, Dashboard)
            assert "is being written by another dashboard" in pilot.app.errors[0]
    (path,) = (workspace / "runs").glob("*/run.json")
    assert json.loads(path.read_text())["state"] == "failed"


async def test_a_demo_that_cannot_be_started_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs._engines.process.cxr_command", _not_installed)
    async with opened(tmp_path / "workspace") as pilot:
        await pilot.press("d")
        await until(pilot, lambda app: app.errors)
        assert isinstance(pilot.app, Dashboard)
        assert "is not installed" in pilot.app.errors[0]


def _not_installed() -> str:
    from data_contracts.errors import UsageError

    raise UsageError("cxr is not installed")
