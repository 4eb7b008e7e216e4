"""The frame of the dashboard: pages, keys, help, errors, themes, empty and damaged workspaces."""

from __future__ import annotations

from pathlib import Path

import pytest
from dashboards import opened, write_run, write_workspace
from textual.binding import Binding
from textual.widgets import Static

from tui.app import Dashboard
from tui.page import Page
from tui.widgets.panels import Panel
from tui.widgets.top_bar import PAGES


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dashboard") / "workspace"
    write_workspace(folder)
    write_run(folder, 1)
    return folder


async def test_number_keys_open_the_pages(workspace: Path) -> None:
    async with opened(workspace) as pilot:
        for number, page in enumerate(PAGES, 1):
            await pilot.press(str(number))
            assert pilot.app.current_mode == page


async def test_the_name_of_a_workspace_is_no_markup(tmp_path: Path) -> None:
    folder = tmp_path / "räume [red] [b]2"
    write_workspace(folder)
    async with opened(folder) as pilot:
        assert str(pilot.app.screen.query_one("#place", Static).visual) == folder.name


async def test_help_names_the_pages_keys(workspace: Path) -> None:
    async with opened(workspace) as pilot:
        await pilot.press("question_mark")
        assert isinstance(pilot.app.screen, Panel)
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, Page)


async def test_errors_are_kept_in_one_place(workspace: Path) -> None:
    async with opened(workspace) as pilot:
        app = pilot.app
        assert isinstance(app, Dashboard)
        app.report("launch", "no [engine] here")
        await pilot.press("E")
        assert isinstance(app.screen, Panel)
        assert "no \\[engine] here" in app.errors[0]


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
