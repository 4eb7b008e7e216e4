"""The page Results under a person's keys: the verdicts, their ladders, and what lies behind."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dashboards import CREATED, LEAST, opened, screen_text, see, write_example, write_workspace
from PIL import Image
from rich.color import ColorSystem
from rich.style import Style
from textual.pilot import Pilot

from data_contracts.associations import ASSOCIATIONS, ORDERS, VERDICTS
from data_contracts.predictions import PREDICTIONS
from data_contracts.store import Provenance, read_table, write_table
from tui.heatmaps.page import HeatmapsPage
from tui.metrics.compare import Compare
from tui.results.export import png_of_verdicts
from tui.results.page import ResultsPage
from tui.results.verdict_table import VerdictTable
from tui.results.verdicts import Verdicts
from tui.shared.placeholder import Placeholder

#: A workspace that version 0.2 has written.
OLD = Path(__file__).parents[1] / "data/workspace-0.2"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verdicts") / "workspace"
    write_workspace(folder)
    return folder


def verdicts_of(pilot: Pilot[Any]) -> Verdicts:
    return pilot.app.screen.query_one(VerdictTable).verdicts


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, each after what the one before asked for has been seen."""
    await see(pilot, *keys)


async def placeholder(pilot: Pilot[Any]) -> str:
    assert pilot.app.screen.has_class("empty")
    return str(pilot.app.screen.query_one(Placeholder).render())


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_the_table_of_verdicts(workspace: Path, size: tuple[int, int]) -> None:
    async with opened(workspace, size, page="results") as pilot:
        shown = verdicts_of(pilot)
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
    async with opened(workspace, (80, 50), page="results") as pilot:
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
        await press(pilot, "7")
        assert {"shared", "undetermined", "not shared"} <= set(
            re.split(r" {2,}|\n", lines_of(pilot))
        )


async def test_without_verdicts_it_says_what_to_do(workspace: Path, tmp_path: Path) -> None:
    own = shutil.copytree(workspace, tmp_path / "workspace")
    VERDICTS.path(own).unlink()
    ORDERS.path(own).unlink()
    async with opened(own, (80, 24), page="results") as pilot:
        text = await placeholder(pilot)
        assert "This summary has no verdicts: an older version of cxr wrote it" in text
        assert "cxr aggregate re-creates it" in text
    ASSOCIATIONS.path(own).unlink()
    async with opened(own, (80, 24), page="results") as pilot:
        assert "cxr aggregate compares every task" in await placeholder(pilot)
    write_example(VERDICTS, own, {}, Provenance("aggregate", {}, created=CREATED), ("mortality",))
    async with opened(own, (80, 24), page="results") as pilot:
        text = await placeholder(pilot)
        assert "No attribute could be compared with mortality." in text
        assert "cxr aggregate --reference TASK" in text


async def test_a_summary_of_an_older_version_has_no_verdicts(tmp_path: Path) -> None:
    own = shutil.copytree(OLD, tmp_path / "workspace")
    async with opened(own, (80, 24), page="results") as pilot:
        assert "an older version of cxr wrote it" in await placeholder(pilot)


async def test_damaged_verdicts_are_shown_as_damaged(workspace: Path, tmp_path: Path) -> None:
    own = shutil.copytree(workspace, tmp_path / "workspace")
    VERDICTS.path(own).write_bytes(b"nothing")
    async with opened(own, (80, 24), page="results") as pilot:
        text = await placeholder(pilot)
        assert "damaged" in text
        assert "verdicts.parquet" in text
        assert "cxr aggregate re-creates it" in text


async def test_verdicts_of_other_models_say_so(workspace: Path, tmp_path: Path) -> None:
    own = shutil.copytree(workspace, tmp_path / "workspace")
    PREDICTIONS.path(own, task="gender", name="main").unlink()
    async with opened(own, (80, 24), page="results") as pilot:
        assert "⚠ out of date: models/gender" in screen_text(pilot)
        shown = verdicts_of(pilot)
        whole = replace(shown, warning=())
        assert png_of_verdicts(shown) != png_of_verdicts(whole), "the file warns as well"


