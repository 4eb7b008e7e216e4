"""Pictures in half blocks."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from textual.app import App, ComposeResult
from textual.geometry import Size

from data_contracts.errors import UsageError
from tui.heatmaps.export import exported, png_of
from tui.heatmaps.figure import HeatmapFigure
from tui.shared import png
from tui.shared.graphics import new_picture, require_graphics
from tui.shared.half_blocks import size_in
from tui.shared.panel import Panel
from tui.shared.panel_grid import PanelGrid, best_columns, room_for
from tui.shared.picture import Picture
from tui.shared.png import MARGIN
from tui.shared.readout import MapValues


class One(App[None]):
    AUTO_FOCUS = None

    def compose(self) -> ComposeResult:
        yield Picture()


async def test_a_cell_shows_two_pixels_one_above_the_other() -> None:
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    image[0::2] = (250, 2, 2)
    image[1::2] = (2, 2, 250)
    app = One()
    async with app.run_test(size=(8, 2)) as pilot:
        picture = app.query_one(Picture)
        picture.show(image)
        await pilot.pause()
        cells = [s for s in picture.render_line(0) if "▀" in s.text]
        assert len(cells) == 4, "the picture's shape is kept"
        for cell in cells:
            assert cell.style is not None
            assert cell.style.color is not None
            assert cell.style.bgcolor is not None
            upper, lower = cell.style.color.triplet, cell.style.bgcolor.triplet
            assert upper is not None
            assert lower is not None
            assert upper.red > 240 > 10 > upper.blue
            assert lower.blue > 240 > 10 > lower.red


@pytest.mark.parametrize(
    ("side", "want"), [(9, ["too small ", "for digits"]), (5, ["+9+9+9+9+9"] * 5)]
)
async def test_without_colours_a_map_is_made_of_digits_or_says_that_it_is_too_small(
    side: int, want: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = One()
    async with app.run_test(size=(10, 5)) as pilot:
        picture = app.query_one(Picture)
        values = MapValues(np.ones((side, side)), 1.0, "logit")
        picture.show(np.zeros((10, 10, 3), dtype=np.uint8), values)
        await pilot.pause()
        lines = [picture.render_line(y).text for y in range(5)]
        assert [line for line in lines if line.strip()] == want


@pytest.mark.parametrize(
    ("colours", "term", "want"),
    [("truecolor", "xterm", {202}), ("", "xterm-16color", {86, 254})],
)
async def test_in_16_colours_the_values_are_drawn_not_their_blends(
    colours: str, term: str, want: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", colours)
    monkeypatch.setenv("TERM", term)
    app = One()
    async with app.run_test(size=(8, 4)) as pilot:
        picture = app.query_one(Picture)
        image = np.full((8, 8, 3), (200, 100, 60), dtype=np.uint8)
        picture.show(image, MapValues(np.array([[-1.0, 1.0]]), 1.0, "logit"))
        await pilot.pause()
        line = [s.style.color for s in picture.render_line(2) if s.style and "▀" in s.text]
        assert {c.triplet.red for c in (line[0], line[-1]) if c and c.triplet} == want


async def test_r_and_l_stand_at_the_patients_sides() -> None:
    image = np.zeros((16, 16, 3), dtype=np.uint8)
    image[:, 8:] = 250
    app = One()
    async with app.run_test(size=(20, 8)) as pilot:
        picture = app.query_one(Picture)
        picture.show(image)
        await pilot.pause()
        marks = [s for s in picture.render_line(0) if s.text in "RL"]
        assert "".join(s.text for s in marks) == "RL"
        inks = [str(s.style and s.style.color and s.style.color.name) for s in marks]
        assert inks == ["bright_white", "black"]
        assert not set("RL") & set(picture.render_line(1).text)


def test_r_and_l_stand_in_an_exported_picture() -> None:
    side = 64
    figure = HeatmapFigure("", (Panel((), np.zeros((side, side, 3), dtype=np.uint8)),))
    with Image.open(io.BytesIO(png_of(figure))) as page:
        picture = np.asarray(page)[MARGIN : MARGIN + side, MARGIN : MARGIN + side]
    middle = side // 2
    assert all(half.max() == 255 for half in (picture[:, :middle], picture[:, middle:]))
    assert not picture[middle:].any()


@pytest.mark.parametrize("room", [(40, 22), (86, 10), (3, 2), (200, 100)])
def test_a_picture_fits_and_keeps_its_shape(room: tuple[int, int]) -> None:
    size = size_in(Size(*room), np.zeros((100, 50, 3), dtype=np.uint8))
    assert size.width <= room[0]
    assert size.height <= room[1]
    assert abs(size.width - size.height) <= 1


def test_tiles_take_the_columns_that_make_them_largest() -> None:
    assert best_columns(3, 80, 22, 2)[0] == 3
    assert best_columns(1, 80, 22, 2) == (1, 40)
    columns, side = best_columns(10, 80, 20, 2)
    assert (columns, side) == (5, 15)
    assert room_for(80, 18) == 10


def test_pictures_of_the_terminal_need_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "textual_image", None)
    monkeypatch.setitem(__import__("sys").modules, "textual_image.widget", None)
    with pytest.raises(UsageError, match=r"pip install 'cxr\[graphics\]'"):
        require_graphics()
    assert isinstance(new_picture(graphics=False), Picture)


class Grid(App[None]):
    """An application with nothing but a grid of panels."""

    def compose(self) -> ComposeResult:
        yield PanelGrid(graphics=False)


def test_a_file_has_the_sentence_and_nothing_about_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(png, "draw_text", lambda _, text, *__, **___: drawn.append(text))
    panel = Panel((("bold", "▶ A gender/main"),), np.zeros((512, 512, 3), np.uint8))
    figure = HeatmapFigure("maps", (panel,), (("", "1–2 of 9 (PgUp, PgDn)"), ("", "crude   0.9")))
    exported(figure, "gender: shared")
    assert drawn == ["maps", "1–2 of 9", "crude", "0.9", "gender: shared", "A gender/main"]
    drawn.clear()
    exported(replace(figure, patient_level=True), "gender: shared")
    assert "gender: shared" not in drawn


async def test_keys_are_answered_while_many_pictures_are_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen, painted = [], PanelGrid._painted

    async def look(grid: PanelGrid) -> None:
        seen.append(len(grid.boxes))
        await painted(grid)

    monkeypatch.setattr(PanelGrid, "_painted", look)
    image = np.zeros((8, 8, 3), np.uint8)
    async with Grid().run_test(size=(100, 40)) as pilot:
        grid = pilot.app.query_one(PanelGrid)
        await grid.show(tuple(Panel((("", str(i)),), image) for i in range(13)))
        assert seen == [6, 12]
        assert len(grid.boxes) == 13
