"""The tab of verdicts under a person's keys: what is drawn, and what it says without verdicts."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dashboards import CREATED, opened, screen_text, see, write_example, write_workspace
from rich.color import ColorSystem
from rich.style import Style
from textual.pilot import Pilot

from data_contracts.associations import ASSOCIATIONS, ORDERS, VERDICTS
from data_contracts.mean_heatmaps import MEAN_HEATMAPS
from data_contracts.predictions import PREDICTIONS
from data_contracts.store import Provenance
from tui.maps.export import exported
from tui.maps.verdicts import Verdicts
from tui.screens.heatmap_canvas import Canvas
from tui.widgets.placeholder import Placeholder
from tui.widgets.verdict_table import VerdictTable

#: A workspace that version 0.2 has written.
OLD = Path(__file__).parents[1] / "data/workspace-0.2"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verdicts") / "workspace"
    write_workspace(folder)
    return folder


def canvas_of(pilot: Pilot[Any]) -> Canvas:
    return pilot.app.screen.query_one(Canvas)


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, each after what the one before asked for has been seen."""
    await see(pilot, *keys)
    await see(pilot)


async def placeholder(pilot: Pilot[Any]) -> str:
    await press(pilot, "4", "r")
    assert canvas_of(pilot).current == "nothing"
    return str(canvas_of(pilot).query_one("#nothing", Placeholder).render())


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_the_table_of_verdicts(workspace: Path, size: tuple[int, int]) -> None:
    async with opened(workspace, size) as pilot:
        await press(pilot, "4", "r")
        shown = canvas_of(pilot).seen
        assert isinstance(shown, Verdicts)
        assert shown.attributes == ("gender", "race", "insurance")
        assert pilot.app.screen.query_one(VerdictTable).has_focus
        text = screen_text(pilot)
        assert shown.sentence in " ".join(text.split())
        heads = next(line for line in text.splitlines() if line.startswith(" label"))
        assert heads.split() == ["label", "score", "representation", "use", "attribution"]
        words = next(line for line in text.splitlines() if "undetermined  " in line)
        assert words.split() == ["undetermined"] * 5
        assert text.count("Holm p < 0.001") == 5
        await press(pilot, "end")
        text = screen_text(pilot)
        assert heads in text, "the levels stay in sight"
        assert " ".join(text.split()).count("n/d: not disclosed") == 1
        await press(pilot, "slash", *"race", "enter")
        assert "undetermined" in lines_of(pilot), "scrolled to the first attribute"
        assert "gender" not in lines_of(pilot)


def lines_of(pilot: Pilot[Any]) -> str:
    """The table's cells as they are drawn, without the notes below them."""
    table = pilot.app.screen.query_one(VerdictTable)
    strips = [table.render_line(y) for y in range(table.size.height)]
    return "\n".join(strip.text for strip in strips).partition("label: ")[0]


async def test_verdicts_differ_by_light_and_by_word(workspace: Path) -> None:
    async with opened(workspace, (80, 50)) as pilot:
        await press(pilot, "4", "r")
        table = pilot.app.screen.query_one(VerdictTable)
        looks: dict[str, Style] = {}
        for y in range(table.size.height):
            for segment in table.render_line(y):
                looks.setdefault(segment.text.strip(), segment.style or Style())
    shared, not_shared = looks["shared"], looks["not shared"]
    numbers = [
        c.downgrade(ColorSystem.EIGHT_BIT).number
        for style in (shared, not_shared)
        if (c := style.bgcolor) is not None
    ]
    assert len(set(numbers)) == 2, "apart in 256 colours"
    lights = [sum(c.get_truecolor()) for s in (shared, not_shared) if (c := s.bgcolor)]
    assert abs(lights[0] - lights[1]) > 100, "apart in grey"
    assert looks["undetermined"].bgcolor not in (shared.bgcolor, not_shared.bgcolor)
    assert all(looks[word].bold for word in ("shared", "not shared", "undetermined"))


async def test_verdicts_are_read_without_colour(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(workspace, (80, 50)) as pilot:
        assert pilot.app.no_color
        await press(pilot, "4", "r")
        assert {"shared", "undetermined", "not shared"} <= set(
            re.split(r" {2,}|\n", lines_of(pilot))
        )


async def test_without_verdicts_it_says_what_to_do(workspace: Path, tmp_path: Path) -> None:
    own = shutil.copytree(workspace, tmp_path / "workspace")
    VERDICTS.path(own).unlink()
    ORDERS.path(own).unlink()
    async with opened(own, (80, 24)) as pilot:
        text = await placeholder(pilot)
        assert "This summary has no verdicts: an older version of cxr wrote it" in text
        assert "cxr aggregate re-creates it" in text
    ASSOCIATIONS.path(own).unlink()
    async with opened(own, (80, 24)) as pilot:
        assert "cxr aggregate compares every task" in await placeholder(pilot)
    write_example(VERDICTS, own, {}, Provenance("aggregate", {}, created=CREATED), ("mortality",))
    async with opened(own, (80, 24)) as pilot:
        text = await placeholder(pilot)
        assert "No attribute could be compared with mortality." in text
        assert "cxr aggregate --reference TASK" in text


async def test_a_summary_of_an_older_version_has_no_verdicts(tmp_path: Path) -> None:
    own = shutil.copytree(OLD, tmp_path / "workspace")
    async with opened(own, (80, 24)) as pilot:
        assert "an older version of cxr wrote it" in await placeholder(pilot)


async def test_damaged_verdicts_are_shown_as_damaged(workspace: Path, tmp_path: Path) -> None:
    own = shutil.copytree(workspace, tmp_path / "workspace")
    VERDICTS.path(own).write_bytes(b"nothing")
    async with opened(own, (80, 24)) as pilot:
        text = await placeholder(pilot)
        assert "damaged" in text
        assert "verdicts.parquet" in text
        assert "cxr aggregate re-creates it" in text
        await press(pilot, "m")
        assert canvas_of(pilot).current == "map", "the maps are whole"


async def test_verdicts_of_other_models_say_so(workspace: Path, tmp_path: Path) -> None:
    own = shutil.copytree(workspace, tmp_path / "workspace")
    PREDICTIONS.path(own, task="gender", name="main").unlink()
    async with opened(own, (80, 24)) as pilot:
        await press(pilot, "4", "r")
        assert "⚠ out of date: models/gender" in screen_text(pilot)
        shown = canvas_of(pilot).seen
        assert isinstance(shown, Verdicts)
        whole = replace(shown, warning=())
        assert exported(shown)[1] != exported(whole)[1], "the file warns as well"


async def test_verdicts_need_no_maps(workspace: Path, tmp_path: Path) -> None:
    own = shutil.copytree(workspace, tmp_path / "workspace")
    MEAN_HEATMAPS.path(own).unlink()
    async with opened(own, (80, 24)) as pilot:
        await press(pilot, "4", "r")
        assert canvas_of(pilot).current == "verdicts"
