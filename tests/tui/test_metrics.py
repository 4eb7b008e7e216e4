"""The pages Metrics and Compare: table, marks, curves, export, and what is missing."""

from __future__ import annotations

import shutil
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest
from dashboards import LEAST, opened, settled, write_workspace
from readings import predictions, write_readings
from textual.pilot import Pilot
from textual.widgets import Static
from textual_plot import PlotWidget
from textual_plot.plot_widget import LinePlot

from data_contracts.disclosure import SUPPRESSED
from data_contracts.model import TRAINING_HISTORY
from data_contracts.predictions import PREDICTIONS
from data_contracts.store import Provenance, read_table, write_table
from data_contracts.summary import CURVES, METRICS
from data_contracts.vocabulary import Contract
from tui.app import Dashboard
from tui.metrics.compare import Compare
from tui.metrics.comparison import Compared
from tui.metrics.difference import NOT_YET, OF_TEST, difference_lines
from tui.metrics.metric_table import NOT_AGGREGATED, MetricTable, metric_table
from tui.metrics.page import MetricsPage
from tui.shared.curve_plot import CurvePlot
from tui.shared.messages import OpenLaunch
from tui.shared.placeholder import Placeholder
from tui.shared.rows import Rows

NAMES = ("main", "seed-1")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("metrics") / "workspace"
    write_workspace(folder, names=NAMES)
    write_readings(folder, names=NAMES)
    return folder


@pytest.fixture
def workspace(finished: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(finished, tmp_path / "workspace"))


@asynccontextmanager
async def metrics_page(
    workspace: Path, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Pilot[None]]:
    async with opened(workspace, size, page="metrics") as pilot:
        yield pilot


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def rows(pilot: Pilot[None]) -> Rows:
    return pilot.app.screen.query_one(Rows)


def text(pilot: Pilot[None], name: str) -> str:
    return str(pilot.app.screen.query_one(name, Static).visual)


def column(pilot: Pilot[None], title: str) -> list[str]:
    table = rows(pilot)
    at = [c.title for c in table.columns].index(title)
    return [row.cells[at].strip() for row in table.shown]


async def until(pilot: Pilot[None], path: Path) -> bytes:
    """The content of a file that is being written elsewhere."""
    while not path.exists() or not path.read_bytes():
        await pilot.pause(0.01)
    return path.read_bytes()


async def test_filter_and_keys_choose_the_rows(finished: Path) -> None:
    async with metrics_page(finished) as pilot:
        assert len(rows(pilot).shown) == 8
        assert column(pilot, "model") == ["main", "seed-1"] * 4
        assert column(pilot, "value")[0] == "0.720"
        assert column(pilot, "95 % CI")[0] == "0.680–0.760"
        assert "split test" in text(pilot, "#state")
        await press(pilot, "slash", *"race", "enter")
        assert column(pilot, "task") == ["race", "race"]
        assert "2 rows" in text(pilot, "#state")
        await press(pilot, "slash", "escape", "p")
        assert "split val" in text(pilot, "#state")
        await press(pilot, "p", "p")
        assert len(rows(pilot).shown) == 16
        assert set(column(pilot, "split")) == {"test", "val"}
        await press(pilot, "p", "m")
        assert "AUPRC" in text(pilot, "#state")
        assert column(pilot, "value")[0] == "0.600"
        await press(pilot, "M", "t")
        assert "AUROC" in text(pilot, "#state")
        assert set(column(pilot, "level")) == {"all", "PA", "AP", "80+"}


async def test_a_filter_finds_a_stratum_and_a_metric_that_are_not_shown(finished: Path) -> None:
    async with metrics_page(finished, (100, 24)) as pilot:
        await press(pilot, "slash", *"auprc mortality ap")
        assert column(pilot, "level") == ["AP", "AP"]
        assert "AUPRC" in text(pilot, "#state")
        await press(pilot, "escape")
        assert len(rows(pilot).shown) == 8
        assert "AUROC" in text(pilot, "#state")
        await press(pilot, "slash", *"mortality ap 80+", "enter")
        assert column(pilot, "level") == ["AP", "80+"] * 2
        assert "no metrics of AP and 80+ together" in text(pilot, "#note")
        assert "(view, age band)" in text(pilot, "#note")


