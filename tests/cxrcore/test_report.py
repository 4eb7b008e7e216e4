from __future__ import annotations

import io
from typing import Any

import numpy as np
import polars as pl
import pytest

from cxrcore import reading
from cxrcore.reporting import figures, tables
from cxrcore.reporting.console import print_summary
from data_contracts.associations import ASSOCIATIONS
from data_contracts.summary import METRICS
from data_contracts.synthetic import SYNTHETIC_TRUTH


def associations(**values: dict[str, tuple[float, float, float]]) -> pl.DataFrame:
    """Rows by statistic and attribute: value, low, high."""
    example = pl.DataFrame(ASSOCIATIONS.example())
    rows: list[dict[str, Any]] = [
        example.row(0, named=True)
        | {"statistic": name, "attribute": attribute}
        | dict(zip(("value", "low", "high"), numbers, strict=True))
        for name, attributes in values.items()
        for attribute, numbers in attributes.items()
    ]
    return pl.DataFrame(rows, schema=example.schema)


def areas(**low_and_high: tuple[float | None, float | None]) -> pl.DataFrame:
    """METRICS with the interval of each task's test AUROC."""
    example = pl.DataFrame(METRICS.example())
    rows = [
        example.row(0, named=True) | {"task": task, "low": low, "high": high}
        for task, (low, high) in low_and_high.items()
    ]
    return pl.DataFrame(rows, schema=example.schema)


FOUND = associations(
    pearson_of_contrast_maps={
        "gender": (-0.2, -0.4, 0.0), "insurance": (0.99, 0.95, 1.0), "race": (0.6, 0.5, 0.97),
    },
    pearson_of_means={
        "gender": (0.7, 0.6, 0.78), "insurance": (0.8, 0.7, 0.9), "race": (0.9, 0.8, 0.95),
    },
)  # fmt: skip
SEEN = areas(mortality=(0.8, 0.9), gender=(0.9, 1.0), race=(0.51, 0.6), insurance=(0.7, 0.8))
READ = reading.judged(FOUND, SEEN)


def test_the_ranking_names_what_is_unsettled_and_what_disagrees() -> None:
    said = reading.agreement(READ)
    assert said["ranked"] == ["insurance", "race", "gender"]
    assert said["order"] == "insurance ~ race > gender"
    assert said["unsettled"] == [("insurance", "race")]
    assert said["others"] == {"mean maps": "race ~ insurance ~ gender"}
    assert said["not_read"] == {}


def test_equal_values_do_not_disagree_and_share_a_rank() -> None:
    labels = associations(cramers_v=dict.fromkeys(("gender", "race"), (0.0, 0.0, 0.1)))
    found = reading.judged(pl.concat([FOUND, labels]), SEEN)
    assert "labels, Cramér's V" not in reading.agreement(found)["others"]
    rows = tables.overlap_table(found)
    assert [r["rank"] for r in rows if r["statistic"].startswith("labels")] == ["1", "1"]


@pytest.mark.parametrize(
    ("interval", "reason"),
    [
        ((0.45, 0.6), "not read: AUROC interval contains 0.5 (race)"),
        ((0.5, 0.6), "not read: AUROC interval contains 0.5 (race)"),
        ((0.3, 0.4), "not read: AUROC interval below 0.5 (race)"),
        ((None, None), "not read: no AUROC interval (race)"),
    ],
)
def test_a_network_that_does_not_read_its_target_is_not_ranked(
    interval: tuple[float | None, float | None], reason: str
) -> None:
    seen = areas(mortality=(0.8, 0.9), gender=(0.9, 1.0), insurance=(0.7, 0.8), race=interval)
    found = reading.judged(FOUND, seen)
    said = reading.agreement(found)
    assert said["order"] == "insurance > gender"
    assert said["not_read"] == {"race": reason}
    rows = [r for r in tables.overlap_table(found) if r["attribute"] == "race"]
    assert [(r["rank"], r["not_read"]) for r in rows] == [("–", reason)] * 2


