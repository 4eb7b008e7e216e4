"""Keys that come faster than the dashboard answers each go where they were meant to."""

from __future__ import annotations

from pathlib import Path

from dashboards import opened, write_run, write_workspace
from textual.events import Key
from textual.pilot import Pilot

from tui.app import PAGES
from tui.jobs.log_pane import LogSearch
from tui.shared.filter_bar import FilterBar


async def type_at_once(pilot: Pilot[None], keys: str) -> None:
    """All keys before the first is answered."""
    names = {"/": "slash", "\n": "enter"}
    for key in keys:
        pilot.app.post_message(Key(names.get(key, key), key if key.isprintable() else None))
    await pilot.pause()


async def test_letters_after_slash_reach_the_filter_on_every_page(workspace: Path) -> None:
    """Each of these letters is a command somewhere; the first key opens the page."""
    write_workspace(workspace, tasks=("gender", "race"))
    write_run(workspace, 1)
    async with opened(workspace) as pilot:
        for number, kind in enumerate(PAGES, 1):
            await type_at_once(pilot, f"{number}/mortcaidxnfgv")
            assert isinstance(pilot.app.screen, kind)
            bar = pilot.app.screen.query_one(FilterBar)
            assert (kind.NAME, bar.value) == (kind.NAME, "mortcaidxnfgv")
            await pilot.press("escape")
            await type_at_once(pilot, "/race\n")
            assert (kind.NAME, bar.value, bar.has_focus) == (kind.NAME, "race", False)


async def test_letters_reach_the_search_of_a_log(workspace: Path) -> None:
    write_run(workspace, 1)
    async with opened(workspace, page="jobs") as pilot:
        await pilot.press("tab")
        await type_at_once(pilot, "frnce")
        assert pilot.app.screen.query_one(LogSearch).value == "rnce"
