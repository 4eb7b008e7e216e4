"""What the page Heatmaps reads, hides, refuses to read, and steps through."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from dashboards import CREATED, LEAST, TASKS, heatmaps, models, write_workspace
from evidence_tables import COMPARED, frame_of

from data_contracts.associations import ASSOCIATIONS
from data_contracts.mean_heatmaps import MEAN_HEATMAPS
from data_contracts.store import Provenance, write_arrays, write_table
from data_contracts.summary import MODELS
from data_contracts.titles import RANKING
from tui.heatmaps.data import (
    QUANTITIES,
    Area,
    MeanHeatmaps,
    MeanMap,
    SummaryData,
    read_summary,
)
from tui.heatmaps.figure import DisplayOptions, absence
from tui.heatmaps.figures import all_tasks, one_map, two_maps
from tui.heatmaps.state import HeatmapState
from tui.heatmaps.texts import area_text, unit_of
from tui.heatmaps.work import summary_artifacts
from tui.shared.numbers import interval
from tui.workspace.scan import Scanner
from tui.workspace.tables import Tables


def summary_at(workspace: Path) -> SummaryData:
    return read_summary(Tables(workspace), summary_artifacts(Scanner(workspace).scan()))


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
    stratum = {"all": "all", "80+": "age_band"}.get(level, "view")
    return heat.find((task, "main"), class_name, stratum, level)


def texts(figure: Any) -> str:
    lines = [*figure.caption, *(line for panel in figure.panels for line in panel.lines)]
    return "\n".join(text for _, text in lines)


def test_a_suppressed_map_is_not_drawn_and_explained_once(
    heat: MeanHeatmaps, summary: SummaryData
) -> None:
    mean_map = find(heat, "mortality", "80+")
    assert mean_map.suppressed
    assert all(heat.values(mean_map, quantity) is None for quantity in QUANTITIES)
    figure = one_map(summary, mean_map, DisplayOptions(), 32)
    assert "map: n/d" in texts(figure)
    assert "patients: n/d" in texts(figure)
    assert not re.search(r"\b7\b|−1|-1", texts(figure))
    red, green, blue = np.moveaxis(figure.panels[0].image, -1, 0)
    assert (red == green).all()
    assert (green == blue).all()
    assert figure.scale is None
    pair = (mean_map, find(heat, "mortality"))
    for one in (
        figure,
        two_maps(summary, pair, 0, DisplayOptions(), 32),
        all_tasks(summary, mean_map, DisplayOptions(), 32, "", slice(0, 20)),
    ):
        assert texts(one).count("n/d: not disclosed") == 1
        assert "fewer than 11 patients" in texts(one)
    assert "n/d" not in texts(one_map(summary, pair[1], DisplayOptions(), 32))


def test_a_radiograph_of_few_patients_is_not_shown(tmp_path: Path) -> None:
    write_workspace(tmp_path)
    values = heatmaps(("gender",), ("main",)) | {"mean_image": np.full((64, 64), np.nan)}
    origin = Provenance("aggregate", {}, created=CREATED)
    path = MEAN_HEATMAPS.path(tmp_path)
    write_arrays(MEAN_HEATMAPS, path, values, origin, {"min_cell_count": LEAST})
    summary = summary_at(tmp_path)
    assert summary.heatmaps is not None
    figure = one_map(summary, find(summary.heatmaps, "gender"), DisplayOptions(), 32)
    assert len(np.unique(figure.panels[0].image)) > 1


def test_one_map_tells_what_must_be_known(heat: MeanHeatmaps, summary: SummaryData) -> None:
    figure = one_map(summary, find(heat, "mortality"), DisplayOptions(), 32)
    assert "mortality/main: died" in texts(figure)
    assert "120 images, 120 patients" in texts(figure)
    assert "AUROC 0.720 (0.680–0.760)" in texts(figure)
    assert figure.scale is not None
    assert figure.scale.signed
    assert figure.scale.ends[0].startswith("−")


BLIND = {
    ("mortality", "main"): Area(0.52, 0.45, 0.6, "AUROC not above chance"),
    ("gender", "main"): Area(reason="no interval of the AUROC"),
}


def test_a_blind_network_is_marked(heat: MeanHeatmaps, summary: SummaryData) -> None:
    blind = SummaryData(heat, BLIND)
    mean_map = find(heat, "mortality")
    warning = "⚠ maps of mortality/main not interpreted: AUROC not above chance"
    assert warning in texts(one_map(blind, mean_map, DisplayOptions(), 32))
    pair = (mean_map, find(heat, "gender"))
    assert "maps of gender/main not interpreted: no interval of the AUROC" in texts(
        two_maps(blind, pair, 0, DisplayOptions(), 32)
    )
    grid = texts(all_tasks(blind, mean_map, DisplayOptions(), 32, "", slice(0, 20)))
    assert "⚠ maps not interpreted (AUROC not above chance): mortality/main\n" in grid
    assert "⚠ maps not interpreted (no interval of the AUROC): gender/main\n" in grid
    assert "⚠" not in texts(one_map(summary, mean_map, DisplayOptions(), 32))


def test_models_say_whose_maps_may_be_interpreted(tmp_path: Path) -> None:
    write_workspace(tmp_path)
    blind = models(TASKS, ("main",)).with_columns(
        reason=pl.when(pl.col("task") == "gender").then(pl.lit("AUROC below chance (gender)")),
        interpretable=pl.col("task") != "gender",
    )
    write_table(MODELS, MODELS.path(tmp_path), blind, Provenance("aggregate", {}, created=CREATED))
    areas = summary_at(tmp_path).areas
    assert areas["gender", "main"].reason == "AUROC below chance"
    assert areas["race", "main"].reason == ""


def test_how_well_a_model_predicts() -> None:
    assert area_text(Area(0.7, 0.6, 0.8)) == "AUROC 0.700 (0.600–0.800)"
    assert area_text(Area(0.2, -0.1, 0.3, metric="r2")) == "R² 0.200 (−0.100 to 0.300)"
    assert area_text(Area(suppressed=True)) == "AUROC n/d"
    assert area_text(Area()) == "AUROC unknown"


def test_two_maps_have_the_statistics_of_exactly_their_pair(
    heat: MeanHeatmaps, summary: SummaryData
) -> None:
    mortality, gender = find(heat, "mortality"), find(heat, "gender")
    for pair in ((mortality, gender), (gender, mortality)):
        caption = texts(two_maps(summary, pair, 0, DisplayOptions(), 32))
        assert "r of class-difference maps:\n" in caption
        for adjustment in ("crude", "adjusted for age, sex, view", "matched by age and view"):
            numbers = r"0\.800 \(0\.700–0\.900\), Holm p < 0\.001, n 120\n"
            assert len(re.findall(rf"^{adjustment} +{numbers}", caption, re.MULTILINE)) == 1
        assert (
            "more in summary/associations.parquet: label (2), score (1), representation (1), "
            "use (1), attribution (1)"
        ) in caption
    others = [(gender, find(heat, "race")), (mortality, find(heat, "gender", "PA"))]
    for pair in others:
        caption = texts(two_maps(summary, pair, 0, DisplayOptions(), 32))
        assert "aggregate did not compare these two maps" in caption


def test_other_models_have_associations_of_their_own(tmp_path: Path) -> None:
    write_workspace(tmp_path, names=("main", "seed1"))
    summary = summary_at(tmp_path)
    heat = summary.heatmaps
    assert heat is not None

    def levels(a: str, b: str) -> list[str]:
        pair = [heat.find(("mortality", a), "", "all", "all"),
                heat.find(("gender", b), "", "all", "all")]  # fmt: skip
        return [row["evidence_level"] for row in summary.between(*pair)]

    state = HeatmapState()
    state.take(heat, "mortality")
    assert [m.task for m in state.pair] == ["mortality", "gender"], "another task comes first"
    assert Counter(levels("seed1", "seed1")) == Counter(level for level, _, _ in COMPARED)
    assert levels("main", "seed1").count("label") == 2, "labels belong to any models"
    assert "attribution" not in levels("main", "seed1")
    two = [heat.find(("mortality", name), "", "all", "all") for name in ("main", "seed1")]
    assert summary.associations is not None
    rows = summary.associations.filter(evidence_level="score").with_columns(
        attribute=pl.lit("mortality"), reference_name=pl.lit("main"), attribute_name=None
    )
    assert replace(summary, associations=rows).between(*two) == [], "one model's row is no pair's"


def test_several_trainings_are_named(heat: MeanHeatmaps, summary: SummaryData) -> None:
    assert summary.associations is not None
    more = summary.associations.with_columns(trainings=pl.lit(5, pl.Int64), p_holm=None)
    rows = pl.concat([more, summary.associations], how="vertical_relaxed")
    pair = (find(heat, "mortality"), find(heat, "gender"))
    caption = texts(two_maps(replace(summary, associations=rows), pair, 0, DisplayOptions(), 32))
    one, five = caption.split("r of class-difference maps")[1:]
    assert five.startswith(", 5 trainings:\n")
    assert [text.count("crude ") for text in (one, five)] == [1, 1]
    assert "0.800 (0.700–0.900), n 120\n" in five


def test_associations_without_a_value_say_why(heat: MeanHeatmaps, summary: SummaryData) -> None:
    assert summary.associations is not None
    rows = summary.associations.filter(attribute="gender").to_dicts()
    maps = [r for r in rows if r["statistic"] == RANKING]
    nothing = {"value": None, "low": None, "high": None, "p_holm": None}
    maps[0] |= nothing | {"reason": "maps have different grids (7×7 and 14×14)"}
    maps[1] |= nothing | {"suppressed": True, "subjects": None}
    found = replace(summary, associations=frame_of(ASSOCIATIONS, rows))
    pair = (find(heat, "mortality"), find(heat, "gender"))
    caption = texts(two_maps(found, pair, 0, DisplayOptions(), 32))
    assert "maps have different grids (7×7 and 14×14)" in caption
    assert re.search(r"crude +n/d\n", caption)
    assert caption.count("n/d: not disclosed") == 1


def test_the_difference_of_two_maps(heat: MeanHeatmaps, summary: SummaryData) -> None:
    mean_map = find(heat, "gender")
    same = two_maps(summary, (mean_map, mean_map), 0, DisplayOptions(), 32)
    red, green, blue = np.moveaxis(same.panels[2].image, -1, 0)
    assert (red == green).all()
    assert (green == blue).all()
    other = find(heat, "gender", class_name="F")
    apart = two_maps(summary, (mean_map, other), 0, DisplayOptions(), 32)
    assert (apart.panels[2].image != same.panels[2].image).any()
    none = two_maps(summary, (mean_map, find(heat, "gender", "80+")), 0, DisplayOptions(), 32)
    assert "a map is missing" in texts(none)


def test_maps_of_other_units_share_no_unit(heat: MeanHeatmaps) -> None:
    a, b = find(heat, "gender"), replace(find(heat, "race"), unit="years per cell")
    assert unit_of([a, a]) == "logit per cell (Grad-CAM)"
    assert unit_of([a, b]) == ""


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
    assert "n/d, died" in texts(small)


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
    for least, why in ((LEAST, "a class is missing, or n/d"), (0, "a class is missing")):
        empty = MeanHeatmaps(heat.mean_maps, gone, heat.background, least)
        assert absence(empty, mean_map, "class_difference") == f"no map: {why}"
    assert absence(heat, mean_map, "class_difference") == ""
    assert absence(heat, find(heat, "gender", "80+"), "mean") == "map: n/d"
    within = replace(mean_map, stratum="true_class", level="F")
    assert (
        absence(empty, within, "class_difference")
        == "no class difference within one observed class or outcome"
    )


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
