"""What the page Heatmaps reads, hides, refuses to read, and steps through."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from dashboards import CREATED, associations, heatmaps, write_workspace

from cxrcore import reading
from data_contracts.store import Provenance, write_table
from data_contracts.mean_heatmaps import MEAN_HEATMAPS
from data_contracts.associations import ASSOCIATIONS
from tui.maps.choice import Choice
from tui.maps.data import Area, Cell, Heatmaps, Summary, interval, read_summary
from tui.maps.painting import Look, absence
from tui.maps.work import matrix, summary_artifacts
from tui.screens.heatmap_views import all_tasks, one_map, two_maps
from tui.widgets.similarity import notes_of
from tui.workspace.scan import Scanner


def summary_at(workspace: Path) -> Summary:
    return read_summary(workspace, summary_artifacts(Scanner(workspace).scan()))


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    folder = tmp_path_factory.mktemp("data") / "workspace"
    write_workspace(folder)
    return summary_at(folder)


@pytest.fixture
def heat(summary: Summary) -> Heatmaps:
    assert summary.heatmaps is not None
    return summary.heatmaps


def find(heat: Heatmaps, task: str, level: str = "all", class_name: str = "") -> Cell:
    stratum = {"all": "all", "80+": "age"}.get(level, "view")
    return heat.find((task, "main"), class_name, stratum, level)


def texts(painting: Any) -> str:
    lines = [*painting.facts, *(line for tile in painting.tiles for line in tile.lines)]
    return "\n".join(text for _, text in lines)


@pytest.mark.parametrize(
    ("low", "high"),
    [(None, None), *((a, b) for a, b in product((0.3, 0.5, 0.51), (0.4, 0.5, 0.9)) if a <= b)],
)
def test_maps_are_read_by_the_rule_of_the_report(low: float | None, high: float | None) -> None:
    row = {"task": "t", "metric": "auroc", "split": "test", "stratum": "all",
           "low": low, "high": high}  # fmt: skip
    schema = dict.fromkeys(("low", "high"), pl.Float64)
    report = reading.unread(pl.DataFrame([row], schema_overrides=schema), "t")
    assert Area(0.4, low, high).unread == report.removesuffix(" (t)")


def test_small_cells_have_neither_map_nor_count(heat: Heatmaps, summary: Summary) -> None:
    cell = find(heat, "mortality", "80+")
    assert cell.subjects == 7
    assert heat.values(cell, "contrast") is None
    painting = one_map(summary, cell, Look(), 32)
    assert "hidden: fewer than 11 subjects" in texts(painting)
    assert not re.search(r"\b7\b", texts(painting))
    red, green, blue = np.moveaxis(painting.tiles[0].image, -1, 0)
    assert (red == green).all()
    assert (green == blue).all()
    assert painting.scale is None


def test_counts_that_give_a_small_one_away_are_hidden() -> None:
    facts = heatmaps(("mortality",), ("main",))
    sizes = {"all": 120, "PA": 111, "AP": 9, "80+": 7}
    subjects = [sizes[level] for level in facts["level"]]
    cells = tuple(
        Cell(i, "mortality", "main", facts["class"][i], facts["stratum"][i], level, n, n)
        for i, (level, n) in enumerate(zip(facts["level"], subjects, strict=True))
    )
    heat = Heatmaps(cells, {"mean": facts["mean"]}, facts["mean_image"])
    pa = next(c for c in cells if c.level == "PA")
    assert heat.count_text(pa) == "≥11 subjects, n hidden"
    whole = next(c for c in cells if c.stratum == "all")
    assert heat.count_text(whole) == "120 images, 120 subjects"


def test_one_map_tells_what_must_be_known(heat: Heatmaps, summary: Summary) -> None:
    painting = one_map(summary, find(heat, "mortality"), Look(), 32)
    assert "mortality/main: died" in texts(painting)
    assert "120 images, 120 subjects" in texts(painting)
    assert "AUROC 0.720 (0.680–0.760)" in texts(painting)
    assert painting.scale is not None
    assert painting.scale.signed
    assert painting.scale.ends[0].startswith("−")


def test_a_blind_network_is_marked(heat: Heatmaps, summary: Summary) -> None:
    blind = Summary(heat, {("mortality", "main"): Area(0.52, 0.45, 0.6)})
    cell = find(heat, "mortality")
    assert "⚠ mortality not read: AUROC interval contains 0.5" in texts(
        one_map(blind, cell, Look(), 32)
    )
    pair = (cell, find(heat, "gender"))
    assert "gender not read: no AUROC interval" in texts(two_maps(blind, pair, 0, Look(), 32))
    grid = texts(all_tasks(blind, cell, Look(), 32, "", slice(0, 20)))
    assert "not read (no AUROC interval above 0.5): mortality/main, gender/main" in grid


def test_two_maps_have_the_interval_of_exactly_their_pair(heat: Heatmaps, summary: Summary) -> None:
    mortality, gender = find(heat, "mortality"), find(heat, "gender")
    for pair in ((mortality, gender), (gender, mortality)):
        said = texts(two_maps(summary, pair, 0, Look(), 32))
        assert "attention: contrast maps" in said
        assert "0.800 (0.700–0.900), 120 subjects" in said
    others = [(gender, find(heat, "race")), (mortality, find(heat, "gender", "PA"))]
    for pair in others:
        said = texts(two_maps(summary, pair, 0, Look(), 32))
        assert "no interval: not among the associations" in said
    assert not summary.between(mortality, Cell(0, "gender", "other", "M", "all", "all", 99, 99))


def test_the_difference_and_likeness_of_two_maps(heat: Heatmaps, summary: Summary) -> None:
    cell = find(heat, "gender")
    same = two_maps(summary, (cell, cell), 0, Look(), 32)
    assert "shown 1.000, magnitudes of all classes 1.000" in texts(same)
    red, green, blue = np.moveaxis(same.tiles[2].image, -1, 0)
    assert (red == green).all()
    assert (green == blue).all()
    other = find(heat, "gender", class_name="F")
    assert "shown −1.000" in texts(two_maps(summary, (cell, other), 0, Look(), 32))


def test_all_tasks_share_a_scale_and_pass_the_filter(heat: Heatmaps, summary: Summary) -> None:
    cell, look = find(heat, "mortality"), Look(scaling="common maximum")
    painting = all_tasks(summary, cell, look, 32, "", slice(0, 20))
    assert len(painting.tiles) == 9
    assert painting.scale is not None
    assert all(tile.scale is None for tile in painting.tiles)
    assert len(all_tasks(summary, cell, look, 32, "race bl", slice(0, 20)).tiles) == 1
    assert len(all_tasks(summary, cell, look, 32, "", slice(8, 16)).tiles) == 1
    small = all_tasks(summary, find(heat, "race", "80+"), look, 32, "", slice(0, 20))
    assert "<11, died" in texts(small)


def test_the_matrix_holds_whatever_the_associations_hold(tmp_path: Path) -> None:
    write_workspace(tmp_path)
    frame = associations(("mortality", "gender", "race")).with_columns(
        p_holm=pl.when(pl.col("attribute") == "race").then(0.0123),
        null=pl.lit("permuted labels"),
        low=pl.when(pl.col("attribute") == "race").then(-0.1).otherwise(pl.col("low")),
    )
    frame = frame.cast(associations(("mortality", "gender")).schema)
    new = frame.head(1).with_columns(
        layer_of_evidence=pl.lit("use").cast(frame.schema["layer_of_evidence"]),
        statistic=pl.lit("drop_of_auroc"), subjects=pl.lit(5, pl.Int64),
    )  # fmt: skip
    origin = Provenance("aggregate", {"name": "main"}, created=CREATED)
    write_table(ASSOCIATIONS, ASSOCIATIONS.path(tmp_path), pl.concat([frame, new]), origin)
    found = matrix(summary_at(tmp_path), "")
    assert found.reference == "mortality"
    assert found.rows == ("gender", "race")
    assert found.columns[0] == ("attention", "pearson_of_contrast_maps")
    assert ("use", "drop_of_auroc") in found.columns
    assert found.cell("gender", ("use", "drop_of_auroc")).lines[0] == "hidden"
    race = found.cell("race", found.columns[0])
    assert race.lines == (
        "0.300 incl. 0", "−0.100 to 0.400", "n 120", "Holm p 0.0123", "permuted labels"
    )  # fmt: skip
    assert race.colour is not None
    assert matrix(summary_at(tmp_path), "rac").rows == ("race",)


def test_attention_of_a_blind_network_has_no_colour(heat: Heatmaps, summary: Summary) -> None:
    areas = {("mortality", "main"): Area(0.9, 0.8, 1), ("gender", "main"): Area(0.5, 0.4, 0.6)}
    found = matrix(Summary(heat, areas, summary.associations, "main"), "")
    blind = found.cell("gender", ("attention", "pearson_of_contrast_maps"))
    assert blind.lines[-1] == "not read"
    assert blind.colour is None
    assert found.cell("gender", ("label", "cramers_v")).colour is not None
    assert "not read" in notes_of(found)[-1][1]
    assert "not read" not in str(notes_of(matrix(summary, "")))


def test_keys_step_through_tasks_classes_and_strata(heat: Heatmaps) -> None:
    choice = Choice()
    choice.take(heat, "gender")
    assert (choice.cell.task, choice.cell.class_name, choice.cell.level) == ("gender", "M", "all")
    choice.step_level(heat, 1)
    assert choice.cell.level == "PA"
    choice.step_task(heat, 1)
    assert (choice.cell.task, choice.cell.class_name, choice.cell.level) == ("race", "Asian", "PA")
    choice.step_class(heat, 1)
    assert choice.cell.class_name == "White"
    choice.step_task(heat, -1)
    assert (choice.cell.task, choice.cell.class_name) == ("gender", "F")
    choice.step_other()
    assert choice.cell.task == "mortality"
    before = choice.copied()
    choice.step_class(heat, 1)
    assert before.cell.class_name == "died"


def test_what_was_chosen_stays_when_maps_are_read_anew(heat: Heatmaps) -> None:
    choice = Choice()
    choice.take(heat, "race")
    choice.step_level(heat, 2)
    less = tuple(c for c in heat.cells if c.task != "mortality")
    choice.take(Heatmaps(less, heat.maps, heat.background), "gender")
    assert (choice.cell.task, choice.cell.level) == ("race", "AP")
    assert choice.pair[1].task == "gender"


def test_why_a_map_is_missing(heat: Heatmaps) -> None:
    cell = find(heat, "gender")
    gone = {q: np.full_like(m, np.nan) for q, m in heat.maps.items()}
    empty = Heatmaps(heat.cells, gone, heat.background)
    assert absence(empty, cell, "contrast") == "not shown: fewer than 11 subjects on a side"
    assert absence(heat, cell, "contrast") == ""
    within = Cell(0, "gender", "main", "M", "true_class", "F", 50, 50)
    assert absence(empty, within, "contrast") == "no contrast within one true class or outcome"


def test_intervals_never_show_a_minus_as_a_dash() -> None:
    assert interval(0.5, 0.75) == "0.500–0.750"
    assert interval(-0.5, 0.75) == "−0.500 to 0.750"
    assert interval(None, 0.75) == "no interval"


def test_a_damaged_summary_is_named(tmp_path: Path) -> None:
    write_workspace(tmp_path)
    MEAN_HEATMAPS.path(tmp_path).write_bytes(b"nothing")
    found = summary_at(tmp_path)
    assert found.heatmaps is None
    assert MEAN_HEATMAPS.name in found.problems
    assert found.areas
