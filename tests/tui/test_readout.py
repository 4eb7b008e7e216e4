"""The numbers of a map: at the mouse, at the cross, and as digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dashboards import opened, see, write_workspace
from textual import events

from tui.shared.picture import Picture
from tui.shared.readout import MapValues, zone_of
from tui.shared.tab_bar import TabBar

FOUR = MapValues(np.array([[0.5, -0.25], [np.nan, 0.0]]), 0.5, "logit per cell (Grad-CAM)")


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [(0.1, 0.1, "right upper zone, 0.50 logit"),
     (0.99, 0.4, "left mid zone, −0.25 logit"),
     (0.0, 1.0, "right lower zone, – logit"),
     (0.5, 0.7, "central lower zone, 0.00 logit")],
)  # fmt: skip
def test_a_place_is_told_by_its_zone_and_its_value(x: float, y: float, text: str) -> None:
    assert FOUR.at(x, y) == text


def test_the_patients_right_is_on_the_left() -> None:
    assert [zone_of(x, 0.0).split()[0] for x in (0.2, 0.5, 0.8)] == ["right", "central", "left"]


def test_digits_are_tenths_of_the_limit_with_their_sign() -> None:
    assert FOUR.as_digits(6, 2) == ["+9 −5 ", "    · "]
    assert FOUR.as_digits(6, 5) == ["      ", "+9 −5 ", "      ", "    · ", "      "]
    assert FOUR.as_digits(3, 2) == [], "no room for a sign"


async def test_mouse_and_keys_tell_the_value_at_a_place(tmp_path: Path) -> None:
    write_workspace(tmp_path / "workspace")
    async with opened(tmp_path / "workspace", (100, 30), page="heatmaps") as pilot:
        picture, tabs = pilot.app.screen.query_one(Picture), pilot.app.screen.query_one(TabBar)
        await pilot.hover(Picture, offset=(picture.size.width // 2, 3))
        assert tabs.caption.startswith("central upper zone, ")
        assert tabs.caption.endswith(" logit")
        await pilot.hover(TabBar)
        assert tabs.caption == ""
        await see(pilot, "tab")
        assert pilot.app.focused is picture
        assert tabs.caption.startswith("central mid zone, ")
        line = picture.render_line(picture.size.height // 2)
        assert line.text.count("╋") == 1
        for key, times in (("left", picture.size.width), ("down", picture.size.height)):
            for _ in range(times):
                pilot.app.post_message(events.Key(key, None))
        await see(pilot)
        assert tabs.caption.startswith("right lower zone, ")
        await see(pilot, "tab")
        assert tabs.caption == ""


async def test_without_colours_a_map_is_made_of_digits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    write_workspace(tmp_path / "workspace")
    async with opened(tmp_path / "workspace", (120, 40), page="heatmaps") as pilot:
        picture = pilot.app.screen.query_one(Picture)
        text = "".join(picture.render_line(y).text for y in range(picture.size.height))
        assert "+9" in text
        assert "▀" not in text
