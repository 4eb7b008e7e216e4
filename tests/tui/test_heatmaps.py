"""The page Heatmaps under a person's keys: tabs, choices, filter, export, empty and damaged."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dashboards import CREATED, opened, settled, write_example, write_workspace
from PIL import Image
from textual.pilot import Pilot
from textual.widgets import Static

from data_contracts.mean_heatmaps import MEAN_HEATMAPS
from data_contracts.model import MODEL
from data_contracts.store import Provenance
from tui.heatmaps.canvas import Canvas
from tui.heatmaps.figure import HeatmapFigure
from tui.heatmaps.page import HeatmapsPage
from tui.shared.panel_grid import PanelGrid
from tui.shared.picture import Picture
from tui.shared.placeholder import Placeholder
from tui.shared.rows import Rows


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("heatmaps") / "workspace"
    write_workspace(folder)
    return folder


def page_of(pilot: Pilot[Any]) -> HeatmapsPage:
    page = pilot.app.screen
    assert isinstance(page, HeatmapsPage)
    return page


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, each after what the one before asked for has been seen."""
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def seen(pilot: Pilot[Any]) -> HeatmapFigure:
    figure = page_of(pilot).query_one(Canvas).seen
    assert isinstance(figure, HeatmapFigure)
    return figure


def caption(pilot: Pilot[Any]) -> str:
    return "\n".join(text for _, text in seen(pilot).caption)


async def test_a_map_is_shown_beside_the_list(workspace: Path) -> None:
    async with opened(workspace, (80, 24), page="heatmaps") as pilot:
        page = page_of(pilot)
        assert page.query_one("#maps", Rows).has_focus
        assert page.state.mean_map.task == "mortality"
        assert page.query_one("#map Picture", Picture).image is not None
        shown = page.query_one("#map .list > Static", Static)
        assert "120 images, 120 patients" in str(shown.render())
        await press(pilot, "j")
        assert page.state.mean_map.level == "PA"
        assert "class difference, PA" in caption(pilot)


async def test_keys_change_the_map(workspace: Path) -> None:
    async with opened(workspace, (80, 24), page="heatmaps") as pilot:
        page = page_of(pilot)
        for key, line in (
            ("T", "insurance/main: Medicaid"), ("t", "mortality/main: died"),
            ("t", "gender/main: M"), ("c", "gender/main: F"), ("v", "mean, all images"),
            ("v", "SD over images"), ("v", "class difference, all images"),
            ("r", "shared by this model's maps"), ("r", "own 95th percentile"),
            ("plus", "opacity 90%"), ("minus", "opacity 80%"), ("minus", "opacity 70%"),
            ("n", "class difference, PA"), ("n", "class difference, AP"), ("n", "map: n/d"),
        ):  # fmt: skip
            before = seen(pilot).panels[0].image
            await press(pilot, key)
            assert line in caption(pilot)
            current = page.query_one("#maps", Rows).current
            assert current is not None
            assert current.key == page.state.mean_map.key, "the list goes along"
            if key not in ("r", "n"):
                assert (seen(pilot).panels[0].image != before).any()


async def test_the_list_hides_small_counts_and_passes_the_filter(workspace: Path) -> None:
    async with opened(workspace, (140, 45), page="heatmaps") as pilot:
        note = str(page_of(pilot).query_one("#map .list > Static", Static).render())
        assert note.count("n/d: not disclosed") == 1
        rows = page_of(pilot).query_one("#maps", Rows)
        cells = [row.cells for row in rows.shown]
        assert all(c[-1] == "n/d" for c in cells if "80+" in c[-2])
        assert {c[-1] for c in cells} == {"120", "80", "40", "n/d"}
        await press(pilot, "slash", *"race ap", "enter")
        assert [row.cells[:3] for row in rows.shown] == [
            ("race", name, "AP") for name in ("White", "Black", "Asian")
        ]


async def test_two_maps_and_their_difference(workspace: Path) -> None:
    async with opened(workspace, (80, 24), page="heatmaps") as pilot:
        await press(pilot, "d")
        assert len(seen(pilot).panels) == 3
        assert "r of class-difference maps:\n" in caption(pilot)
        page = page_of(pilot)
        await press(pilot, "o", "t")
        assert [c.task for c in page.state.pair] == ["mortality", "race"]
        assert page.query_one(PanelGrid).shown == seen(pilot).panels
        await press(pilot, "n")
        assert "aggregate did not compare these two maps" in caption(pilot)


