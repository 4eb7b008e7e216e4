"""The page Jobs on recorded runs: table, log, curves, info, and what can be done."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Sequence
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from dashboards import NOW, opened, settled, write_run
from textual.pilot import Pilot
from textual.widgets import Static

from data_contracts.errors import Unreachable
from data_contracts.run import RunRecord, State, append_event
from jobs import _engines
from jobs._engines._request import JobRequest
from tui import clock
from tui.app import Dashboard
from tui.jobs.log_pane import LogPane
from tui.jobs.log_text import LogText
from tui.jobs.page import JobsPage
from tui.jobs.run_curves import RunCurves
from tui.jobs.run_details import RunDetails
from tui.jobs.run_info import RunInfo
from tui.jobs.run_rows import RunRows
from tui.launch.screen import LaunchScreen
from tui.shared.dialogs import Question
from tui.shared.filter_bar import FilterBar
from tui.shared.messages import OpenLaunch, OpenRun
from tui.workspace import scan

HERE = socket.gethostname()


def running(workspace: Path, number: int = 1, **facts: Any) -> str:
    """A run on this host that this very process seems to be."""
    events = [
        {"event": "progress", "time": (NOW - timedelta(seconds=40 - s)).isoformat(),
         "what": "train gender", "done": s, "total": 100, "unit": "batches"}
        for s in (0, 20, 40)
    ]  # fmt: skip
    known: dict[str, Any] = {"pid": os.getpid(), "host": HERE, "events": events, **facts}
    return write_run(workspace, number, state="running", **known)


async def until(pilot: Pilot[None], true: Callable[[], object]) -> None:
    """Wait until the page shows it; the time limit of the test ends a wait in vain."""
    while not true():
        await pilot.pause(0.02)


def page_of(pilot: Pilot[None]) -> JobsPage:
    page = pilot.app.screen
    assert isinstance(page, JobsPage)
    return page


def rows_of(pilot: Pilot[None]) -> list[tuple[str, ...]]:
    """The cells after the mark."""
    return [row.cells[1:] for row in page_of(pilot).query_one(RunRows).shown]


def text_of(pilot: Pilot[None], selector: str) -> str:
    return str(page_of(pilot).query_one(selector, Static).render())


def log_of(pilot: Pilot[None]) -> Sequence[str]:
    return page_of(pilot).query_one(LogText).lines


def notes(pilot: Pilot[None]) -> list[str]:
    return [n.message for n in pilot.app._notifications]


async def test_the_newest_run_comes_first_with_all_that_is_told(workspace: Path) -> None:
    write_run(workspace, 90, "explain", "failed", message="no space left")
    running(workspace, 2)
    async with opened(workspace, (140, 30), page="jobs") as pilot:
        first, second = rows_of(pilot)
        assert first == (
            "▸ running", "train-task", "race/main",
            "███░░░░░ 40 %  1:00 left", "", "11-23 11:58", "2:00", HERE, "process",
        )  # fmt: skip
        assert second == (
            "✗ failed", "explain", "race/main", "no space left", "", "11-23 10:30", "1:35",
            "node1", "process",
        )  # fmt: skip
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert rows_of(pilot)[0] == (
            "▸ running", "train-task", "race/main", "█░ 40 % 1:00", "2 min", "2:00",
        )  # fmt: skip


async def test_durations_go_on_only_while_the_page_is_seen(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(workspace)
    async with opened(workspace, page="jobs") as pilot:
        page = page_of(pilot)
        assert rows_of(pilot)[0][-1] == "1:00"
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(seconds=5))
        await until(pilot, lambda: rows_of(pilot)[0][-1] == "1:05")
        await pilot.press("3")
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(seconds=50))
        page._tick()
        assert page.query_one(RunRows).shown[0].cells[-1] == "1:05"


async def test_names_keep_the_ends_by_which_they_differ(workspace: Path) -> None:
    for seed in (1, 2):
        name = f"permuted-labels-seed{seed}"
        write_run(workspace, seed, config={"task": "mortality", "name": name})
    async with opened(workspace, (80, 24), page="jobs") as pilot:
        await pilot.pause()
        table = page_of(pilot).query_one(RunRows)
        lines = [table.render_line(y).text for y in (1, 2)]
        assert [f"d{seed} " in line for seed, line in zip((1, 2), lines, strict=True)] == [1, 1]


async def test_the_usual_names_are_not_cut_at_80_columns(workspace: Path) -> None:
    for number in range(30):  # with a scrollbar
        write_run(workspace, number, config={"task": "insurance", "name": "permuted-labels"})
    async with opened(workspace, (80, 24), page="jobs") as pilot:
        await pilot.pause()
        assert "insurance/permuted-labels " in page_of(pilot).query_one(RunRows).render_line(1).text


async def test_many_runs_are_made_once_and_when_seen(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write_run(workspace, 1)
    record = json.loads((workspace / "runs" / first / "run.json").read_text())
    for number in range(500):
        folder = workspace / "runs" / f"run-{number}"
        folder.mkdir()
        (folder / "run.json").write_text(json.dumps({**record, "run_id": folder.name}))
    running(workspace, 0)
    async with opened(workspace, page="jobs") as pilot:
        rows = page_of(pilot).query_one(RunRows)
        assert len(rows.shown) == 502
        # What a filter looks in is made beforehand, a few at a time.
        await until(pilot, lambda: sum(row.is_read for row in rows.shown) == 501)  # type: ignore[attr-defined]
        assert sum("_made" in vars(row) for row in rows.shown) <= rows.size.height
        before = list(rows.shown)
        rows.tick()
        assert sum(a is not b for a, b in zip(before, rows.shown, strict=True)) == 1
        await pilot.press("G")
        assert rows.cursor == 501


async def test_slash_filters_the_runs(workspace: Path) -> None:
    write_run(workspace, 1, "explain")
    write_run(workspace, 2, "train-task", "failed")
    async with opened(workspace, page="jobs") as pilot:
        await pilot.press("slash", *"fail", "enter")
        assert [cells[1] for cells in rows_of(pilot)] == ["train-task"]
        await pilot.press("slash", "escape")
        assert len(rows_of(pilot)) == 2


async def test_nothing_has_run(workspace: Path) -> None:
    async with opened(workspace, page="jobs") as pilot:
        assert page_of(pilot).has_class("empty")
        assert "No runs in this workspace yet" in text_of(pilot, "JobsPage > Placeholder")


async def test_a_log_is_followed_as_it_grows(workspace: Path) -> None:
    run_id = running(workspace, log="first\n")
    async with opened(workspace, page="jobs") as pilot:
        await until(pilot, lambda: list(log_of(pilot)) == ["first"])
        assert "following" in text_of(pilot, "#log-state")
        with (workspace / "runs" / run_id / "log.txt").open("a") as file:
            file.write("".join(f"line {i}\n" for i in range(99)) + "part")
        await until(pilot, lambda: len(log_of(pilot)) == 101)
        assert log_of(pilot)[-1] == "part"
        await pilot.press("enter", "k")
        assert "paused (End to follow)" in text_of(pilot, "#log-state")
        await pilot.press("end")
        assert "following" in text_of(pilot, "#log-state")


async def test_log_lines_have_the_local_time_and_nothing_that_all_repeat(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    east = timezone(timedelta(hours=5))
    monkeypatch.setattr(clock, "local", lambda time: time.astimezone(east))
    head = "2026-11-23T18:59:5"
    write_run(workspace, 1, "run", log=(
        f"{head}8.100+00:00 cxr train-task: train gender: 6/64 batches\n"
        f"{head}9.900+00:00 cxr run: 23:59:59 started explain\n"
        "2026-11-23T19:00:01.000+00:00 cxr train-task: warning: late\nTraceback\n"
    ))  # fmt: skip
    async with opened(workspace, page="jobs") as pilot:
        await until(pilot, lambda: len(log_of(pilot)) == 4)
        assert list(log_of(pilot)) == [
            "23:59:58 train gender: 6/64 batches", "23:59:59 started explain",
            "11-24 00:00:01 warning: late", "Traceback",
        ]  # fmt: skip


async def test_another_run_has_another_log(workspace: Path) -> None:
    write_run(workspace, 1, log="newer\n")
    write_run(workspace, 2, log="older\n")
    async with opened(workspace, page="jobs") as pilot:
        await until(pilot, lambda: list(log_of(pilot)) == ["newer"])
        await pilot.press("j")
        await until(pilot, lambda: list(log_of(pilot)) == ["older"])
        assert "end of log · 1 line ·" in text_of(pilot, "#log-state")


async def test_the_log_is_searched(workspace: Path) -> None:
    write_run(workspace, 1, log="".join(f"line {i}\n" for i in range(60)))
    async with opened(workspace, page="jobs") as pilot:
        await pilot.press("enter", "slash", *"line 5", "enter")
        # The first one from the top of the view on, which shows the end.
        assert "match 2 of 11, n N" in text_of(pilot, "#log-state")
        await pilot.press("n", "n")
        assert "match 4 of 11" in text_of(pilot, "#log-state")
        await pilot.press("N")
        assert "match 3 of 11" in text_of(pilot, "#log-state")
        await pilot.press("escape")
        assert "match" not in text_of(pilot, "#log-state")
        assert page_of(pilot).has_class("whole"), "the first escape only ends the search"
        await pilot.press("escape")
        assert not page_of(pilot).has_class("whole")
        assert isinstance(page_of(pilot).focused, RunRows)


async def test_a_log_that_cannot_be_read_is_an_error_once(workspace: Path) -> None:
    run_id = running(workspace)
    (workspace / "runs" / run_id / "log.txt").unlink()
    (workspace / "runs" / run_id / "log.txt").mkdir()
    async with opened(workspace, page="jobs") as pilot:
        await until(pilot, lambda: "cannot read the log" in text_of(pilot, "#log-state"))
        page_of(pilot).query_one(LogPane).read_on()
        await settled(pilot)
        assert len(pilot.app.errors) == 1  # type: ignore[attr-defined]


async def test_curves_grow_with_the_events(workspace: Path) -> None:
    run_id = running(workspace, config={"task": "gender", "batch_size": 32, "epochs": 4})
    folder = workspace / "runs" / run_id
    async with opened(workspace, (140, 40), page="jobs") as pilot:
        await pilot.press("v")
        curves = page_of(pilot).query_one(RunCurves)
        await until(pilot, lambda: "32 images/s" in text_of(pilot, "#latest"))
        assert not curves.has_class("learns")
        for epoch in (1, 2):
            append_event(
                folder, "metric", epoch=epoch, train_loss=1 / epoch, val_loss=0.5, val_auroc=0.8
            )
        await until(pilot, lambda: "epoch 2/4" in text_of(pilot, "#latest"))
        assert "train 0.500" in text_of(pilot, "#latest")
        assert "AUROC 0.800" in text_of(pilot, "#latest")
        await until(pilot, lambda: curves.query_one("#speed").display)
        assert curves.query_one("#loss").display
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert not curves.query_one("#speed").display


async def test_the_curves_of_a_retry_begin_with_the_run_that_it_resumed(workspace: Path) -> None:
    config = {"task": "gender", "name": "main", "epochs": 4}
    events = [{"event": "metric", "epoch": e, "val_loss": 1 / e} for e in (1, 2, 3, 4)]
    write_run(workspace, 2, state="interrupted", config=config, events=events[:2])
    write_run(workspace, 1, config=config, events=events[2:])
    async with opened(workspace, page="jobs") as pilot:
        await pilot.press("v")
        curves = page_of(pilot).query_one(RunCurves)
        await until(pilot, lambda: curves.has_class("drawn"))
        assert curves._series.metric("val_loss")[0] == [1, 2, 3, 4]


async def test_a_run_without_curves_says_so(workspace: Path) -> None:
    write_run(workspace, 1, "extract")
    async with opened(workspace, page="jobs") as pilot:
        await pilot.press("v")
        await settled(pilot)
        assert not page_of(pilot).query_one(RunCurves).has_class("drawn")
        assert "No curve" in text_of(pilot, "RunCurves Placeholder")


async def test_facts(workspace: Path) -> None:
    write_run(
        workspace, 1, state="failed", message="out of [b]memory", engine="slurm", engine_id="17",
        inputs=[{"contract": "cohort", "path": "cohort/cohort.parquet", "digest": "sha256:abc"}],
    )  # fmt: skip
    async with opened(workspace, page="jobs") as pilot:
        await pilot.press("i")
        text = str(page_of(pilot).query_one(RunInfo).query_one(Static).render())
        for part in ("out of [b]memory", "1 (internal error)", "17", "gender", "1:35",
                     "cohort/cohort.parquet  sha256:abc", "2026-11-23 11:59:00 UTC"):  # fmt: skip
            assert part in text
        assert "Outputs  none" in text


async def test_a_record_of_nonsense_is_only_shown(workspace: Path) -> None:
    write_run(workspace, 1, message="[b]x\x1b[2J", host="\x07h", engine="e\n\x1b]0;t\x07")
    folder = workspace / "runs" / write_run(workspace, 2)
    record = json.loads((folder / "run.json").read_text())
    nonsense = {"config": [1], "started": "never", "inputs": 7, "state": "running", "pid": 1}
    (folder / "run.json").write_text(json.dumps(record | nonsense))
    async with opened(workspace, (140, 30), page="jobs") as pilot:
        await pilot.press("i", "j", "i", "v", "l")
        await settled(pilot)
        assert not any("\x1b" in c or "\x07" in c for cells in rows_of(pilot) for c in cells)


async def test_what_cannot_be_done_says_why(workspace: Path) -> None:
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("c", {"state": "succeeded"}, "has ended: succeeded"),
        ("e", {"job": "bake", "state": "failed"}, "unknown job bake"),
        ("r", {"state": "succeeded"}, "is succeeded"),
        ("r", {"job": "bake", "state": "failed", "host": HERE}, "unknown job bake"),
        ("r", {"state": "failed"}, "was on node1"),
    ]
    for number, (_, facts, _) in enumerate(cases):
        write_run(workspace, number, **facts)
    async with opened(workspace, page="jobs") as pilot:
        for key, _, why in cases:
            await pilot.press(key, "j")
            assert why in notes(pilot)[-1]
            assert isinstance(pilot.app.screen, JobsPage)


async def test_a_read_only_workspace_is_left_alone(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "_writable", lambda _: False)
    write_run(workspace, 5, state="failed", host=HERE)
    running(workspace)
    async with opened(workspace, page="jobs") as pilot:
        await pilot.press("c")
        assert "read-only" in notes(pilot)[-1]
        await pilot.press("j", "r")
        assert ["read-only" in note for note in notes(pilot)] == [True, True]


async def test_no_is_no(workspace: Path) -> None:
    running(workspace)
    async with opened(workspace, page="jobs") as pilot:
        await pilot.press("c")
        assert isinstance(pilot.app.screen, Question)
        await pilot.press("n")
        await settled(pilot)
        assert rows_of(pilot)[0][0] == "▸ running"


def form_of(pilot: Pilot[None]) -> tuple[str | None, dict[str, Any]]:
    form = pilot.app.screen
    assert isinstance(form, LaunchScreen)
    return form._job, dict(form._settings)


async def test_settings_are_taken_over_into_the_form(workspace: Path) -> None:
    write_run(workspace, 1, config={"task": "gender", "seed": 7, "workspace": "/elsewhere"})
    async with opened(workspace, page="jobs") as pilot:
        await pilot.press("e")
        assert form_of(pilot) == ("train-task", {"task": "gender", "seed": 7})


async def test_a_new_run_begins_with_the_job_under_the_cursor(workspace: Path) -> None:
    write_run(workspace, 1, "explain")
    async with opened(workspace, page="jobs") as pilot:
        await pilot.press("n")
        assert form_of(pilot) == ("explain", {})


async def test_other_engines_options_are_asked_for(workspace: Path) -> None:
    write_run(workspace, 1, state="failed", engine="slurm", config={"task": "gender"})
    async with opened(workspace, page="jobs") as pilot:
        await pilot.press("r")
        assert form_of(pilot) == ("train-task", {"task": "gender"})
        assert any("options for slurm" in note for note in notes(pilot))


async def test_other_pages_open_a_run_or_a_form(workspace: Path) -> None:
    write_run(workspace, 1, log="newer\n")
    older = write_run(workspace, 2, log="older\n")
    async with opened(workspace) as pilot:
        pilot.app.post_message(OpenRun(older))
        await until(pilot, lambda: isinstance(pilot.app.screen, JobsPage))
        await until(pilot, lambda: list(log_of(pilot)) == ["older"])
        (bar := page_of(pilot).query_one(FilterBar)).value = "nothing like it"
        await until(pilot, lambda: not rows_of(pilot))
        pilot.app.post_message(OpenRun(older))
        await until(pilot, lambda: len(rows_of(pilot)) == 2 and not bar.value)
        pilot.app.post_message(OpenLaunch("extract", {"seed": 3}))
        await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen))
        assert form_of(pilot) == ("extract", {"seed": 3})


async def test_a_wide_terminal_shows_a_run_beside_the_table(workspace: Path) -> None:
    write_run(workspace, 1)
    async with opened(workspace, (200, 40), page="jobs") as pilot:
        await settled(pilot)
        table, details = page_of(pilot).query_one(RunRows), page_of(pilot).query_one(RunDetails)
        assert table.region.y == details.region.y
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert table.region.x == details.region.x


async def test_the_first_line_counts_runs_and_shows_how_busy_the_host_is(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fake := tmp_path / "bin" / "nvidia-smi").parent.mkdir()
    fake.write_text("#!/bin/sh\necho '93, 12390, 81559'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
    for number in range(3):
        write_run(workspace, number)
    async with opened(workspace, (140, 30), page="jobs") as pilot:
        await pilot.press("m")
        await until(pilot, lambda: " 93 % 12.1 of 79.6" in text_of(pilot, "HostMeters"))
        assert "memory" in text_of(pilot, "HostMeters")
        assert text_of(pilot, "#count") == "3 runs, 1 marked"
        await pilot.press("slash", *"race", "enter")
        assert text_of(pilot, "#count") == "1 of 3 runs, 1 marked"


async def test_marked_runs_are_retried_one_at_a_time(
    workspace: Path, submitted: list[JobRequest]
) -> None:
    states: tuple[State, ...] = ("failed", "succeeded", "failed")
    for number, state in enumerate(states, 1):
        write_run(
            workspace, number, state=state, host=HERE, config={"task": "race", "seed": number}
        )
    async with opened(workspace, page="jobs") as pilot:
        await pilot.press(*"mmm")
        assert [row.cells[0] for row in page_of(pilot).query_one(RunRows).shown] == ["●"] * 3
        await pilot.press("r")
        assert any("1 of 3 runs: the run is succeeded" in note for note in notes(pilot))
        await pilot.press("o")
        await until(pilot, lambda: len(submitted) == 2)
        assert [r.flags["seed"] for r in submitted] == [1, 3]
        assert all(r.options.one_at_a_time for r in submitted)
        await until(pilot, lambda: text_of(pilot, "#count") == "3 runs")


async def test_a_pipeline_is_retried_and_cloned(
    workspace: Path, tmp_path: Path, submitted: list[JobRequest]
) -> None:
    file = tmp_path / "study.yaml"
    own = {"config": str(file), "seeds": "0,1", "workspace": "/elsewhere", "cores": None}
    write_run(workspace, 1, "run", "failed", host=HERE, config=own | {"models": {}})
    models = {"models": {"main": {}}, "tasks": "gender"}
    write_run(workspace, 2, "run", "failed", host=HERE, config=own | models)
    async with opened(workspace, page="jobs") as pilot:
        await pilot.press("r")
        app = pilot.app
        assert isinstance(app, Dashboard)
        await until(pilot, lambda: app.errors)
        assert "press e and give its path" in app.errors[0]
        file.write_text("train-task:\n  epochs: 2\n")
        await pilot.press("r")
        await until(pilot, lambda: submitted)
        assert (submitted[0].job, submitted[0].flags) == ("run", {"config": file, "seeds": "0,1"})
        await pilot.press("j", "r")
        await until(pilot, lambda: len(submitted) == 2)
        # Models come again from the file, which seeds would replace.
        assert submitted[1].flags == {"config": file, "tasks": "gender"}
        await pilot.press("e")
        assert form_of(pilot)[0] == "run"


async def test_states_that_may_be_old_are_told(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> list[RunRecord]:
        raise Unreachable("`squeue` has not answered")

    monkeypatch.setattr(_engines, "present", silent)
    write_run(workspace, 1, state="submitted", engine="slurm", engine_id="7")
    async with opened(workspace, page="jobs") as pilot:
        assert page_of(pilot).query_one("#note").display
        shown = text_of(pilot, "#note")
        assert shown == "run states may be out of date: `squeue` has not answered"
