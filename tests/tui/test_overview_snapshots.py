"""Pictures of the page Overview: finished, with problems, and choosing an artifact."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dashboards import CREATED, pictures, see, write_example, write_run, write_workspace

from data_contracts.cohort import COHORT
from data_contracts.store import Provenance
from tui.app import Dashboard
from tui.shared.preferences import Preferences


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    write_workspace(folder)
    for number, job in ((9, "extract"), (8, "preprocess")):
        write_run(folder, number, job, config={})
    write_run(folder, 7)
    write_run(folder, 4, "train-task", "failed", message="the disk is full; free some of it")
    return folder


@pictures("full-80-dark")
def test_full(
    workspace: Path, snap_compare: Any, shown: str, size: tuple[int, int], theme: str
) -> None:
    app = Dashboard(workspace, Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: see(pilot, "l"))


@pictures("states-140-light")
def test_in_trouble_and_at_work(
    workspace: Path, snap_compare: Any, shown: str, size: tuple[int, int], theme: str
) -> None:
    changed = replace(COHORT, example_attributes={**COHORT.example_attributes, "split_seed": 9})
    write_example(changed, workspace, {}, Provenance("extract", {}, created=CREATED))
    (workspace / "models/race/main/features.h5").write_bytes(b"x")
    shutil.rmtree(workspace / "summary")
    progress = {"event": "progress", "what": "p", "done": 48, "total": 120, "unit": "images"}
    write_run(
        workspace, 0, "explain", "running", config={"task": "race", "name": "main"},
        events=[progress], host="elsewhere",
    )  # fmt: skip

    app = Dashboard(workspace, Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: see(pilot, "l", "l"))


@pictures("chooser-80-dark")
def test_many_to_choose_from(
    workspace: Path, snap_compare: Any, shown: str, size: tuple[int, int], theme: str
) -> None:
    app, keys = Dashboard(workspace, Preferences(theme)), ("l", "l", "l", "enter")
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: see(pilot, *keys))
