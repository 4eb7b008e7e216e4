"""Curves as `aggregate` has written them, and what is compared of models beside them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dashboards import CREATED, LEAST, curves, metrics, write_workspace

from data_contracts.store import Provenance, write_table
from data_contracts.summary import CURVES, METRICS
from tui.metrics.comparison import Compared, Comparison, why_no_slopes
from tui.metrics.comparison_plots import LOOKS, drawings, row_of
from tui.metrics.forest import forest
from tui.metrics.model_curves import classes_of, model_curves
from tui.workspace.scan import Scanner
from tui.workspace.tables import Tables

TASKS = ("gender", "race")
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
    assert drawn.roc.points == (want["x"].to_list(), want["y"].to_list())
    assert drawn.calibration.points[0] == [i / 10 for i in range(11)]


def test_a_band_has_the_points_that_have_ends() -> None:
    frame = curves(("gender",), ("main",)).filter(split="test")
    ends = [pl.col("y") - 0.1, pl.col("y") + 0.1]
    known = pl.col("point") > 0
    low, high = (pl.when(known).then(end) for end in ends)
    drawn = model_curves(frame.with_columns(low=low, high=high), "M").roc
    (x, lower), (_, upper) = drawn.band
    assert list(x) == list(drawn.points[0][1:])
    assert [round(b - a, 3) for a, b in zip(lower, upper, strict=True)] == [0.2] * 10
    assert model_curves(frame.with_columns(low=pl.lit(None)), "M").roc.band == ()


def test_models_are_told_apart_by_signs_as_well(workspace: Path) -> None:
    pairs = [(compared(workspace, task), look) for task, look in zip(TASKS, LOOKS, strict=False)]
    signs = {line.signs for line in drawings(pairs)["roc"].lines if line.signs}
    assert signs == {row_of(*pair).cells[0][1] for pair in pairs} == {"●", "▲"}


def test_subgroups_stand_below_each_other_with_their_intervals(workspace: Path) -> None:
    pairs = [(compared(workspace, task), look) for task, look in zip(TASKS, LOOKS, strict=False)]
    lines = ["".join(text for _, text in line) for line in forest(pairs, 100)]
    assert [line[:17].strip() for line in lines[:8]] == [
        "all images", "", "PA", "", "AP", "", "age 80+", "",
    ]  # fmt: skip
    assert lines[2].endswith("0.700 (0.660–0.740)   n 80")
    assert "n/d" in lines[6]
    ends = [(line.index("━"), line.rindex("━")) for line in lines[:6]]
    assert all(
        a < line.rindex(sign) < b for (a, b), line, sign in zip(ends, lines, "●▲" * 3, strict=False)
    )
    assert ends[0][0] > ends[2][0], "the interval of a lower value begins further to the left"
    one, key = pairs[0][0], (pairs[0][0].auroc, "view", "PA")
    gap = replace(one, strata={**one.strata, key: {**one.strata[key], "value": None}})
    assert forest([(gap, LOOKS[0])], 100)[-1][0][1].endswith("– a class is missing there")


def test_without_strata_it_says_which_split_has_them(workspace: Path) -> None:
    write_metrics(workspace, metrics(("race",), ("main",)).filter(metric="brier"))
    ((_, text),) = forest([(compared(workspace, "race"), LOOKS[0])], 80)[0]
    assert text.startswith("No AUROC by subgroup")


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
    drawn = drawings([(found, LOOKS[0])])
    assert len(drawn["roc"].lines) == 1, "the diagonal alone"
    assert len(drawn["loss"].lines) == 2
    assert not drawn["calibration"].why, "it is why there are no curves at all"


def test_a_calibration_curve_that_is_missing_alone_is_explained(workspace: Path) -> None:
    kept = curves(TASKS, ("main",)).filter(pl.col("curve") != "calibration")
    write_table(CURVES, CURVES.path(workspace), kept, ORIGIN, {"min_cell_count": LEAST})
    drawn = drawings([(compared(workspace, "gender"), LOOKS[0])])
    assert "too few patients" in drawn["calibration"].why


def test_a_model_that_is_newer_than_the_summary_has_no_curves(workspace: Path) -> None:
    write_workspace(workspace, ("gender",))
    assert compared(workspace, "race").why == "aggregate has not measured it on the test split"


def test_what_is_not_disclosed_is_neither_drawn_nor_told(workspace: Path) -> None:
    withheld(workspace, "race")
    found = compared(workspace, "race")
    assert all(row["suppressed"] for row in found.metrics.values())
    assert (found.curves, found.why) == (None, "n/d")
    cells = row_of(found, LOOKS[0]).cells
    assert cells[2:6] == ("n/d",) * 4
    assert cells[-2:] == ("n/d", "n/d")
    assert not any(row["suppressed"] for row in compared(workspace, "gender").metrics.values())


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
    cells = [row_of(compared(workspace, "race", shift=i), LOOKS[0]).cells for i in range(3)]
    assert [(c[1], c[2], c[-1]) for c in cells] == [
        ("White", "0.600", "1"), ("Black", "0.800", "2"), ("Asian", "0.700", "0")
    ]  # fmt: skip


def test_a_slope_that_is_missing_says_why() -> None:
    def model(name: str, **slope: Any) -> Compared:
        row = {"value": None, "suppressed": False} | slope
        return Compared("race", name, metrics={"calibration_slope": row})

    compared = [model("main"), model("few", suppressed=True), model("seed1", value=0.9)]
    assert why_no_slopes(compared) == [
        "no calibration slope of race/main: scores that separate the classes perfectly have none"
    ]
    assert why_no_slopes(compared[1:]) == []