async def test_the_cursor_explains_what_it_is_at(workspace: Path) -> None:
    async with opened(workspace, (80, 30), page="results") as pilot:
        await press(pilot, "right", "right", "right", "down")
        assert "▸undetermined" in screen_text(pilot)
        text = " ".join(screen_text(pilot).split())
        assert "race, use: Does the prediction get worse when the group is erased" in text
        assert "AUROC that the reference loses without the attribute; 0: it needs none" in text
        await press(pilot, "left", "left", "down")
        assert "▸n/d" in screen_text(pilot)


async def test_a_verdict_opens_its_ladder_and_what_lies_behind(workspace: Path) -> None:
    async with opened(workspace, (100, 40), page="results") as pilot:
        await press(pilot, *["right"] * 4, "enter")
        text = screen_text(pilot)
        assert "Do the two networks find their evidence in the same places?" in text
        lines = text.splitlines()
        at = next(i for i, line in enumerate(lines) if "▶ adjusted for age" in line)
        assert "0.800 (0.700–0.900)  Holm p < 0.001  n 120" in lines[at]
        drawing = lines[at + 1]
        # From the null's band by the smallest value of interest to estimate and ceiling.
        places = [drawing.index(sign) for sign in "░┊━●┃"]
        assert places == sorted(places), drawing
        assert "no ○: no null network was compared here" in text
        await press(pilot, "g")
        assert "by subgroup" in screen_text(pilot)
        assert "  PA  0.800" in screen_text(pilot)
        await press(pilot, "c")
        assert isinstance(pilot.app.screen, Compare)
        await press(pilot, "escape", "n")
        assert "gender, label" in screen_text(pilot), "round to the first level"
        await press(pilot, "m")
        assert isinstance(pilot.app.screen, HeatmapsPage)
        state = pilot.app.screen.state
        assert [m.model_key for m in state.pair] == [("mortality", "main"), ("gender", "main")]
        await press(pilot, "7", "escape")
        assert isinstance(pilot.app.screen, ResultsPage)


async def test_a_dash_says_why(workspace: Path, tmp_path: Path) -> None:
    own = shutil.copytree(workspace, tmp_path / "workspace")
    frame = read_table(ASSOCIATIONS, ASSOCIATIONS.path(own)).frame.with_columns(
        pl.when(pl.col("attribute") == "race").then(None).otherwise(pl.col(n)).alias(n)
        for n in ("value", "low", "high")
    )
    frame = frame.with_columns(reason=pl.lit("one class only"))
    origin = Provenance("aggregate", {}, created=CREATED)
    write_table(ASSOCIATIONS, ASSOCIATIONS.path(own), frame, origin, {"min_cell_count": LEAST})
    async with opened(own, (100, 40), page="results") as pilot:
        await press(pilot, "down", "enter")
        assert "– one class only" in screen_text(pilot)
        await press(pilot, "t", "n")
        assert "n/d: not disclosed" in screen_text(pilot)
        assert "the summary has changed" not in screen_text(pilot)
        origin = Provenance("aggregate", {"seed": 1}, created=CREATED)
        write_example(VERDICTS, own, {}, origin, ("mortality", "gender"))
        pilot.app.refresh_workspace()  # type: ignore[attr-defined]
        while "the summary has changed" not in screen_text(pilot):
            await pilot.pause(0.05)


async def test_the_table_is_exported(workspace: Path, tmp_path: Path) -> None:
    own = shutil.copytree(workspace, tmp_path / "workspace")
    async with opened(own, (80, 24), page="results") as pilot:
        await press(pilot, "x")
        file = own / "exports" / "verdicts-mortality.png"
        while not file.exists() or not file.stat().st_size:
            await pilot.pause(0.01)
        with Image.open(file) as picture:
            assert min(picture.size) > 300