async def test_the_export_says_where_it_went_and_holds_the_shown_rows(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notices: list[str] = []
    monkeypatch.setattr(Dashboard, "notify", lambda _, message, **_facts: notices.append(message))
    async with metrics_page(workspace) as pilot:
        await press(pilot, "t", "slash", *"gender", "enter", "x")
        path = workspace / "exports" / "metrics-test-auroc-strata-filtered.csv"
        data = await until(pilot, path)
        frame = pl.read_csv(data)
        assert frame.columns == [f.name for f in METRICS.fields]
        assert frame.height == 8
        assert frame.filter("suppressed")["value"].to_list() == [None, None]
        assert set(frame["task"]) == {"gender"}
        while not notices:
            await pilot.pause(0.01)
        assert notices == [str(path)]


async def test_what_is_still_being_read_cannot_be_exported_yet(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notices: list[str] = []
    goes_on = threading.Event()
    monkeypatch.setattr(Dashboard, "notify", lambda _, message, **_options: notices.append(message))

    def slow(*args: Any, **options: Any) -> MetricTable:
        goes_on.wait()
        return metric_table(*args, **options)

    monkeypatch.setattr("tui.metrics.page.metric_table", slow)
    async with opened(finished) as pilot:
        await pilot.press("3", "x")
        goes_on.set()
        assert notices == ["still reading"]


async def test_a_model_that_is_not_aggregated_says_so(workspace: Path) -> None:
    frame = read_table(METRICS, METRICS.path(workspace)).frame
    rewrite(METRICS, workspace, frame.filter(pl.col("task") != "race"))
    async with metrics_page(workspace) as pilot:
        found = dict(zip(column(pilot, "task"), column(pilot, "95 % CI"), strict=True))
        assert found["race"] == NOT_AGGREGATED
        assert found["gender"] != NOT_AGGREGATED


async def test_marked_models_are_compared(finished: Path) -> None:
    async with metrics_page(finished) as pilot:
        await press(pilot, "space", "j", "j", "space", "j", "space")
        assert [row.cells[0][0] for row in rows(pilot).shown[:4]] == ["●", " ", "●", "●"]
        assert "3 marked" in text(pilot, "#state")
        await press(pilot, "c")
        assert isinstance(pilot.app.screen, Compare)
        assert column(pilot, "model")[:2] == ["━● mortality/main", "━▲ gender/main"]
        assert column(pilot, "class")[:2] == ["died", "M"]
        line = "mortality/main − gender/main: AUROC −0.050, 95 % CI −0.110 to 0.010, p 0.090"
        first, second = text(pilot, "#difference").splitlines()
        assert first == line
        assert second.startswith("mortality/main − ")
        await press(pilot, "t")
        forest = text(pilot, "#forest Static")
        assert "PA" in forest
        assert "▲ gender/main" in forest
        assert not pilot.app.screen.query_one("#plots").display
        assert "n/d: not disclosed" in text(pilot, "Disclosure")
        await press(pilot, "t")
        assert pilot.app.screen.query_one("#plots").display
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, MetricsPage)
        await press(pilot, "u")
        assert "marked" not in text(pilot, "#state")


def test_a_difference_has_the_sign_of_the_order_and_says_why_it_is_not_there() -> None:
    one, other = Compared("race", "main"), Compared("race", "seed-1")
    row: dict[str, Any] = {
        "value": 0.05,
        "low": -0.01,
        "high": 0.11,
        "p": 0.0001,
        "suppressed": False,
    }
    found = {(("race", "seed-1"), ("race", "main"), "auroc"): row}
    (line,) = difference_lines(found, [one, other], "test")
    assert line.endswith(": AUROC −0.050, 95 % CI −0.110 to 0.010, p < 0.001")
    row |= dict.fromkeys(("low", "high", "p")) | {"reason": "apart"}
    assert difference_lines(found, [other, one], "test")[0].endswith(": AUROC +0.050, apart")
    row |= {"value": None, "reason": "few"}
    assert difference_lines(found, [other, one], "test")[0].endswith(": few")
    row |= {"suppressed": True}
    assert SUPPRESSED in difference_lines(found, [other, one], "test")[0]
    third = Compared("age", "main")
    assert difference_lines(found, [one, third], "test") == ["race/main − age/main: not compared"]
    assert difference_lines({}, [one, other], "test") == [NOT_YET]
    assert difference_lines(found, [one, other], "val") == [OF_TEST]


async def test_no_more_models_are_marked_than_there_are_colours(finished: Path) -> None:
    async with metrics_page(finished) as pilot:
        for _ in range(6):
            await press(pilot, "space", "j")
        assert "5 marked" in text(pilot, "#state")


async def test_the_curve_is_that_of_the_shown_class(finished: Path) -> None:
    async with metrics_page(finished) as pilot:
        await press(pilot, *"jjjj", "c")
        drawn = []
        for name in ("White", "Black", "Asian"):
            assert column(pilot, "class") == [name]
            plot = pilot.app.screen.query_one("#roc PlotWidget", PlotWidget)
            drawn.append(cast(LinePlot, plot._datasets[-1]).y.tolist())
            await press(pilot, "c")
        assert drawn[0] < drawn[1] < drawn[2]
        await press(pilot, "p")
        assert "split val" in text(pilot, "#state")


async def test_views_are_turned_over_and_take_the_room_and_colours_there_are(
    finished: Path,
) -> None:
    async with metrics_page(finished) as pilot:
        await press(pilot, "G", "enter")
        assert column(pilot, "model") == ["━● insurance/seed-1"]
        assert not pilot.app.screen.query_one("#roc", CurvePlot).has_class("bare")
        seen = []
        for _ in range(4):
            seen.append([p.id for p in pilot.app.screen.query(CurvePlot) if p.display])
            await press(pilot, "v")
        assert seen == [["roc"], ["calibration"], ["loss"], ["auroc"]]
        await pilot.resize_terminal(140, 45)
        await settled(pilot)
        assert all(p.display for p in pilot.app.screen.query(CurvePlot))
        plot = pilot.app.screen.query_one("#roc PlotWidget", PlotWidget)
        dark = [line.line_style for line in plot._datasets if isinstance(line, LinePlot)]
        await press(pilot, "ctrl+t")
        light = [line.line_style for line in plot._datasets if isinstance(line, LinePlot)]
        assert len(light) == len(dark) == 2
        assert not set(light) & set(dark)


async def test_curves_of_other_predictions_are_said_to_be_out_of_date(workspace: Path) -> None:
    values = {**PREDICTIONS.example_attributes, "task": "mortality", "name": "main"}
    path = PREDICTIONS.path(workspace, task="mortality", name="main")
    write_table(
        PREDICTIONS, path, predictions(seed=99), Provenance("train-task", values, ()), values
    )
    async with metrics_page(workspace) as pilot:
        assert "are out of date (models/mortality/main/predictions" in text(pilot, "#note")
        await press(pilot, "c")
        assert "the curves are out of date (models/mortality/main" in text(pilot, "#note")


async def test_what_is_not_disclosed_is_explained_once(workspace: Path) -> None:
    frame = read_table(METRICS, METRICS.path(workspace)).frame
    numbers = ("value", "low", "high", "images", "subjects", "positives")
    few = (pl.col("task") == "mortality") | pl.col("suppressed")
    frame = frame.with_columns(
        few.alias("suppressed"), *(pl.when(~few).then(pl.col(n)).alias(n) for n in numbers)
    )
    rewrite(METRICS, workspace, frame)
    curves = read_table(CURVES, CURVES.path(workspace)).frame
    rewrite(CURVES, workspace, curves.filter(pl.col("task") != "mortality"))
    async with metrics_page(workspace) as pilot:
        assert column(pilot, "value")[:3] == ["n/d", "n/d", "0.770"]
        assert "n/d: not disclosed" in text(pilot, "Disclosure")
        assert "fewer than 11 patients" in text(pilot, "Disclosure")
        await press(pilot, "c")
        assert "no curve for mortality/main: n/d" in text(pilot, "#note")
        assert column(pilot, "AUROC") == ["n/d"]
        assert "n/d: not disclosed" in text(pilot, "Disclosure")
        assert pilot.app.screen.query_one("#roc", CurvePlot).has_class("bare")
        await press(pilot, "escape", "slash", *"gender", "enter")
        await press(pilot, "j", "c")
        assert not pilot.app.screen.query_one("Disclosure").display


def rewrite(contract: Contract, workspace: Path, frame: pl.DataFrame) -> None:
    origin = Provenance("aggregate", {}, ())
    write_table(contract, contract.path(workspace), frame, origin, {"min_cell_count": LEAST})


async def test_without_a_summary_aggregate_can_be_launched(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(workspace / "summary")
    launched: list[str] = []

    async def launch(self: Dashboard, message: OpenLaunch) -> None:
        launched.append(str(message.job))

    monkeypatch.setattr(Dashboard, "on_open_launch", launch)
    async with metrics_page(workspace) as pilot:
        assert "aggregate has not run yet; press n" in text(pilot, "#note")
        assert len(rows(pilot).shown) == 8
        await press(pilot, "x", "n")
        assert launched == ["aggregate"]
        assert not (workspace / "exports").exists()
        await press(pilot, "c")
        assert column(pilot, "AUROC") == ["–"]
        assert "no curve for gender/main: aggregate has not run yet" in text(pilot, "#note")
        assert not pilot.app.screen.query_one("#loss", CurvePlot).has_class("bare")


async def test_a_summary_of_an_older_version_is_out_of_date(workspace: Path) -> None:
    old = Path(__file__).parent.parent / "data" / "workspace-0.2"
    shutil.rmtree(workspace / "summary")
    shutil.copytree(old / "summary", workspace / "summary")
    async with metrics_page(workspace) as pilot:
        assert "the metrics are out of date (version 1.0, not 2.1)" in text(pilot, "#note")
        assert column(pilot, "value") == ["–"] * 8
        await press(pilot, "c")
        assert "aggregate has not run yet" in text(pilot, "#note")
        await press(pilot, "escape", "4")
        assert "out of date" in str(pilot.app.screen.query_one("#nothing", Placeholder).render())


async def test_an_empty_workspace_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[str] = []

    async def launch(self: Dashboard, message: OpenLaunch) -> None:
        launched.append(str(message.job))

    monkeypatch.setattr(Dashboard, "on_open_launch", launch)
    async with metrics_page(tmp_path) as pilot:
        assert "launch train-task" in text(pilot, "Placeholder")
        await press(pilot, "c", "space", "x", "n")
        assert isinstance(pilot.app.screen, MetricsPage)
        assert launched == ["train-task"]


async def test_damaged_metrics_are_shown_as_damaged(workspace: Path) -> None:
    path = METRICS.path(workspace)
    path.write_bytes(path.read_bytes()[:-100])
    async with metrics_page(workspace) as pilot:
        assert "the metrics are damaged" in text(pilot, "#note")
        assert len(rows(pilot).shown) == 8


async def test_a_damaged_history_does_not_hide_the_other_model(workspace: Path) -> None:
    path = TRAINING_HISTORY.path(workspace, task="mortality", name="main")
    path.write_bytes(path.read_bytes()[:-100])
    async with metrics_page(workspace) as pilot:
        await press(pilot, "space", "j", "space", "c")
        assert "mortality/main: damaged" in text(pilot, "#note")
        assert column(pilot, "AUROC")[0] == "–"
        assert column(pilot, "AUROC")[1] != "–"
        assert cast(Dashboard, pilot.app).errors


async def test_new_metrics_are_shown_by_themselves(workspace: Path) -> None:
    async with metrics_page(workspace) as pilot:
        METRICS.path(workspace).unlink()
        cast(Dashboard, pilot.app).refresh_workspace()
        while "has not run" not in text(pilot, "#note"):
            await pilot.pause(0.01)
        await settled(pilot)
        assert column(pilot, "value") == ["–"] * 8
