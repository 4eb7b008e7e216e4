"""Curves as `aggregate` has written them, and what is compared of models beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dashboards import CREATED, LEAST, curves, metrics, write_workspace

from data_contracts.store import Provenance, write_table
from data_contracts.summary import CURVES, METRICS
from tui.metrics.comparison import Compared, Comparison
from tui.metrics.comparison_plots import drawings, row_of
from tui.metrics.model_curves import classes_of, model_curves
from tui.workspace.scan import Scanner
from tui.workspace.tables import Tables

ORIGIN = Provenance("aggregate", {}, created=CREATED)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_workspace(tmp_path, ("gender", "race"), ("main",))
    return tmp_path


def compared(workspace: Path, task: str, split: str = "test", shift: int = 0) -> Compared:
    snapshot = Scanner(workspace).scan()
    return Comparison(Tables(workspace)).of(snapshot, task, "main", split, shift)


def write_metrics(workspace: Path, frame: pl.DataFrame) -> None:
    write_table(METRICS, METRICS.path(workspace), frame, ORIGIN, {"min_cell_count": LEAST})


def withheld(workspace: Path, task: str) -> None:
    """Suppress a task's metrics, and leave its curves out, as `aggregate` does."""
    numbers = ("value", "low", "high", "images", "subjects", "positives")
    frame = metrics(("gender", "race"), ("main",)).with_columns(
        suppressed=pl.col("suppressed") | (pl.col("task") == task)
    )
    empty = [pl.when(~pl.col("suppressed")).then(pl.col(n)).alias(n) for n in numbers]
    write_metrics(workspace, frame.with_columns(empty))
    kept = curves(("gender", "race"), ("main",)).filter(pl.col("task") != task)
    write_table(CURVES, CURVES.path(workspace), kept, ORIGIN, {"min_cell_count": LEAST})


def test_the_points_are_those_of_the_table_in_order() -> None:
    frame = curves(("race",), ("main",)).filter(split="test")
    assert classes_of(frame) == ["White", "Black", "Asian"]
    drawn = model_curves(frame.sample(fraction=1, shuffle=True, seed=0), "Black")
    want = frame.filter(pl.col("class") == "Black", curve="roc")
    assert drawn.roc == (want["x"].to_list(), want["y"].to_list())
    assert drawn.calibration[0] == [i / 10 for i in range(11)]


def test_keys_go_through_the_classes_of_each_model(workspace: Path) -> None:
    found = [compared(workspace, "race", shift=i).curves for i in range(4)]
    assert [c.positive for c in found if c] == ["White", "Black", "Asian", "White"]
    one = compared(workspace, "gender", shift=1).curves
    assert one is not None
    assert one.positive == "M"


def test_without_curves_the_history_is_shown_and_the_reason(workspace: Path) -> None:
    CURVES.path(workspace).unlink()
    found = compared(workspace, "gender")
    assert found.why == "aggregate has not run yet"
    assert found.curves is None
    drawn = drawings([(found, "live")])
    assert len(drawn["roc"].lines) == 1, "the diagonal alone"
    assert len(drawn["loss"].lines) == 2


def test_a_model_that_is_newer_than_the_summary_has_no_curves(workspace: Path) -> None:
    write_workspace(workspace, ("gender",))
    assert compared(workspace, "race").why == "aggregate has not measured it on the test split"


def test_what_is_not_disclosed_is_neither_drawn_nor_told(workspace: Path) -> None:
    withheld(workspace, "race")
    found = compared(workspace, "race")
    assert found.is_suppressed
    assert (found.curves, found.why) == (None, "n/d")
    cells = row_of(found, "live").cells
    assert cells[2:6] == ("n/d",) * 4
    assert cells[-2:] == ("n/d", "n/d")
    assert not compared(workspace, "gender").is_suppressed


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        ("auroc", "a class has no image in the test split"),
        ("r2", "curves are of targets with classes only"),
    ],
)
def test_why_a_measured_model_may_have_no_curves(workspace: Path, metric: str, why: str) -> None:
    withheld(workspace, "race")
    frame = metrics(("race",), ("main",)).filter(metric="auroc")
    write_metrics(workspace, frame.with_columns(metric=pl.lit(metric)))
    assert compared(workspace, "race").why == why


def test_the_line_of_a_class_has_the_auroc_of_that_class(workspace: Path) -> None:
    frame = metrics(("race",), ("main",)).filter(split="test", stratum="all", metric="auroc")
    values: dict[str, Any] = {"auroc": 0.7, "auroc:White": 0.6, "auroc:Black": 0.8}
    rows = [
        frame.with_columns(metric=pl.lit(m), value=pl.lit(v), positives=pl.lit(i, pl.Int64))
        for i, (m, v) in enumerate(values.items())
    ]
    write_metrics(workspace, pl.concat(rows))
    cells = [row_of(compared(workspace, "race", shift=i), "live").cells for i in range(3)]
    assert [(c[1], c[2], c[-1]) for c in cells] == [
        ("White", "0.600", "1"), ("Black", "0.800", "2"), ("Asian", "0.700", "0")
    ]  # fmt: skip
