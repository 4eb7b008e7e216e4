from __future__ import annotations

import io
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrcore import reading
from cxrcore.reporting import disclosure, figures, tables
from cxrcore.reporting.console import print_summary
from data_contracts.cohort import COHORT_CHARACTERISTICS, COHORT_FLOW
from data_contracts.images import IMAGE_REJECTS
from data_contracts.summary import ASSOCIATIONS, METRICS
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
    table = tables.table_one(characteristics(**counts))
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
    cells = np.array([row["cells"] for row in tables.table_one(frame)["rows"]])
    hidden = np.isin(cells, ["<11", "hidden"])
    assert (hidden.sum(axis=1) != 1).all()
    assert (hidden.sum(axis=0) != 1).all()
    assert (~hidden).any()


def flow(scope: str, *steps: tuple[int, int]) -> list[dict[str, str]]:
    """The flow table of one scope from images and excluded images of each step."""
    rows = [
        {"step": i, "scope": scope, "rule": str(i), "images": n, "studies": n, "subjects": n,
         "excluded_images": out} for i, (n, out) in enumerate(steps)
    ]  # fmt: skip
    return tables.flow_table(pl.DataFrame(rows, schema=pl.DataFrame(COHORT_FLOW.example()).schema))


def test_no_difference_in_the_flow_shows_few_patients() -> None:
    rows = flow("cohort", (500, 0), (480, 20), (476, 4), (470, 6), (400, 70))
    assert [r["subjects"] for r in rows] == ["500", "480", "hidden", "hidden", "400"]
    assert [r["excluded"] for r in rows] == ["0", "20", "<11", "<11", "hidden"]
    assert [r["subjects"] for r in flow("cohort", (405, 0), (400, 5))] == ["hidden", "400"]
    assert [r["excluded"] for r in flow("cohort", (60, 0), (40, 20))] == ["0", "20"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_shown_steps_are_far_apart(taken: list[int]) -> None:
    left = [int(n) for n in 1000 - np.cumsum(taken)]
    hidden = disclosure.hidden_steps(left)
    seen = [n for n, hide in zip(left, hidden, strict=True) if not hide]
    assert seen[-1] == left[-1]
    assert not any(disclosure.is_few(a - b) for i, a in enumerate(seen) for b in seen[i:])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_hidden_parts_are_never_one_or_few_unless_all_are(parts: list[int]) -> None:
    counts = dict(enumerate(parts))
    hidden = disclosure.hidden_parts(counts)
    some = {key for key, n in counts.items() if n}
    assert {key for key, n in counts.items() if disclosure.is_few(n)} <= hidden <= some
    if hidden and hidden != some:
        assert len(hidden) > 1
        assert sum(counts[key] for key in hidden) > 10


def test_the_usable_of_a_task_do_not_give_its_few_away() -> None:
    rows = flow("insurance", (6, 6), (0, 0), (372, 0))
    assert [r["subjects"] for r in rows] == ["<11", "0", "hidden"]
    assert [r["excluded"] for r in rows] == ["<11", "0", "0"]
    rows = flow("mortality", (4, 4), (8, 8), (366, 0))
    assert [r["subjects"] for r in rows] == ["<11", "<11", "366"]


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


def test_few_rejects_are_hidden() -> None:
    rejects = pl.DataFrame(IMAGE_REJECTS.example())
    assert tables.reject_table(rejects)[0]["images"] == "<11"
    many = pl.concat([rejects] * 12)
    assert tables.reject_table(many) == [{"reason": "not decodable", "images": "12"}]


def test_numbers_for_people() -> None:
    assert figures.number(-0.5, 2) == "−0.50"
    assert figures.number(None) == "–"
    assert disclosure.count(5, 5) == "<11"
    assert disclosure.count(0, 0) == "0"
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
