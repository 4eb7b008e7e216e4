"""The table of metrics as people may see it: selections, hidden counts, export."""

from __future__ import annotations

import io
from typing import Any

import polars as pl
import pytest
from dashboards import metrics

from data_contracts.summary import METRICS
from tui.results.metric_rows import Selection, as_csv, file_name, guarded, selected, title_of
from tui.results.metric_table import columns, marked, metric_table
from tui.texts.numbers import interval, number


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    """METRICS of one model, with what `rows` say of each."""
    example = pl.DataFrame(METRICS.example())
    base = example.row(0, named=True)
    return pl.DataFrame([base | row for row in rows], schema=example.schema)


def texts(frame: pl.DataFrame, name: str) -> list[str]:
    return guarded(frame)[f"{name}_text"].to_list()


def cell(stratum: str, level: str, n: int, positives: int | None = None) -> dict[str, Any]:
    return {
        "stratum": stratum, "level": level, "images": n, "subjects": n,
        "positives": n // 2 if positives is None else positives,
    }  # fmt: skip


def test_numbers_for_people() -> None:
    assert (number(0.9821), number(-0.5), number(None)) == ("0.982", "−0.500", "–")
    assert interval(0.955, 0.999) == "0.955–0.999"
    assert interval(-0.1, 0.2) == "−0.100 to 0.200"
    assert interval(None, None) == "–"


def test_the_default_is_one_row_for_each_model_on_the_test_split() -> None:
    found, hidden = selected(guarded(metrics(("gender", "race"), ("a", "b"))), Selection())
    assert found.select("task", "model", "split", "stratum", "metric").rows() == [
        (task, name, "test", "all", "auroc") for task in ("gender", "race") for name in "ab"
    ]
    assert hidden == 0


def test_cells_of_few_patients_are_left_out_and_counted() -> None:
    found, hidden = selected(guarded(metrics(("gender",), ("a",))), Selection(strata=True))
    assert found["level"].to_list() == ["all", "PA", "AP"]
    assert hidden == 1


@pytest.mark.parametrize(
    ("levels", "want"),
    [
        ({"PA": 80, "AP": 40}, ["120", "80", "40"]),
        # Five patients of no known view could be worked out.
        ({"PA": 60, "AP": 55}, ["120", "60", "hidden"]),
        ({"PA": 80, "AP": 33, "LL": 7}, ["120", "80", "hidden", "<11"]),
        # Patients with images of both views.
        ({"PA": 100, "AP": 90}, ["120", "100", "90"]),
    ],
)
def test_no_stratum_gives_a_few_away(levels: dict[str, int], want: list[str]) -> None:
    rows = [cell("all", "all", 120), *(cell("view", k, n) for k, n in levels.items())]
    assert texts(table(*rows), "subjects") == want
    images = texts(table(*rows), "images")
    assert [t[0].isdigit() for t in images] == [t[0].isdigit() for t in want]


def test_tasks_that_differ_in_few_do_not_give_them_away() -> None:
    """Two patients have no label of mortality: beside gender's counts theirs would tell of them."""
    views = {"gender": {"PA": 60, "AP": 60}, "mortality": {"PA": 60, "AP": 58}}
    rows = [
        cell(stratum, level, n) | {"task": task}
        for task, levels in views.items()
        for stratum, level, n in (("all", "all", sum(levels.values())),
                                  *(("view", k, n) for k, n in levels.items()))
    ]  # fmt: skip
    hidden = ["hidden", "hidden"]
    assert texts(table(*rows), "subjects") == ["120", "60", "60", "118", *hidden]
    assert texts(table(*rows), "positives") == ["60", "30", "30", "59", *hidden]


@pytest.mark.parametrize(
    ("positives", "want"), [(60, "60"), (7, "<11"), (115, "hidden"), (0, "0"), (120, "120")]
)
def test_positives_and_negatives_may_both_be_few(positives: int, want: str) -> None:
    assert texts(table(cell("all", "all", 120, positives)), "positives") == [want]


def test_positives_of_a_stratum_cannot_be_worked_out_from_the_others() -> None:
    rows = [
        cell("all", "all", 120, 60), cell("view", "PA", 60, 5), cell("view", "AP", 60, 55),
    ]  # fmt: skip
    assert texts(table(*rows), "positives") == ["60", "<11", "hidden"]
    # Three of the twenty images without a known view.
    rows = [
        cell("all", "all", 140, 60), cell("view", "PA", 60, 30), cell("view", "AP", 60, 27),
    ]  # fmt: skip
    assert texts(table(*rows), "positives") == ["60", "30", "hidden"]