async def test_all_tasks_and_back(workspace: Path) -> None:
    async with opened(workspace, (60, 20), page="heatmaps") as pilot:
        await press(pilot, "a")
        first = seen(pilot).panels
        assert len(first) == 4
        assert "1–4 of 9 (PgUp, PgDn)" in caption(pilot)
        await press(pilot, "pagedown", "pagedown", "pagedown")
        assert "9–9 of 9" in caption(pilot)
        assert len([t for t in page_of(pilot).query("PanelGrid PanelBox") if t.display]) == 1
        await press(pilot, "pageup", "slash", *"insurance", "enter")
        assert len(seen(pilot).panels) == 2
        await press(pilot, "m")
        assert len(seen(pilot).panels) == 1


async def test_a_view_is_exported(workspace: Path, tmp_path: Path) -> None:
    own = shutil.copytree(workspace, tmp_path / "workspace")
    async with opened(own, (80, 24), page="heatmaps") as pilot:
        for tab, name in {
            "m": "heatmap-mortality-main-died-class_difference-all-all.png",
            "d": "compare-mortality-died-all-gender-M-all-class_difference.png",
            "a": "heatmaps-class_difference-all-all.png",
        }.items():
            await press(pilot, tab, "x")
            file = own / "exports" / name
            with Image.open(io.BytesIO(file.read_bytes())) as picture:
                assert min(picture.size) >= 500
                assert picture.width >= 1024
                assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 4, "not blank"


async def test_maps_are_read_anew_when_they_change(workspace: Path, tmp_path: Path) -> None:
    own = shutil.copytree(workspace, tmp_path / "workspace")
    async with opened(own, (80, 24), page="heatmaps") as pilot:
        await press(pilot, "t", "n")
        origin = Provenance("aggregate", {"seed": 1}, created=CREATED)
        write_example(MEAN_HEATMAPS, own, {}, origin, ("gender", "race"))
        page = page_of(pilot)
        pilot.app.refresh_workspace()  # type: ignore[attr-defined]
        old = page.summary.heatmaps
        while page.summary.heatmaps is old:
            await pilot.pause(0.01)
        await settled(pilot)
        assert (page.state.mean_map.task, page.state.mean_map.level) == ("gender", "PA")
        assert {row.cells[0] for row in page.query_one("#maps", Rows).shown} == {"gender", "race"}


async def test_stale_maps_say_so(workspace: Path, tmp_path: Path) -> None:
    own = shutil.copytree(workspace, tmp_path / "workspace")
    keys = {"task": "gender", "name": "main"}
    path = MODEL.path(own, **keys)
    header = write_example(MODEL, own, keys, Provenance("train-task", {"seed": 1}, created=CREATED))
    assert header.digest
    path.unlink()
    async with opened(own, (80, 24), page="heatmaps") as pilot:
        assert "⚠ out of date:" in caption(pilot)


async def placeholder(pilot: Pilot[Any], *keys: str) -> str:
    await press(pilot, *keys)
    canvas = page_of(pilot).query_one(Canvas)
    assert canvas.current == "nothing"
    return str(canvas.query_one("#nothing", Placeholder).render())


async def test_empty_states_name_what_is_missing(workspace: Path, tmp_path: Path) -> None:
    async with opened(tmp_path / "nowhere", (80, 24), page="heatmaps") as pilot:
        assert "cxr aggregate" in await placeholder(pilot)
        assert "cxr explain" in await placeholder(pilot, "i")
        await press(pilot, "t", "c", "n", "v", "z", "plus", "o", "m", "t", "a", "pagedown", "x")
        assert not pilot.app.errors  # type: ignore[attr-defined]
    own = shutil.copytree(workspace, tmp_path / "workspace")
    MEAN_HEATMAPS.path(own).unlink()
    async with opened(own, (80, 24), page="heatmaps") as pilot:
        assert "Press i for single images" in await placeholder(pilot)


async def test_damaged_maps_are_shown_as_damaged(workspace: Path, tmp_path: Path) -> None:
    own = shutil.copytree(workspace, tmp_path / "workspace")
    path = MEAN_HEATMAPS.path(own)
    content = bytearray(path.read_bytes())
    content[200:] = bytes(len(content) - 200)
    path.write_bytes(content)
    async with opened(own, (80, 24), page="heatmaps") as pilot:
        text = await placeholder(pilot)
        assert "damaged" in text
        assert "mean_heatmaps.h5" in text
        assert pilot.app.errors  # type: ignore[attr-defined]


async def test_views_open_by_mouse_and_fit_after_a_resize(workspace: Path) -> None:
    async with opened(workspace, (80, 24), page="heatmaps") as pilot:
        await pilot.click("TabBar", offset=(31, 0))
        await settled(pilot)
        assert page_of(pilot).state.tab == "tasks"
        await pilot.resize_terminal(140, 45)
        await settled(pilot)
        assert len(seen(pilot).panels) == 9
        assert np.ptp([t.size.height for t in page_of(pilot).query(Picture) if t.size]) >= 0
