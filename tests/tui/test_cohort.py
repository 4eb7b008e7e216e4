"""The page Cohort: flow, Table 1, rejects, and what is missing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

import pytest
from cohorts import FLOW, write_cohort, write_flow, write_rejects
from dashboards import opened, screen_text, settled, write_workspace
from textual.pilot import Pilot
from textual.widgets import Static

from data_contracts.cohort_description import COHORT_FLOW
from data_contracts.errors import ArtifactError
from data_contracts.images import IMAGE_REJECTS, IMAGES
from data_contracts.store import Provenance, open_arrays, write_arrays
from tui.app import Dashboard
from tui.cohort.sheet_pane import SheetPane
from tui.cohort.sheets import panels_of
from tui.cohort.table import bar, flow_content, number_in, table_content
from tui.shared.messages import OpenLaunch
from tui.shared.panel_grid import PanelBox, PanelGrid
from tui.shared.rows import Rows


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort") / "workspace"
    write_workspace(folder)
    write_cohort(folder)
    return folder


@pytest.fixture
def workspace(finished: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(finished, tmp_path / "workspace"))


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def cells(pilot: Pilot[None]) -> list[tuple[str, ...]]:
    return [row.cells for row in pilot.app.screen.query_one(Rows).shown]


def text(pilot: Pilot[None], name: str) -> str:
    return str(pilot.app.screen.query_one(name, Static).visual)


async def test_the_flow_narrows_rule_by_rule(finished: Path) -> None:
    async with opened(finished, page="cohort") as pilot:
        found = cells(pilot)
        assert [c[1] for c in found] == [rule for _, rule, _, _ in FLOW]
        assert [len(c[2]) for c in found] == [10, 5, 5, 3, 3]
        assert [c[3:] for c in found] == [
            ("5,000", "5,000", "0"), ("2,500", "2,500", "2,500"), ("2,400", "2,400", "100"),
            ("n/d", "n/d", "n/d"), ("n/d", "n/d", "0"),
        ]  # fmt: skip


async def test_the_rule_under_the_cursor_is_told_in_full(finished: Path) -> None:
    async with opened(finished, (80, 24), page="cohort") as pilot:
        await press(pilot, "j", "j")
        assert "younger than 18 years, or of unknown age (2,400 studies)" in text(pilot, "#detail")
        await press(pilot, "r")
        assert not pilot.app.screen.query_one("#detail").display


async def test_table_one_has_a_column_for_each_split(finished: Path) -> None:
    async with opened(finished, (80, 24), page="cohort") as pilot:
        await press(pilot, "t")
        titles = [c.title for c in pilot.app.screen.query_one(Rows).columns]
        assert titles == ["variable", "level", "train", "val", "test", "all"]
        assert ("view", "AP", "100 (7.1)", "100 (25.0)", "100 (16.7)", "100 (4.2)") in cells(pilot)
        assert ("age", "mean", "61.2", "61.2", "61.2", "61.2") in cells(pilot)
        assert "patients (% of images)" in screen_text(pilot)


async def test_rejects_are_summed_over_the_shards(finished: Path) -> None:
    async with opened(finished, (80, 24), page="cohort") as pilot:
        await press(pilot, "r")
        assert [c[:2] for c in cells(pilot)] == [("too small", "25"), ("blank", "n/d")]


def boxes(pilot: Pilot[None]) -> list[PanelBox]:
    return pilot.app.screen.query_one(PanelGrid).boxes


def sheet_title(pilot: Pilot[None]) -> str:
    return text(pilot, "SheetPane > Static")


async def test_a_contact_sheet_is_drawn_a_page_at_a_time(workspace: Path) -> None:
    (workspace / "images/contact-sheet-1-of-1.png").touch()
    async with opened(workspace, (80, 24), page="cohort") as pilot:
        await press(pilot, "c")
        assert sheet_title(pilot) == (
            "12 of 12 images: 1–8 (PgUp, PgDn); images/contact-sheet-1-of-1.png"
        )
        assert [str(box.query_one(Static).visual) for box in boxes(pilot)[:2]] == [
            "PA, window", "AP, window"
        ]  # fmt: skip
        await press(pilot, "right", "down", "z")
        page = cast("Dashboard", pilot.app).screen
        assert page.maximized is boxes(pilot)[5]
        await press(pilot, "pagedown", "pagedown", "pagedown")
        assert page.maximized is boxes(pilot)[0], "the first of the next page"
        assert "9–12" in sheet_title(pilot)
        await press(pilot, "escape")
        assert page.maximized is None
        await press(pilot, "slash", *"ap", "enter")
        assert sheet_title(pilot).startswith("12 of 12 images: 1–")
        assert {box.query_one(Static).visual.plain for box in boxes(pilot)} == {"AP, window"}


async def test_images_of_suspect_polarity_are_drawn_apart(workspace: Path) -> None:
    async with opened(workspace, (80, 24), page="cohort") as pilot:
        await press(pilot, "c")
        squares = pilot.app.screen.query_one(SheetPane).squares
        await press(pilot, "p")
        assert "No image has a border" in text(pilot, "Placeholder")
    path = IMAGES.path(workspace, shard="1", shards="1")
    with open_arrays(IMAGES, path) as arrays:
        content = {name: arrays.read(name) for name in arrays.names()}
        attributes = arrays.header.attributes
    content["image_id"] = content["image_id"].tolist()
    content["polarity_suspect"][3] = True
    write_arrays(IMAGES, path, content, Provenance("preprocess", {}), attributes)
    with pytest.raises(ArtifactError, match="just replaced"):
        panels_of(squares, 8)
    async with opened(workspace, (80, 24), page="cohort") as pilot:
        await press(pilot, "p")
        assert sheet_title(pilot).startswith("1 of 1 images whose border is brighter")
        assert "⚠ AP, window" in screen_text(pilot)


async def test_what_is_not_disclosed_is_explained_once(finished: Path) -> None:
    async with opened(finished, (80, 24), page="cohort") as pilot:
        for part, suppressed in (("f", True), ("t", False), ("r", True)):
            await press(pilot, part)
            shown = " ".join(screen_text(pilot).split())
            assert ("n/d: not disclosed" in shown) == suppressed
            assert ("fewer than 11 patients" in shown) == suppressed


async def test_missing_shards_are_told(workspace: Path) -> None:
    IMAGE_REJECTS.path(workspace, shard="2", shards="2").unlink()
    async with opened(workspace, (80, 24), page="cohort") as pilot:
        await press(pilot, "r")
        assert cells(pilot)[0][1] == "15"
        assert "1 of 2 shards" in text(pilot, "#note")


async def test_no_rejects_are_good_news(workspace: Path) -> None:
    for shard in (1, 2):
        write_rejects(workspace, shard, [])
    async with opened(workspace, (80, 24), page="cohort") as pilot:
        await press(pilot, "r")
        assert "were usable" in text(pilot, "Placeholder")
        await press(pilot, "f")
        assert not pilot.app.screen.query_one("Placeholder").display


async def test_arrows_turn_the_parts_over_and_the_filter_narrows(finished: Path) -> None:
    async with opened(finished, (80, 24), page="cohort") as pilot:
        await press(pilot, "right")
        assert cells(pilot)[0][0] == "patients"
        await press(pilot, "right")
        assert cells(pilot)[0][0] == "too small"
        await press(pilot, "left", "left", "slash", *"mortality", "enter")
        assert {c[0] for c in cells(pilot)} == {"mortality"}


async def test_missing_artifacts_name_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[str] = []

    async def launch(self: Dashboard, message: OpenLaunch) -> None:
        launched.append(str(message.job))

    monkeypatch.setattr(Dashboard, "on_open_launch", launch)
    async with opened(tmp_path, (80, 24), page="cohort") as pilot:
        for part, job in (("f", "extract"), ("t", "extract"), ("r", "preprocess")):
            await press(pilot, part, "n")
            assert f"launch {job}" in text(pilot, "Placeholder")
            assert launched[-1] == job


async def test_a_damaged_table_is_shown_as_damaged(workspace: Path) -> None:
    path = COHORT_FLOW.path(workspace)
    path.write_bytes(path.read_bytes()[:-100])
    async with opened(workspace, (80, 24), page="cohort") as pilot:
        assert "cohort/flow.parquet" in text(pilot, "Placeholder").replace("\n", "")
        assert cast(Dashboard, pilot.app).errors
        await press(pilot, "t")
        assert not pilot.app.screen.query_one("Placeholder").display


async def test_a_new_flow_is_shown_by_itself(workspace: Path) -> None:
    async with opened(workspace, (80, 24), page="cohort") as pilot:
        rows = [{"step": 0, "scope": "cohort", "rule": "all of them", "images": 90, "studies": 90,
                 "subjects": 90, "excluded_images": 0}]  # fmt: skip
        write_flow(workspace, rows)
        cast(Dashboard, pilot.app).refresh_workspace()
        while not cells(pilot) or cells(pilot)[0][1] != "all of them":
            await pilot.pause(0.01)


def test_bars_are_as_long_as_their_share() -> None:
    assert bar(100, 100, 10) == "█" * 10
    assert bar(50, 100, 10) == "█" * 5
    assert bar(51, 100, 10) == "█" * 5 + "▏"
    assert bar(0, 100, 10) == ""
    assert bar(None, 100, 10) == "···"


def test_what_is_suppressed_is_no_number() -> None:
    numbers = [number_in(t) for t in ("1,234 (5.0 %)", "61.2", "n/d", "–")]
    assert numbers == [1234, 61.2, None, None]


@pytest.mark.parametrize("width", [79, 139])
def test_the_lines_fit(width: int) -> None:
    counts = {"images": "377,110", "studies": "227,835", "subjects": "65,379", "excluded": "n/d"}
    flow = flow_content([{"scope": "insurance", "rule": "r" * 60, **counts}], width)
    # A narrow page has room for "in only one of record list and metadata", and no bars.
    assert sum(c.width or 40 for c in flow.columns) + flow.gap * (len(flow.columns) - 1) <= width
    cells = ["128,000 (55.3 %)", "18,000 (55.3 %)", "36,000 (55.3 %)", "227,000 (55.3 %)"]
    rows = [{"variable": "insurance", "level": "Medicare", "cells": cells}]
    table = table_content({"splits": ["train", "val", "test", "all"], "rows": rows}, width)
    assert sum(c.width for c in table.columns) + 2 * (len(table.columns) - 1) <= width
