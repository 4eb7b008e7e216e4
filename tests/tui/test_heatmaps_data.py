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
from data_contracts.associations import ASSOCIATIONS
from data_contracts.mean_heatmaps import MEAN_HEATMAPS
from data_contracts.store import Provenance, write_table
from tui.maps.data import Area, MeanHeatmaps, MeanMap, SummaryData, read_summary
from tui.maps.figure import DisplayOptions, absence
from tui.maps.map_texts import interval
from tui.maps.state import HeatmapState
from tui.maps.work import similarity_matrix, summary_artifacts
from tui.screens.heatmap_figures import all_tasks, one_map, two_maps
from tui.widgets.similarity import notes_of
from tui.workspace.scan import Scanner


def summary_at(workspace: Path) -> SummaryData:
    return read_summary(workspace, summary_artifacts(Scanner(workspace).scan()))


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> SummaryData:
    folder = tmp_path_factory.mktemp("data") / "workspace"
    write_workspace(folder)
    return summary_at(folder)


@pytest.fixture
def heat(summary: SummaryData) -> MeanHeatmaps:
    assert summary.heatmaps is not None
    return summary.heatmaps


def find(heat: MeanHeatmaps, task: str, level: str = "all", class_name: str = "") -> MeanMap:
    stratum = {"all": "all", "80+": "age"}.get(level, "view")
    return heat.find((task, "main"), class_name, stratum, level)


def texts(figure: Any) -> str:
    lines = [*figure.caption, *(line for panel in figure.panels for line in panel.lines)]
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
    assert bool(Area(0.4, low, high).not_interpreted) == bool(report)


def test_small_cells_have_neither_map_nor_count(heat: MeanHeatmaps, summary: SummaryData) -> None:
    mean_map = find(heat, "mortality", "80+")
    assert mean_map.subjects == 7
    assert heat.values(mean_map, "contrast") is None
    figure = one_map(summary, mean_map, DisplayOptions(), 32)
    assert "suppressed: fewer than 11 patients" in texts(figure)
    assert not re.search(r"\b7\b", texts(figure))
    red, green, blue = np.moveaxis(figure.panels[0].image, -1, 0)
    assert (red == green).all()
    assert (green == blue).all()
    assert figure.scale is None


def test_counts_that_give_a_small_one_away_are_hidden() -> None:
    values = heatmaps(("mortality",), ("main",))
    sizes = {"all": 120, "PA": 111, "AP": 9, "80+": 7}
    subjects = [sizes[level] for level in values["level"]]
    cells = tuple(
        MeanMap(i, "mortality", "main", values["class"][i], values["stratum"][i], level, n, n)
        for i, (level, n) in enumerate(zip(values["level"], subjects, strict=True))
    )
    heat = MeanHeatmaps(cells, {"mean": values["mean"]}, values["mean_image"])
    pa = next(c for c in cells if c.level == "PA")
    assert heat.count_text(pa) == "≥11 patients, n suppressed"
    whole = next(c for c in cells if c.stratum == "all")
    assert heat.count_text(whole) == "120 images, 120 patients"


def test_one_map_tells_what_must_be_known(heat: MeanHeatmaps, summary: SummaryData) -> None:
    figure = one_map(summary, find(heat, "mortality"), DisplayOptions(), 32)
    assert "mortality/main: died" in texts(figure)
    assert "120 images, 120 patients" in texts(figure)
    assert "AUROC 0.720 (0.680–0.760)" in texts(figure)
    assert figure.scale is not None
    assert figure.scale.signed
    assert figure.scale.ends[0].startswith("−")


def test_a_blind_network_is_marked(heat: MeanHeatmaps, summary: SummaryData) -> None:
    blind = SummaryData(heat, {("mortality", "main"): Area(0.52, 0.45, 0.6)})
    mean_map = find(heat, "mortality")
    assert "⚠ mortality: maps not interpreted (AUROC not above chance)" in texts(
        one_map(blind, mean_map, DisplayOptions(), 32)
    )
    pair = (mean_map, find(heat, "gender"))
    assert "gender: maps not interpreted (no AUROC interval)" in texts(
        two_maps(blind, pair, 0, DisplayOptions(), 32)
    )
    grid = texts(all_tasks(blind, mean_map, DisplayOptions(), 32, "", slice(0, 20)))
    assert "maps not interpreted (AUROC not above chance): mortality/main, gender/main" in grid


def test_two_maps_have_the_interval_of_exactly_their_pair(
    heat: MeanHeatmaps, summary: SummaryData
) -> None:
    mortality, gender = find(heat, "mortality"), find(heat, "gender")
    for pair in ((mortality, gender), (gender, mortality)):
        caption = texts(two_maps(summary, pair, 0, DisplayOptions(), 32))
        assert "saliency: contrast maps" in caption
        assert "0.800 (0.700–0.900), 120 patients" in caption
    others = [(gender, find(heat, "race")), (mortality, find(heat, "gender", "PA"))]
    for pair in others:
        caption = texts(two_maps(summary, pair, 0, DisplayOptions(), 32))
        assert "no CI: not among the associations" in caption
    assert not summary.between(mortality, MeanMap(0, "gender", "other", "M", "all", "all", 99, 99))