def test_without_the_reference_nothing_is_read_but_labels() -> None:
    blind = areas(mortality=(0.4, 0.6), gender=(0.9, 1.0), race=(0.8, 0.9), insurance=(0.7, 0.8))
    labels = associations(cramers_v={"race": (0.3, 0.2, 0.4)}).with_columns(
        pl.lit("label").cast(FOUND.schema["layer_of_evidence"]).alias("layer_of_evidence")
    )
    found = reading.judged(pl.concat([FOUND, labels]), blind)
    assert list(reading.rankings(found)) == ["cramers_v"]
    assert set(reading.agreement(found)["not_read"]) == {"gender", "race", "insurance"}
    assert reading.agreement(found)["order"] == ""


def test_nothing_is_said_of_an_empty_table() -> None:
    said = reading.agreement(READ.clear())
    assert said == {"ranked": [], "order": "", "unsettled": [], "others": {}, "not_read": {}}
    assert tables.overlap_table(READ.clear()) == []


def test_planted_and_found_stand_side_by_side() -> None:
    truth = pl.DataFrame(SYNTHETIC_TRUTH.example())
    mortality, gender = tables.planted_table(truth, SEEN, READ)
    assert (gender["task"], gender["planted"], gender["found"]) == ("gender", 1, 3)
    assert gender["r"] == "−0.20"
    assert (mortality["planted"], mortality["found"]) == ("–", "–")
    assert tables.planted_table(None, SEEN, READ) == []


def test_strata_do_not_give_their_few_away() -> None:
    example = pl.DataFrame(METRICS.example())
    base = example.row(0, named=True)
    levels = {"PA": 60, "AP": 55}
    rows = [base | {"subjects": 120}] + [
        base | {"stratum": "view", "level": level, "subjects": n} for level, n in levels.items()
    ]
    cells = tables.strata_table(pl.DataFrame(rows, schema=example.schema))
    # Five patients have no known view.
    assert [r["subjects"] for r in cells] == ["60", "hidden"]
    # Two tasks that differ in four patients, all of one view.
    rows = [
        base | {"task": task, "stratum": stratum, "level": level, "subjects": n}
        for task, other in (("mortality", 60), ("gender", 64))
        for stratum, level, n in (("all", "all", 60 + other), ("view", "PA", 60),
                                  ("view", "AP", other))
    ]  # fmt: skip
    cells = tables.strata_table(pl.DataFrame(rows, schema=example.schema))
    assert [r["subjects"] for r in cells] == ["hidden", "hidden", "60", "64"]


def test_numbers_for_people() -> None:
    assert figures.number(-0.5, 2) == "−0.50"
    assert figures.number(None) == "–"
    assert tables.interval({"low": None, "high": None}) == "–"


def test_terminal_summary_is_plain_text_ranked_and_hides_few_patients() -> None:
    few = SEEN.with_columns(subjects=pl.lit(7, dtype=pl.Int64))
    file = io.StringIO()
    print_summary(few, FOUND, "mortality", file)
    lines = file.getvalue().splitlines()
    assert "\x1b" not in file.getvalue()
    assert "<11" in lines[1]
    ranked = [line.split()[1] for line in lines[7:]]
    assert ranked == ["insurance", "race", "gender"]


def test_terminal_summary_says_what_is_not_read() -> None:
    file = io.StringIO()
    blind = SEEN.with_columns(low=pl.when(pl.col("task") == "race").then(0.4).otherwise("low"))
    print_summary(blind, FOUND, "mortality", file)
    lines = file.getvalue().splitlines()
    assert [line.split()[:2] for line in lines[7:]] == [
        ["1", "insurance"],
        ["2", "gender"],
        ["–", "race"],
    ]
    assert lines[-1].rstrip().endswith("not read: AUROC interval contains 0.5 (race)")


def test_roc_points_run_from_corner_to_corner_and_enclose_the_auroc() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    positive = rng.random(200) < 0.4
    scores = (rng.normal(size=200) + positive).round(1)
    false, true = figures.roc_points(scores, positive)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(roc_auc_score(positive, scores))


def test_no_similarity_figure_without_values() -> None:
    assert figures.similarity_figure(READ.clear(), "mortality") is None