def test_classes_add_up_to_the_images() -> None:
    sizes = {"auroc:a": 60, "auroc:b": 55, "auroc:c": 5}
    rows = [cell("all", "all", 120, n) | {"metric": m} for m, n in sizes.items()]
    rows.append(cell("all", "all", 120) | {"metric": "auprc", "positives": None})
    assert texts(table(*rows), "positives") == ["60", "hidden", "<11", "–"]


def test_kinds_gather_the_metrics_of_the_classes() -> None:
    frame = guarded(table({"metric": "auroc"}, {"metric": "auroc:White"}, {"metric": "auprc"}))
    assert frame["kind"].to_list() == ["auroc", "auroc:", "auprc"]
    assert title_of("auroc:") == "AUROC by class"
    assert title_of("calibration_slope") == "calibration slope"
    assert selected(frame, Selection(kind="auroc:"))[0]["metric"].to_list() == ["auroc:White"]
    assert selected(frame, Selection(kind=""))[0].height == 3


def test_the_export_has_all_columns_and_hides_as_the_table_does() -> None:
    rows = [cell("all", "all", 1200, 600), cell("view", "PA", 1100), cell("view", "AP", 95)]
    found, _ = selected(guarded(table(*rows)), Selection(strata=True))
    read = pl.read_csv(io.BytesIO(as_csv(found)), infer_schema=False)
    assert set(read.columns) == {f.name for f in METRICS.fields}
    assert read["subjects"].to_list() == ["1200", "1100", "hidden"]
    assert read["images"].to_list() == ["1200", "1100", "hidden"]
    assert read["value"].to_list() == ["0.9"] * 3
    chosen = Selection(kind="auroc:", strata=True)
    assert file_name(chosen) == "metrics-test-auroc-strata.csv"
    assert file_name(chosen, filtered=True) == "metrics-test-auroc-strata-filtered.csv"


def test_a_hidden_count_does_not_sort() -> None:
    rows = [cell("all", "all", 120), cell("view", "PA", 60), cell("view", "AP", 55)]
    view = metric_table(guarded(table(*rows)), Selection(strata=True), [], wide=False)
    at = view.titles.index("n")
    assert [row.values[at] for row in view.rows] == [120, 60, None]


def test_images_stand_beside_patients() -> None:
    frame = guarded(table(cell("all", "all", 82, 119) | {"images": 270}))
    view = metric_table(frame, Selection(), [], wide=False)
    assert view.titles[-3:] == ("n", "images", "pos.")
    assert view.rows[0].cells[-3:] == ("82", "270", "119")


def test_models_without_metrics_follow() -> None:
    frame = guarded(metrics(("gender",), ("a",)))
    view = metric_table(frame, Selection(), [("gender", "a"), ("race", "b")], wide=False)
    assert view.models == (("gender", "a"), ("race", "b"))
    assert view.rows[1].cells[1:3] == ("b", "–")
    assert metric_table(None, Selection(), [("race", "b")], wide=True).models == (("race", "b"),)
    assert metric_table(None, Selection(), [], wide=False).rows == ()


def test_an_auroc_that_may_be_chance_stands_out() -> None:
    frame = guarded(table({"low": 0.45}, {"model": "b", "low": 0.55}))
    chance, good = metric_table(frame, Selection(), [], wide=False).rows
    assert "warn" in chance.tones
    assert "warn" not in good.tones


@pytest.mark.parametrize("width", [79, 109])
def test_the_columns_fit(width: int) -> None:
    frame = metrics(("a-task-with-a-long-name",), ("a-model-with-a-very-long-name",))
    view = metric_table(guarded(frame), Selection(strata=True), [], wide=False)
    found = columns(view, width)
    assert sum(c.width + 2 for c in found) - 2 <= width
    assert all(c.width >= min(len(c.title), 6) for c in found)


def test_a_mark_keeps_the_columns_in_place() -> None:
    row = metric_table(guarded(metrics(("gender",), ("a",))), Selection(), [], wide=False).rows[0]
    assert row.cells[0] == "  gender"
    assert marked(row).cells == ("● gender", *row.cells[1:])
