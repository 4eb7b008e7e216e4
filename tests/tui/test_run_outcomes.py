"""What the page Jobs tells of runs: pipelines, AUROCs, reasons, notes, and what two differ by."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from dashboards import NOW, opened, see, settled, write_run
from textual.pilot import Pilot
from textual.widgets import Input

from data_contracts.errors import ArtifactError
from data_contracts.run import read_record
from tui.app import Dashboard
from tui.jobs.note_dialog import note_line, note_of
from tui.jobs.run_diff import diff_text
from tui.jobs.run_rows import RunRows
from tui.jobs.sparkline import sparkline
from tui.shared.dialogs import TextDialog
from tui.shared.filter_bar import FilterBar
from tui.shared.views import Views
from tui.workspace.notes import PLACE, RunNote, change_note, read_notes


def trained(workspace: Path, number: int, *aurocs: float | None, **facts: Any) -> str:
    events = [
        {"event": "metric", "epoch": i, "val_loss": 0.5, "val_auroc": v}
        for i, v in enumerate(aurocs, 1)
    ]
    return write_run(workspace, number, events=events, **facts)


def pipeline(workspace: Path, number: int, *jobs: str) -> list[str]:
    """A pipeline and the runs of its jobs, by run id."""
    parent = write_run(workspace, number, "run", config={})
    ids = [parent]
    for i, job in enumerate(jobs):
        own = write_run(workspace, number - 1 - i, job)
        ids.append(f"{parent}-{i:04d}-{job}")
        folder = (workspace / "runs" / own).rename(workspace / "runs" / ids[-1])
        record = asdict(read_record(folder)) | {"run_id": ids[-1]}
        (folder / "run.json").write_text(json.dumps(record))
    return ids


def table(pilot: Pilot[None]) -> RunRows:
    return pilot.app.screen.query_one(RunRows)


def under_cursor(pilot: Pilot[None]) -> str:
    row = table(pilot).current
    return row.key if row else ""


def shown(pilot: Pilot[None], *columns: int) -> list[tuple[str, ...]]:
    return [tuple(row.cells[c] for c in columns) for row in table(pilot).shown]


async def test_the_runs_of_a_pipeline_are_unfolded_below_it(workspace: Path) -> None:
    ids = pipeline(workspace, 20, "extract", "explain")
    write_run(workspace, 5, "report")
    async with opened(workspace, (80, 24), page="jobs") as pilot:
        assert shown(pilot, 0, 2) == [("", "report"), ("+", "run")]
        await see(pilot, "j", "space")
        assert shown(pilot, 0, 2)[1:] == [("−", "run"), ("│", "explain"), ("│", "extract")]
        await see(pilot, "j", "space")
        assert shown(pilot, 0, 2) == [("", "report"), ("+", "run")]
        assert under_cursor(pilot) == ids[0]
        table(pilot).go_to(ids[1])
        assert under_cursor(pilot) == ids[1]


async def test_all_runs_stand_for_themselves_when_filtered_or_sorted(workspace: Path) -> None:
    pipeline(workspace, 20, "extract", "explain")
    async with opened(workspace, (80, 24), page="jobs") as pilot:
        await see(pilot, "slash", *"job:ex", "enter")
        assert [job for (job,) in shown(pilot, 2)] == ["explain", "extract"]
        await see(pilot, "slash", "escape", "s", "s", "s")
        assert table(pilot).order == ("job", False)
        assert [job for (job,) in shown(pilot, 2)] == ["explain", "extract", "run"]
        await see(pilot, *"sssss")
        assert table(pilot).order is None
        assert shown(pilot, 2) == [("run",)]


async def test_the_best_auroc_of_a_training_is_told_and_sorted_by(workspace: Path) -> None:
    trained(workspace, 3, 0.6, 0.8, 0.7)
    trained(workspace, 2, 0.5, 0.9)
    trained(workspace, 1, None)
    async with opened(workspace, (140, 30), page="jobs") as pilot:
        assert shown(pilot, 5) == [("",), ("▁█ 0.900",), ("▁█▄ 0.800",)]
        table(pilot).sort_by(5)
        assert shown(pilot, 5) == [("▁█▄ 0.800",), ("▁█ 0.900",), ("",)]
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert ("▁█▄ 0.800",) in shown(pilot, 4)


async def test_a_living_training_is_read_on(workspace: Path) -> None:
    run_id = trained(workspace, 3, 0.6, state="running", pid=1, host="elsewhere")
    async with opened(workspace, (140, 30), page="jobs") as pilot:
        with (workspace / "runs" / run_id / "events.jsonl").open("a") as file:
            file.write(json.dumps({"event": "metric", "val_auroc": 0.75}) + "\n")
            progress = {"event": "progress", "what": "x", "done": 1, "total": 2, "unit": "batches"}
            file.write(json.dumps({"time": NOW.isoformat(), **progress}) + "\n")
        while shown(pilot, 5) != [("▁█ 0.750",)]:
            await pilot.pause(0.05)


def test_bars_go_from_the_lowest_to_the_highest() -> None:
    assert sparkline((0.1, 0.2, 0.3), 8) == "▁▅█"
    assert sparkline((0.5, 0.1, 0.2, 0.3), 3) == "▁▅█"
    assert sparkline((0.5,), 8) == "▄"


async def test_the_reason_of_an_end_is_told(workspace: Path) -> None:
    write_run(workspace, 3, state="lost", message="waiting for its turn")
    write_run(workspace, 2, state="interrupted", message="")
    write_run(workspace, 1, state="failed", message="no space left")
    async with opened(workspace, (140, 30), page="jobs") as pilot:
        assert [text for (text,) in shown(pilot, 4)] == [
            "no space left", "interrupted: retry resumes", "killed (possibly out of memory)",
        ]  # fmt: skip


async def test_a_star_and_tags_are_kept_in_one_file(workspace: Path) -> None:
    first, second = trained(workspace, 2, 0.6), trained(workspace, 1, 0.7)
    change_note(workspace, second, RunNote(text="[b]of another user"))
    async with opened(workspace, (140, 30), page="jobs") as pilot:
        await see(pilot, "j", "asterisk")
        await until_noted(pilot, first, RunNote(star=True))
        await see(pilot, "t")
        pilot.app.screen.query_one(Input).value = "#paper good run"
        await see(pilot, "enter")
        await until_noted(pilot, first, RunNote(True, ("paper",), "good run"))
        assert shown(pilot, 0, 4) == [("", ""), ("★", "#paper ")]
        assert "#paper  good run" in str(pilot.app.screen.query_one("#subject").render())
        await see(pilot, "slash", *"tag:paper", "enter")
        assert [row.key for row in table(pilot).shown] == [first]
    assert set(read_notes(workspace)) == {first, second}


async def until_noted(pilot: Pilot[None], run_id: str, note: RunNote) -> None:
    app = pilot.app
    assert isinstance(app, Dashboard)
    while app.snapshot is None or app.snapshot.notes.get(run_id) != note:
        await pilot.pause(0.02)
    await settled(pilot)


@pytest.mark.parametrize("text", ["[", "{}", '{"version": 2, "runs": {}}'])
async def test_a_file_of_notes_that_is_none_is_named_and_left_alone(
    workspace: Path, text: str
) -> None:
    run_id = trained(workspace, 1, 0.7)
    (workspace / PLACE).write_text(text)
    with pytest.raises(ArtifactError, match=r"run-notes\.json is damaged; restore or remove it"):
        change_note(workspace, run_id, RunNote(star=True))
    assert (workspace / PLACE).read_text() == text
    async with opened(workspace) as pilot:
        assert isinstance(pilot.app, Dashboard)
        assert pilot.app.snapshot
        assert "run-notes.json is damaged" in pilot.app.snapshot.faults[0]


def test_a_note_is_typed_in_one_line() -> None:
    note = note_of("#Paper see #v2 the  log #paper", star=True)
    assert note == RunNote(True, ("paper", "v2"), "see the log")
    assert note_line(note) == "#paper #v2 see the log"


async def test_d_on_two_runs_tells_what_they_differ_by(workspace: Path) -> None:
    config = {"task": "race", "name": "main", "seed": 0, "epochs": 4}
    write_run(workspace, 2, config=config)
    write_run(workspace, 1, config=config | {"seed": 1})
    async with opened(workspace, (100, 30), page="jobs") as pilot:
        await see(pilot, "d", "j", "d")
        assert isinstance(pilot.app.screen, TextDialog)
        text = str(pilot.app.screen.query_one("Static").render())
        assert "Settings: 1 different, 3 equal\nseed\n  A  1\n  B  0\n" in text
        assert "epochs" not in text


def test_inputs_differ_by_their_digests(workspace: Path) -> None:
    def record(number: int, digest: str) -> Any:
        inputs = [{"contract": "cohort", "path": "cohort/cohort.parquet", "digest": digest}]
        return read_record(workspace / "runs" / write_run(workspace, number, inputs=inputs))

    text = diff_text(record(4, "sha256:aaaa"), record(8, "sha256:bbbb"))
    assert "Inputs by digest: 1 different, 0 equal" in text
    assert "cohort\n" in text
    assert "A  sha256:aaaa" in text


async def test_filter_and_order_are_kept_between_starts(workspace: Path, tmp_path: Path) -> None:
    write_run(workspace, 2, "explain")
    write_run(workspace, 1, "train-task")
    file = tmp_path / "state" / "dashboard.json"
    async with opened(workspace, views=Views(file, workspace), page="jobs") as pilot:
        await see(pilot, "s", "s", "S", "slash", *"expl", "enter")
    async with opened(workspace, views=Views(file, workspace), page="jobs") as pilot:
        assert table(pilot).order == ("state", True)
        assert pilot.app.screen.query_one(FilterBar).display
        assert shown(pilot, 2) == [("explain",)]
    async with opened(tmp_path, views=Views(file, tmp_path), page="jobs") as pilot:
        assert table(pilot).order is None


@pytest.mark.parametrize("text", ["[", "[]", '{"%s": [1]}', '{"%s": {"JobsPage": 3}}'])
def test_a_file_of_views_that_is_none_does_no_harm(tmp_path: Path, text: str) -> None:
    file = tmp_path / "dashboard.json"
    file.write_text(text.replace("%s", str(tmp_path)))
    assert Views(file, tmp_path).of("JobsPage").filter == ""