def test_the_difference_and_likeness_of_two_maps(heat: MeanHeatmaps, summary: SummaryData) -> None:
    mean_map = find(heat, "gender")
    same = two_maps(summary, (mean_map, mean_map), 0, DisplayOptions(), 32)
    assert "displayed maps 1.000; all-class magnitude 1.000" in texts(same)
    red, green, blue = np.moveaxis(same.panels[2].image, -1, 0)
    assert (red == green).all()
    assert (green == blue).all()
    other = find(heat, "gender", class_name="F")
    assert "displayed maps −1.000" in texts(
        two_maps(summary, (mean_map, other), 0, DisplayOptions(), 32)
    )


def test_all_tasks_share_a_scale_and_pass_the_filter(
    heat: MeanHeatmaps, summary: SummaryData
) -> None:
    mean_map, options = find(heat, "mortality"), DisplayOptions(scaling="common maximum")
    figure = all_tasks(summary, mean_map, options, 32, "", slice(0, 20))
    assert len(figure.panels) == 9
    assert figure.scale is not None
    assert all(panel.scale is None for panel in figure.panels)
    assert len(all_tasks(summary, mean_map, options, 32, "race bl", slice(0, 20)).panels) == 1
    assert len(all_tasks(summary, mean_map, options, 32, "", slice(8, 16)).panels) == 1
    small = all_tasks(summary, find(heat, "race", "80+"), options, 32, "", slice(0, 20))
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
    found = similarity_matrix(summary_at(tmp_path), "")
    assert found.reference == "mortality"
    assert found.rows == ("gender", "race")
    assert found.columns[0] == ("attention", "pearson_of_contrast_maps")
    assert ("use", "drop_of_auroc") in found.columns
    assert found.cell("gender", ("use", "drop_of_auroc")).lines[0] == "suppressed"
    race = found.cell("race", found.columns[0])
    assert race.lines == (
        "0.300 incl. 0", "−0.100 to 0.400", "n 120", "Holm p 0.0123", "permuted labels"
    )  # fmt: skip
    assert race.colour is not None
    assert similarity_matrix(summary_at(tmp_path), "rac").rows == ("race",)


def test_attention_of_a_blind_network_has_no_colour(
    heat: MeanHeatmaps, summary: SummaryData
) -> None:
    areas = {("mortality", "main"): Area(0.9, 0.8, 1), ("gender", "main"): Area(0.5, 0.4, 0.6)}
    found = similarity_matrix(SummaryData(heat, areas, summary.associations, "main"), "")
    blind = found.cell("gender", ("attention", "pearson_of_contrast_maps"))
    assert blind.lines[-1] == "not interpreted"
    assert blind.colour is None
    assert found.cell("gender", ("label", "cramers_v")).colour is not None
    assert "not interpreted" in notes_of(found)[-1][1]
    assert "not interpreted" not in str(notes_of(similarity_matrix(summary, "")))


def test_keys_step_through_tasks_classes_and_strata(heat: MeanHeatmaps) -> None:
    state = HeatmapState()
    state.take(heat, "gender")
    assert (state.mean_map.task, state.mean_map.class_name, state.mean_map.level) == (
        "gender",
        "M",
        "all",
    )
    state.step_level(heat, 1)
    assert state.mean_map.level == "PA"
    state.step_task(heat, 1)
    assert (state.mean_map.task, state.mean_map.class_name, state.mean_map.level) == (
        "race",
        "Asian",
        "PA",
    )
    state.step_class(heat, 1)
    assert state.mean_map.class_name == "White"
    state.step_task(heat, -1)
    assert (state.mean_map.task, state.mean_map.class_name) == ("gender", "F")
    state.step_other()
    assert state.mean_map.task == "mortality"
    before = state.copied()
    state.step_class(heat, 1)
    assert before.mean_map.class_name == "died"


def test_what_was_chosen_stays_when_maps_are_read_anew(heat: MeanHeatmaps) -> None:
    state = HeatmapState()
    state.take(heat, "race")
    state.step_level(heat, 2)
    less = tuple(c for c in heat.mean_maps if c.task != "mortality")
    state.take(MeanHeatmaps(less, heat.maps, heat.background), "gender")
    assert (state.mean_map.task, state.mean_map.level) == ("race", "AP")
    assert state.pair[1].task == "gender"


def test_why_a_map_is_missing(heat: MeanHeatmaps) -> None:
    mean_map = find(heat, "gender")
    gone = {q: np.full_like(m, np.nan) for q, m in heat.maps.items()}
    empty = MeanHeatmaps(heat.mean_maps, gone, heat.background)
    assert (
        absence(empty, mean_map, "contrast")
        == "not shown: fewer than 11 patients in one of the groups"
    )
    assert absence(heat, mean_map, "contrast") == ""
    within = MeanMap(0, "gender", "main", "M", "true_class", "F", 50, 50)
    assert absence(empty, within, "contrast") == "no contrast within one observed class or outcome"


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
