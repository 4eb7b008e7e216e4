"""What is shown over the whole page: maps, their parts, and plots."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dashboards import opened, screen_text, see, write_workspace
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tui.metrics.compare import Compare
from tui.shared.curve_plot import CurvePlot
from tui.shared.page import Page
from tui.shared.panel_grid import PanelBox, PanelGrid
from tui.shared.picture import Picture
from tui.shared.readout import MapValues
from tui.shared.tab_bar import TabBar


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zoom") / "workspace"
    write_workspace(folder)
    return folder


def page_of(pilot: Pilot[Any]) -> Page:
    page = pilot.app.screen
    assert isinstance(page, Page)
    return page


class One(App[None]):
    """A picture whose left half is dark, and the value of a place how far to the right it is."""

    def compose(self) -> ComposeResult:
        yield Picture()

    def on_mount(self) -> None:
        image = np.zeros((16, 16, 3), dtype=np.uint8)
        image[:, 8:] = 250
        values = MapValues(np.tile(np.arange(16.0), (16, 1)), 16.0, "logit")
        self.query_one(Picture).show(image, values)

    told = ""

    def on_picture_pointed(self, message: Picture.Pointed) -> None:
        self.told = message.text


def reds(picture: Picture) -> list[int]:
    """Of the upper pixels of its first line."""
    colours = [s.style.color for s in picture.render_line(0) if s.style and "▀" in s.text]
    return [colour.triplet.red for colour in colours if colour and colour.triplet]


async def test_a_part_that_goes_along_with_the_cross_is_magnified() -> None:
    app = One()
    async with app.run_test(size=(16, 8)) as pilot:
        picture = app.query_one(Picture)
        assert app.told == "central mid zone, 8.00 logit"
        assert [picture.magnify(1) for _ in range(4)] == [True, True, True, False]
        await pilot.pause()
        # An eighth of the picture takes the whole room; its middle is where it was.
        line = reds(picture)
        assert max(line[:3]) < 10
        assert min(line[-3:]) > 240
        await pilot.press(*["left"] * 16)
        assert app.told == "right mid zone, 6.00 logit", "two columns of eight cells"
        assert max(reds(picture)) < 60
        await pilot.press(*["left"] * 60, *["up"] * 60)
        assert app.told == "right upper zone, 0.00 logit"
        assert [picture.magnify(-1) for _ in range(4)] == [True, True, True, False]


async def test_a_map_over_the_page_tells_what_it_is_and_its_values(workspace: Path) -> None:
    async with opened(workspace, (80, 24), page="heatmaps") as pilot:
        page, tabs = page_of(pilot), page_of(pilot).query_one(TabBar)
        await see(pilot, "z")
        picture = page.query_one("#map Picture", Picture)
        assert picture.magnification == 2, "it was as high as the page before"
        assert picture.size.width == 80
        shown = screen_text(pilot)
        assert "mortality/main: died · class difference, all images · 120 images" in shown
        assert "the patient's right (R) is on the left" in shown
        assert "logit per cell (Grad-CAM)" in shown
        assert "╋" in shown
        assert tabs.caption.startswith("central mid zone, ")
        before = tabs.caption
        await see(pilot, *["left"] * 30, *["up"] * 20)
        assert tabs.caption.startswith("right upper zone, ")
        assert tabs.caption != before
        await see(pilot, "t")
        assert "gender/main: M · " in screen_text(pilot), "keys of the page go on"
        await see(pilot, "escape")
        assert page.maximized is None
        assert page.query_one("#maps").has_focus
        assert picture.magnification == 1
        assert tabs.caption == ""


async def test_of_several_maps_the_one_at_hand_is_shown(workspace: Path) -> None:
    async with opened(workspace, (60, 20), page="heatmaps") as pilot:
        page = page_of(pilot)
        await see(pilot, "d", "o", "z")
        boxes = page.query_one(PanelGrid).boxes
        assert page.maximized is boxes[1], "the one that keys change"
        assert "B gender: M · all images · 120 images, 120 patients" in screen_text(pilot)
        await see(pilot, "Z", "a", "tab", "tab", "z")
        assert page.maximized is boxes[1]
        await see(pilot, *["pagedown"] * 8)
        assert page.maximized is boxes[0]
        assert "insurance · n 120, Medicaid" in screen_text(pilot), "the last"
        await see(pilot, "i", "z", "z")
        assert isinstance(page.maximized, PanelBox)
        assert page.maximized.picture.magnification == 2  # type: ignore[union-attr]
        assert "most confident correct: 1 of" in screen_text(pilot)


async def test_a_plot_over_the_page_tells_its_values_by_keys(workspace: Path) -> None:
    async with opened(workspace, (140, 45), page="metrics") as pilot:
        await see(pilot, "space", "j", "space", "c")
        page = page_of(pilot)
        assert isinstance(page, Compare)
        await see(pilot, "z")
        plot = page.query_one("#roc", CurvePlot)
        assert page.maximized is plot
        assert plot.size.width == 140
        shown = screen_text(pilot)
        told = re.compile(r"ROC: TPR vs FPR, ┈ 95 % band   (0\.\d+):  ● (0\.\d+)  ▲ 0\.")
        assert (before := told.search(shown))
        assert "━● " in shown, "the legend"
        await see(pilot, *["left"] * 40)
        assert (after := told.search(screen_text(pilot)))
        assert all(
            float(a) < float(b) for a, b in zip(after.groups(), before.groups(), strict=True)
        )
        await see(pilot, "v")
        assert page.maximized is page.query_one("#calibration")
        await see(pilot, "escape", "t", "z")
        assert page.maximized is page.query_one("#forest")
        await see(pilot, "escape")
        assert page.maximized is None
        assert page.is_current
