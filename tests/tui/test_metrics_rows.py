"""The table of metrics as people see it: selections, what is not disclosed, export."""

from __future__ import annotations

import io
from typing import Any

import polars as pl
import pytest
from dashboards import LEAST, metrics

from data_contracts.crossed_metrics import CROSSED_METRICS
from data_contracts.summary import METRICS
from tui.metrics.metric_rows import (
    Selection,
    as_csv,
    file_name,
    selected,
    title_of,
    understood,
    vocabulary,
    with_kind,
)
from tui.metrics.metric_table import columns, marked, metric_table
from tui.shared.numbers import interval, number


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    """METRICS of one model, with what `rows` say of each."""
    example = pl.DataFrame(METRICS.example())
    base = example.row(0, named=True)
    return pl.DataFrame([base | row for row in rows], schema=example.schema)


def cell(stratum: str, level: str, n: int) -> dict[str, Any]:
    """What a row says of a subgroup; few patients are suppressed."""
    numbers = {"value": 0.9, "low": 0.8, "high": 1.0, "images": n, "subjects": n, "positives": n}
    few = n < LEAST
    shown: dict[str, Any] = dict.fromkeys(numbers) if few else dict(numbers)
    return {"stratum": stratum, "level": level, "suppressed": few} | shown


def test_numbers_for_people() -> None:
    assert (number(0.9821), number(-0.5), number(None)) == ("0.982", "−0.500", "–")
    assert interval(0.955, 0.999) == "0.955–0.999"
    assert interval(-0.1, 0.2) == "−0.100 to 0.200"
    assert interval(None, None) == "no interval"


def test_the_default_is_one_row_for_each_model_on_the_test_split() -> None:
    found = selected(with_kind(metrics(("gender", "race"), ("a", "b"))), Selection())
    assert found.select("task", "name", "split", "stratum", "metric").rows() == [
        (task, name, "test", "all", "auroc") for task in ("gender", "race") for name in "ab"
    ]


def test_cells_of_few_patients_say_so() -> None:
    frame = with_kind(metrics(("gender",), ("a",)))
    view = metric_table(frame, Selection(strata=True), [], wide=True)
    assert view.suppressed
    row = view.rows[-1]
    assert row.cells == (
        "  gender", "a", "test", "age band", "80+", "auroc", *["n/d"] * 5
    )  # fmt: skip
    assert row.values[-5:] == (None,) * 5
    assert set(row.tones[-5:]) == {"dim"}
    assert not metric_table(frame, Selection(), [], wide=True).suppressed


def test_a_dash_says_why() -> None:
    slope = {"metric": "calibration_slope", "value": None, "low": None, "high": None}
    found = with_kind(table(slope | {"positives": None}, {"metric": "auroc"}))
    kinds = ("calibration_slope", "auroc")
    why, nothing = (metric_table(found, Selection(kind=k), [], wide=True).dashes for k in kinds)
    assert [text.partition(":")[0] for text in why] == ["slope –", "pos. –"]
    assert nothing == ()


def test_kinds_gather_the_metrics_of_the_classes() -> None:
    frame = with_kind(table({"metric": "auroc"}, {"metric": "auroc:White"}, {"metric": "auprc"}))
    assert frame["kind"].to_list() == ["auroc", "auroc:", "auprc"]
    assert title_of("auroc:") == "AUROC by class"
    assert title_of("calibration_slope") == "calibration slope"
    assert title_of("") == "all metrics"
    assert selected(frame, Selection(kind="auroc:"))["metric"].to_list() == ["auroc:White"]
    assert selected(frame, Selection(kind="")).height == 3


def test_the_export_has_the_columns_of_the_artifact_and_no_suppressed_number() -> None:
    rows = [cell("all", "all", 120), cell("view", "PA", 113), cell("view", "AP", 7)]
    found = selected(with_kind(table(*rows)), Selection(strata=True))
    read = pl.read_csv(io.BytesIO(as_csv(found)), infer_schema=False)
    assert read.columns == [f.name for f in METRICS.fields]
    assert read["subjects"].to_list() == ["120", "113", None]
    assert read["value"].to_list() == ["0.9", "0.9", None]
    assert read["suppressed"].to_list() == ["false", "false", "true"]
    chosen = Selection(kind="auroc:", strata=True)
    assert file_name(chosen) == "metrics-test-auroc-strata.csv"
    assert file_name(chosen, filtered=True) == "metrics-test-auroc-strata-filtered.csv"


def test_two_levels_are_found_together_where_they_are_measured() -> None:
    levels = [cell("view", "AP", 50), cell("race", "Black", 60), cell("race", "Other", 30),
              cell("insurance", "Other", 40)]  # fmt: skip
    crossed = pl.DataFrame(CROSSED_METRICS.example())
    frame = with_kind(table(cell("all", "all", 120), *levels), crossed)
    known = vocabulary(frame)
    assert selected(frame, Selection(strata=True)).height == 5
    asked = understood(Selection(kind="auprc"), "gender ap black", known)
    assert (asked.words, asked.note) == ("gender", "")
    (row,) = selected(frame, asked.selection).iter_rows(named=True)
    assert (row["stratum"], row["level"]) == ("view × race", "AP × Black")
    assert row["suppressed"]
    # Of what is not measured together, each alone.
    apart = understood(Selection(), "ap other", known)
    assert "together" in apart.note
    assert selected(frame, apart.selection)["level"].to_list() == ["AP", "Other", "Other"]


def test_images_stand_beside_patients() -> None:
    frame = with_kind(table(cell("all", "all", 82) | {"images": 270, "positives": 119}))
    view = metric_table(frame, Selection(), [], wide=False)
    assert view.titles[-3:] == ("n", "images", "pos.")
    assert view.rows[0].cells[-3:] == ("82", "270", "119")


def test_models_without_metrics_follow() -> None:
    frame = with_kind(metrics(("gender",), ("a",)))
    view = metric_table(frame, Selection(), [("gender", "a"), ("race", "b")], wide=False)
    assert view.models == (("gender", "a"), ("race", "b"))
    assert view.rows[1].cells[1:3] == ("b", "–")
    assert metric_table(None, Selection(), [("race", "b")], wide=True).models == (("race", "b"),)
    assert metric_table(None, Selection(), [], wide=False).rows == ()


def test_an_auroc_that_may_be_chance_stands_out() -> None:
    frame = with_kind(table({"low": 0.45}, {"name": "b", "low": 0.55}))
    chance, good = metric_table(frame, Selection(), [], wide=False).rows
    assert "warn" in chance.tones
    assert "warn" not in good.tones


@pytest.mark.parametrize("width", [79, 109])
def test_the_columns_fit(width: int) -> None:
    frame = metrics(("a-task-with-a-long-name",), ("a-model-with-a-very-long-name",))
    view = metric_table(with_kind(frame), Selection(strata=True), [], wide=False)
    found = columns(view, width)
    assert sum(c.width + 2 for c in found) - 2 <= width
    assert all(c.width >= min(len(c.title), 6) for c in found)


def test_a_mark_keeps_the_columns_in_place() -> None:
    row = metric_table(with_kind(metrics(("gender",), ("a",))), Selection(), [], wide=False).rows[0]
    assert row.cells[0] == "  gender"
    assert marked(row).cells == ("● gender", *row.cells[1:])
