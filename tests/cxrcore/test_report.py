from __future__ import annotations

import io
from typing import Any

import numpy as np
import polars as pl
import pytest

from cxrcore import figures, report_tables
from cxrcore.console import print_summary
from data_contracts.cohort import COHORT_CHARACTERISTICS, COHORT_FLOW
from data_contracts.images import IMAGE_REJECTS
from data_contracts.summary import ASSOCIATIONS, METRICS
from data_contracts.synthetic import SYNTHETIC_TRUTH


def associations(**values: dict[str, tuple[float, float, float, float]]) -> pl.DataFrame:
    """Rows by statistic and attribute: value, low, high, p_holm."""
    example = pl.DataFrame(ASSOCIATIONS.example())
    rows: list[dict[str, Any]] = [
        example.row(0, named=True)
        | {"statistic": name, "attribute": attribute}
        | dict(zip(("value", "low", "high", "p_holm"), numbers, strict=True))
        for name, attributes in values.items()
        for attribute, numbers in attributes.items()
    ]
    return pl.DataFrame(rows, schema=example.schema)


FOUND = associations(
    pearson_of_contrast_maps={
        "gender": (-0.2, -0.4, 0.0, 0.9),
        "insurance": (0.99, 0.95, 1.0, 0.01),
        "race": (0.6, 0.5, 0.97, 0.01),
    },
    pearson_of_means={
        "gender": (0.7, 0.6, 0.8, 1.0), "insurance": (0.8, 0.7, 0.9, 1.0),
        "race": (0.9, 0.8, 0.95, 1.0),
    },
)  # fmt: skip


def test_the_ranking_names_what_is_claimed_what_is_unsettled_and_what_disagrees() -> None:
    said = report_tables.agreement(FOUND)
    assert said["order"] == ["insurance", "race", "gender"]
    assert said["claimed"] == ["insurance", "race"]
    assert said["overlapping"] == [("insurance", "race")]
    assert said["others"] == {"mean maps": ["race", "insurance", "gender"]}


def test_nothing_is_said_of_an_empty_table() -> None:
    said = report_tables.agreement(FOUND.clear())
    assert said == {"order": [], "others": {}, "claimed": [], "overlapping": []}
    assert report_tables.overlap_table(FOUND.clear()) == []


def test_planted_and_found_ranks_stand_side_by_side() -> None:
    truth = pl.DataFrame(SYNTHETIC_TRUTH.example())
    (row,) = report_tables.planted_table(truth, FOUND)
    assert (row["task"], row["planted"], row["found"]) == ("gender", 1, 3)
    assert report_tables.planted_table(None, FOUND) == []


def characteristics(**counts: int) -> pl.DataFrame:
    rows = [
        {
            "variable": "view",
            "level": level,
            "split": "test",
            "images": n,
            "subjects": n,
            "value": 0.5,
        }
        for level, n in counts.items()
    ]
    return pl.DataFrame(rows, schema=pl.DataFrame(COHORT_CHARACTERISTICS.example()).schema)


@pytest.mark.parametrize(
    ("counts", "want"),
    [
        ({"PA": 40, "AP": 30}, ["40 (50.0 %)", "30 (50.0 %)"]),
        # The other cell would give the small one away by the total.
        ({"PA": 40, "AP": 10}, ["hidden", "<11"]),
        ({"PA": 40, "AP": 10, "missing": 5}, ["40 (50.0 %)", "<11", "<11"]),
        ({"PA": 40, "AP": 0}, ["40 (50.0 %)", "0 (50.0 %)"]),
    ],
)
def test_table_one_hides_few_patients(counts: dict[str, int], want: list[str]) -> None:
    table = report_tables.table_one(characteristics(**counts))
    assert [row["cells"] for row in table["rows"]] == [[cell] for cell in want]


def test_no_split_gives_a_hidden_cell_away_by_the_total_of_all() -> None:
    levels = {"Black": (73, 9, 34), "White": (76, 13, 43), "Asian": (67, 5, 35)}
    rows = [
        {
            "variable": "race",
            "level": level,
            "split": split,
            "images": n,
            "subjects": n,
            "value": 0.1,
        }
        for level, counts in levels.items()
        for split, n in zip(("train", "val", "test", "all"), (*counts, sum(counts)), strict=True)
    ]
    frame = pl.DataFrame(rows, schema=pl.DataFrame(COHORT_CHARACTERISTICS.example()).schema)
    cells = np.array([row["cells"] for row in report_tables.table_one(frame)["rows"]])
    hidden = np.isin(cells, ["<11", "hidden"])
    assert (hidden.sum(axis=1) != 1).all()
    assert (hidden.sum(axis=0) != 1).all()
    assert (~hidden).any()


def test_flow_and_rejects_hide_few_images() -> None:
    flow = report_tables.flow_table(pl.DataFrame(COHORT_FLOW.example()))
    assert [row["excluded"] for row in flow] == ["0", "<11", "0"]
    rejects = pl.concat([pl.DataFrame(IMAGE_REJECTS.example())] * 12)
    assert report_tables.reject_table(rejects) == [{"reason": "not decodable", "images": "12"}]


def test_numbers_for_people() -> None:
    assert figures.number(-0.5, 2) == "−0.50"
    assert figures.number(None) == "–"
    assert report_tables.p_value(0.0004) == "<0.001"
    assert report_tables.count(5, 5) == "<11"
    assert report_tables.count(0, 0) == "0"
    assert report_tables.interval({"low": None, "high": None}) == "–"


def test_terminal_summary_is_plain_text_ranked_and_hides_few_patients() -> None:
    metrics = pl.DataFrame(METRICS.example()).with_columns(subjects=pl.lit(7, dtype=pl.Int64))
    file = io.StringIO()
    print_summary(metrics, FOUND, "mortality", file)
    lines = file.getvalue().splitlines()
    assert "\x1b" not in file.getvalue()
    assert "<11" in lines[1]
    ranked = [line.split()[1] for line in lines[4:]]
    assert ranked == ["insurance", "race", "gender"]


def test_roc_points_run_from_corner_to_corner_and_enclose_the_auroc() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    positive = rng.random(200) < 0.4
    scores = (rng.normal(size=200) + positive).round(1)
    false, true = figures.roc_points(scores, positive)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(roc_auc_score(positive, scores))


def test_no_similarity_figure_without_values() -> None:
    assert figures.similarity_figure(FOUND.clear(), "mortality") is None
