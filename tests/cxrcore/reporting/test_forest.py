from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from cxrcore.reporting import figures
from cxrcore.reporting.forest import forest_figure, subgroup_rows
from data_contracts.summary import METRICS, MODELS

MODEL = pl.DataFrame(MODELS.example())


def metrics(*rows: dict[str, Any]) -> pl.DataFrame:
    example = pl.DataFrame(METRICS.example())
    return pl.DataFrame([example.row(1, named=True) | row for row in rows], schema=example.schema)


WHOLE = {"stratum": "all", "level": "all"}
NOTHING = dict.fromkeys(("value", "low", "high", "images", "subjects", "positives"))
FOUND = metrics(
    WHOLE, {"level": "PA"}, {"level": "AP", "positives": 50},
    {"stratum": "age_band", "level": "under 40", "value": None, "low": None, "high": None},
    {"stratum": "age_band", "level": "40-59", "suppressed": True} | NOTHING,
)  # fmt: skip


def reasons(found: pl.DataFrame, model: pl.DataFrame = MODEL) -> list[str]:
    return [row["reason"] for row in subgroup_rows(found, model, "gender")]


def test_a_subgroup_is_not_interpreted_with_few_of_a_class_or_none_or_undisclosed() -> None:
    few = "a class of under 11"
    assert reasons(FOUND) == ["", "", few, "one class only", "n/d"]


def test_the_smallest_of_many_classes_counts() -> None:
    classes = [{"metric": f"auroc:{c}", "positives": n} for c, n in (("a", 25), ("b", 25))]
    whole = {"positives": None}
    assert reasons(metrics(whole, *classes)) == [""]
    thirds: dict[str, dict[str, Any]] = {
        "a class of under 11": {"positives": 10}, "a class n/d": {**NOTHING, "suppressed": True},
    }  # fmt: skip
    for reason, third in thirds.items():
        assert reasons(metrics(whole, *classes, {"metric": "auroc:c", **third})) == [reason]


def test_nothing_of_a_network_that_is_not_above_chance_is_interpreted() -> None:
    blind = MODEL.with_columns(reason=pl.lit("AUROC not above chance (gender)"))
    assert set(reasons(FOUND, blind)) == {"AUROC not above chance (gender)"}


def test_every_row_has_its_place_and_says_what_it_is() -> None:
    figure = forest_figure(subgroup_rows(FOUND, MODEL, "gender"))
    assert figure is not None
    axis, beside = figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == [
        "all patients", "view", "PA", "AP", "age band", "under 40", "40-59",
    ]  # fmt: skip
    told = [text.get_text() for text in beside.texts]
    assert told[0] == "0.80 (0.60 to 0.95), 60"
    assert told[2] == "0.80 (0.60 to 0.95), 60; a class of under 11"
    assert told[3:] == ["one class only", "n/d"]
    marks = [line.get_markerfacecolor() for line in axis.lines if line.get_marker() == "s"]
    assert marks[2] == "white" != marks[1]


def test_why_a_network_is_not_interpreted_stands_once_above(tmp_path: Path) -> None:
    why = "fewer than 11 patients of class Medicaid in the test split (insurance)"
    blind = MODEL.with_columns(reason=pl.lit(why))
    figure = forest_figure(subgroup_rows(FOUND, blind, "gender"))
    assert figure is not None
    assert figure.get_suptitle() == f"not interpretable: {why}"
    assert not any(why in text.get_text() for text in figure.axes[1].texts)
    # A warning of the layout, which would be an error here, is none.
    figures.save(figure, tmp_path, "forest")


def test_no_figure_without_a_value() -> None:
    assert forest_figure(subgroup_rows(metrics(WHOLE | NOTHING), MODEL, "gender")) is None
