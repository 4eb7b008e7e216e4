"""Pictures of the page Jobs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dashboards import NOW, dashboard, pictures, settled, write_run
from textual.pilot import Pilot

from jobs import _engines
from tui import clock
from tui.app import Dashboard
from tui.jobs.log_text import LogText
from tui.shared.preferences import Preferences

KEYS = {
    "log": [],
    "curves": ["v"],
    "search": ["enter", "slash", *"batches", "enter", "n", "k"],
    "question": ["j", "c"],
}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(_engines, "present", lambda _, records: records)
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


def write_runs(workspace: Path) -> None:
    """A training at work, and runs that came to every other end."""
    settings = {"task": "gender", "name": "main", "batch_size": 32, "epochs": 8, "seed": 0,
                "learning_rate": 0.0005, "weights": "imagenet"}  # fmt: skip
    log = [
        f"2026-11-23T11:5{i // 60}:{i % 60:02}.000+00:00 cxr train-task: "
        + (
            "warning: 3 images have a bright border"
            if i == 70
            else f"train gender: {i}/160 batches"
        )
        for i in range(40, 100)
    ]
    write_run(
        workspace, 2, state="running", config=settings, events=training(),
        log="\n".join(log) + "\n", inputs=[{"contract": "cohort", "path": "cohort/cohort.parquet",
        "digest": "sha256:c81c33d09693c29791adf34eeb73464d6bdfabae732f10d1c2033f2ede8f7f20"}],
    )  # fmt: skip
    plain = {"task": "race", "name": "main"}
    write_run(workspace, 12, "train-task", "submitted", config=plain, engine="slurm", engine_id="7")
    why = "no space left on a disk; free some and run the same command again"
    write_run(workspace, 40, "explain", "failed", config=plain, message=why)
    write_run(workspace, 95, "train-task", "interrupted", config=plain)
    write_run(workspace, 190, "train-task", "cancelled", config=plain)
    write_run(workspace, 300, "train-task", "lost", config=plain)
    write_run(workspace, 1600, "preprocess", config={"shard": "2/16"})
    for number in range(6):
        write_run(workspace, 3000 + number, "extract", config={})


def training() -> list[dict[str, Any]]:
    """Events of two minutes: five epochs of 20 batches, one batch a second."""
    events: list[dict[str, Any]] = []
    for done in range(101):
        time = (NOW - timedelta(seconds=110 - done)).isoformat()
        progress = {"what": "train gender", "done": done, "total": 160, "unit": "batches"}
        events.append({"event": "progress", "time": time, **progress})
        if done and done % 20 == 0:
            epoch = done // 20
            events.append({
                "event": "metric", "time": time, "epoch": epoch, "train_loss": 0.7 / epoch,
                "val_loss": 0.2 + 0.6 / epoch, "val_auroc": 0.98 - 0.2 / epoch,
            })  # fmt: skip
    return events


@pictures("log-80-dark", "curves-140-light", "search-140-dark", "question-80-light")
def test_the_page(
    workspace: Path, snap_compare: Any, shown: str, size: tuple[int, int], theme: str
) -> None:
    write_runs(workspace)

    async def prepare(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, Dashboard)
        while app.snapshot is None:
            await pilot.pause(0.01)
        for key in KEYS[shown]:
            await pilot.press(key)
            await settled(pilot)
        while shown != "curves" and not app.screen_stack[0].query_one(LogText).lines:
            await pilot.pause(0.01)
        await settled(pilot)

    app = dashboard("jobs")(workspace, Preferences(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=prepare)
