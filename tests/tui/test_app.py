"""The frame of the dashboard: pages, keys, help, errors, themes, empty and damaged workspaces."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from dashboards import opened, screen_text, settled, write_run, write_workspace
from textual.binding import Binding
from textual.command import CommandList
from textual.pilot import Pilot
from textual.widgets import Static
from textual.widgets._footer import FooterKey

from data_contracts.model import MODEL
from data_contracts.run import read_record, run_folder, write_record
from tui.app import Dashboard
from tui.jobs.run_rows import RunRows
from tui.shared.dialogs import TextDialog
from tui.shared.filter_bar import FilterBar
from tui.shared.help_dialog import HelpDialog
from tui.shared.page import Page
from tui.shared.preferences import Preferences
from tui.shared.rows import NOTHING


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dashboard") / "workspace"
    write_workspace(folder)
    write_run(folder, 1)
    return folder


def place_of(pilot: Pilot[None]) -> str:
    """The right end of the first line."""
    return str(pilot.app.screen.query_one("#place", Static).visual)


async def test_number_keys_open_the_pages_and_every_key_of_the_last_line_is_in_sight(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(workspace, (80, 24)) as pilot:
        styled: list[bool] = []
        monkeypatch.setattr(Dashboard, "refresh_css", lambda *_, **_options: styled.append(True))
        for number, page in enumerate(Dashboard.MODES, 1):
            await pilot.press(str(number))
            assert pilot.app.current_mode == page
            await settled(pilot)
            keys = pilot.app.screen.query(FooterKey)
            assert {"Help", "Quit"} <= {key.description for key in keys}
            places = sorted((key.region.x, key.region.right) for key in keys)
            assert places[-1][1] <= 80
            assert all(one[1] <= other[0] for one, other in pairwise(places))
        assert not styled, "a new page is styled once"


async def test_the_name_of_a_workspace_is_no_markup(tmp_path: Path) -> None:
    folder = tmp_path / "räume [red] [b]2"
    write_workspace(folder)
    async with opened(folder, (160, 30)) as pilot:
        assert f"{folder.name}  " in place_of(pilot)


async def test_help_names_the_keys_by_page_and_is_narrowed_by_typing(workspace: Path) -> None:
    async with opened(workspace, preferences=Preferences(keys={"jobs.retry": "f5"})) as pilot:
        await pilot.press("question_mark")
        assert isinstance(pilot.app.screen, HelpDialog)
        text = str(pilot.app.screen.query_one(Static).visual)
        lines = ("Overview", "Moving", ".* Page Down", "Everywhere", ".* Quit", "Jobs", "Cohort")
        places = [re.search(f"(?m)^{line}$", text).start() for line in lines]  # type: ignore[union-attr]
        assert places == sorted(places)
        await pilot.press(*["pagedown"] * 12)
        assert text.splitlines()[-1] in screen_text(pilot)
        await pilot.press(*"retry")
        await pilot.pause()
        assert str(pilot.app.screen.query_one(Static).visual) == "Jobs\nf5  Retry"
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, Page)


async def test_the_palette_names_the_keys_of_the_page_and_of_what_has_the_focus(
    workspace: Path,
) -> None:
    async with opened(
        workspace, preferences=Preferences(keys={"jobs.retry": "f5"}), page="jobs"
    ) as pilot:
        await pilot.press("ctrl+p")
        options = pilot.app.screen.query_one(CommandList)
        found: list[str] = []
        while not found:
            await pilot.pause(0.02)
            found = [str(option.prompt).splitlines()[0] for option in options.options]
        assert {"Retry  f5", "Star  *", "Metrics  3"} <= set(found)
        assert [entry.split()[0] for entry in found].count("Quit") == found.count("Sort  s") == 1
        assert not [entry for entry in found if entry.startswith(("Up", "Open"))]


async def test_errors_are_kept_in_one_place(workspace: Path) -> None:
    async with opened(workspace) as pilot:
        app = pilot.app
        assert isinstance(app, Dashboard)
        app.report("launch", "no [engine] here")
        await pilot.press("E")
        assert isinstance(app.screen, TextDialog)
        assert "no \\[engine] here" in app.errors[0]


async def test_errors_tell_what_is_wrong_now_and_which_runs_failed(tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    write_workspace(folder, tasks=("gender",))
    write_run(folder, 1, state="failed", message="the [b]cohort[/b] is missing")
    MODEL.path(folder, task="gender", name="main").write_bytes(b"nothing")
    async with opened(folder) as pilot:
        app = pilot.app
        assert isinstance(app, Dashboard)
        assert "✗ 2 (E)" in place_of(pilot)
        app.report("launch", "no engine")
        await pilot.pause()
        assert "✗ 3 (E)" in place_of(pilot)
        await pilot.press("E")
        shown = str(app.screen.query_one(Static).visual)
        parts = [
            shown.index(t)
            for t in ("In the workspace", "Failed runs", "Since the dashboard opened")
        ]
        assert parts == sorted(parts)
        assert "model.h5" in shown[: parts[1]]
        assert "the [b]cohort[/b] is missing" in shown[parts[1] : parts[2]]
        assert "no engine" in shown[parts[2] :]
        await pilot.press("escape")
        assert "✗ 2 (E)" in place_of(pilot)


async def test_a_failure_counts_until_it_is_made_good(tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    write_workspace(folder, tasks=("mortality", "gender", "race", "insurance"))
    write_run(folder, 8, state="failed")
    # Retried, it failed again: that is one failure.
    write_run(folder, 4, state="failed")
    async with opened(folder) as pilot:
        assert "✗ 1 (E)" in place_of(pilot)
        assert "1 run has failed: E says why" in screen_text(pilot)
        assert "up to date" not in screen_text(pilot)
        write_run(folder, 0)
        assert isinstance(pilot.app, Dashboard)
        pilot.app.refresh_workspace()
        while "(E)" in place_of(pilot):
            await pilot.pause(0.01)
        await pilot.pause()
        assert "everything is up to date" in screen_text(pilot)
        await pilot.press("E")
        assert str(pilot.app.screen.query_one(Static).visual) == "No errors."


@pytest.mark.parametrize(
    ("facts", "want"),
    [
        ({"state": "failed", "message": "out of memory"}, "out of memory"),
        ({"state": "lost"}, "killed (possibly out of memory)"),
    ],
)
async def test_a_run_that_fails_is_told_wherever_one_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any], want: str
) -> None:
    folder = tmp_path / "workspace"
    write_workspace(folder, tasks=("gender",))
    run_id = write_run(folder, 1, state="running", pid=os.getpid(), engine_id=None)
    shown: list[str] = []
    monkeypatch.setattr(Dashboard, "notify", lambda _, message, **_facts: shown.append(message))
    async with opened(folder) as pilot:
        assert isinstance(pilot.app, Dashboard)
        record = read_record(run_folder(folder, run_id))
        write_record(folder, replace(record, **facts))
        pilot.app.refresh_workspace()
        while not shown:
            await pilot.pause(0.01)
        assert shown == [want]


async def test_equal_failures_are_one_toast_that_names_their_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "workspace"
    ids = [write_run(folder, n, state="running", pid=os.getpid(), engine_id=None) for n in (0, 1)]
    ids.append(write_run(folder, 2, "explain", "running", pid=os.getpid(), engine_id=None))
    shown: list[tuple[str, str]] = []
    monkeypatch.setattr("tui.shared.dashboard.ANNOUNCE_AFTER", 0.2)
    monkeypatch.setattr(
        Dashboard, "notify", lambda _, text, **options: shown.append((options["title"], text))
    )
    async with opened(folder) as pilot:
        assert isinstance(pilot.app, Dashboard)
        for run_id in ids:
            record = read_record(run_folder(folder, run_id))
            write_record(folder, replace(record, state="failed", message="no such network"))
        pilot.app.refresh_workspace()
        while len(shown) < 2:
            await pilot.pause(0.01)
        assert shown == [
            ("2 runs of train-task failed", "mortality/main, gender/main: no such network"),
            ("explain race/main failed", "no such network"),
        ]


async def test_a_snapshot_holds_artifacts_and_runs(workspace: Path) -> None:
    async with opened(workspace) as pilot:
        assert isinstance(pilot.app, Dashboard)
        snapshot = pilot.app.snapshot
        assert snapshot is not None
        assert {a.state for a in snapshot.artifacts.values()} == {"current"}
        assert len(snapshot.of("model", task="gender")) == 1
        assert [r.job for r in snapshot.runs] == ["train-task"]


def test_no_key_is_taken_from_tmux_or_the_terminal() -> None:
    taken = {"ctrl+a", "ctrl+b", "ctrl+s", "ctrl+z"}
    kinds = [Dashboard, Page, *Dashboard.MODES.values()]
    for kind in kinds:
        for binding in kind.BINDINGS:  # type: ignore[union-attr]
            assert isinstance(binding, Binding)
            assert not taken & set(binding.key.split(",")), binding
            assert binding.id, f"{binding} has no id, so no file of settings can change it"


async def test_a_filter_that_nothing_passes_says_so_and_escape_takes_it_away(
    workspace: Path,
) -> None:
    async with opened(workspace, page="jobs") as pilot:
        await pilot.press("slash", *"zzz", "enter")
        table = pilot.app.screen.query_one(RunRows)
        assert not table.shown
        assert table.render_line(1).text.strip() == NOTHING
        await pilot.press("escape")
        assert table.shown
        assert not pilot.app.screen.query_one(FilterBar).value


async def test_the_keys_of_the_log_are_told_where_they_work(workspace: Path) -> None:
    async with opened(workspace, page="jobs") as pilot:
        state = pilot.app.screen.query_one("#log-state", Static)
        while not str(state.visual):
            await pilot.pause(0.01)
        assert "Tab: scroll, find, wrap" in str(state.visual)
        await pilot.press("tab")
        await pilot.pause()
        assert "f find" in str(state.visual)
