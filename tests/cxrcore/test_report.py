from __future__ import annotations

import io
from math import nan
from typing import Any

import polars as pl
import pytest

from cxrcore import interpretation
from cxrcore.evaluation.chance import Chance
from cxrcore.reporting import figures, tables
from cxrcore.reporting.console import print_summary
from cxrcore.summary import Summary
from data_contracts.associations import ASSOCIATIONS
from data_contracts.summary import CURVES, METRICS, MODELS
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


def with_reason(found: pl.DataFrame, **reasons: str) -> pl.DataFrame:
    """ASSOCIATIONS in which some attributes may not be interpreted."""
    reason = pl.col("attribute").replace_strict(reasons, default=None, return_dtype=pl.String)
    return found.with_columns(reason=reason, interpretable=reason.is_null())


def areas(**low_and_high: tuple[float | None, float | None]) -> pl.DataFrame:
    """METRICS with the interval of each task's test AUROC."""
    example = pl.DataFrame(METRICS.example())
    rows = [
        example.row(0, named=True) | {"task": task, "low": low, "high": high}
        for task, (low, high) in low_and_high.items()
    ]
    return pl.DataFrame(rows, schema=example.schema)


def models(*names: tuple[str, str], **changes: Any) -> pl.DataFrame:
    """MODELS of task and name; the first of a task stands for it."""
    example = pl.DataFrame(MODELS.example())
    first = dict(reversed(names))
    rows = [
        example.row(0, named=True)
        | {"task": task, "name": name, "primary": first[task] == name} | changes
        for task, name in names
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=example.schema)


TASKS = ("mortality", "gender", "race", "insurance")
KNOWN = models(*((task, "main") for task in TASKS))
READ = associations(
    pearson_of_class_differences={
        "gender": (-0.2, -0.4, 0.0), "insurance": (0.99, 0.95, 1.0), "race": (0.6, 0.5, 0.97),
    },
    pearson_of_means={
        "gender": (0.7, 0.6, 0.78), "insurance": (0.8, 0.7, 0.9), "race": (0.9, 0.8, 0.95),
    },
)  # fmt: skip
SEEN = areas(mortality=(0.8, 0.9), gender=(0.9, 1.0), race=(0.51, 0.6), insurance=(0.7, 0.8))


def summary(metrics: pl.DataFrame, found: pl.DataFrame) -> Summary:
    return Summary(KNOWN, metrics, pl.DataFrame(CURVES.example()).clear(), {}, found, 11)


def test_the_ranking_names_what_is_unsettled_and_what_disagrees() -> None:
    said = interpretation.agreement(READ)
    assert said["ranked"] == ["insurance", "race", "gender"]
    assert said["order"] == "insurance ~ race > gender"
    assert said["unsettled"] == [("insurance", "race")]
    assert said["others"] == {"mean maps": "race ~ insurance ~ gender"}
    assert said["not_interpretable"] == {}


def test_equal_values_do_not_disagree_and_share_a_rank() -> None:
    labels = associations(cramers_v=dict.fromkeys(("gender", "race"), (0.0, 0.0, 0.1)))
    found = pl.concat([READ, labels])
    assert "Cramér's V of the labels" not in interpretation.agreement(found)["others"]
    rows = tables.associations_table(found)
    assert [r["rank"] for r in rows if r["statistic"] == "Cramér's V of the labels"] == ["1", "1"]


FEW = {"White": 99, "Asian": 10}
ENOUGH = {"White": 99, "Asian": 11}


@pytest.mark.parametrize(
    ("kind", "found", "reason"),
    [
        ("classes", Chance(0.9, 0.051, ENOUGH), "AUROC not above chance (race)"),
        ("classes", Chance(0.6, 0.05, ENOUGH), ""),
        (
            "classes",
            Chance(0.9, 0.001, FEW),
            "fewer than 11 patients of class Asian in the test split (race)",
        ),
        ("classes", Chance(nan, nan, ENOUGH), "no AUROC (race)"),
        ("multi-label", None, "no AUROC (race)"),
        ("value", Chance(0.2, 0.051, {"": 99}), "R² not above chance (race)"),
        ("value", Chance(-0.1, 0.001, {"": 99}), "R² not above chance (race)"),
        ("value", Chance(0.2, 0.001, {"": 10}), "fewer than 11 patients in the test split (race)"),
        ("value", Chance(nan, nan, {"": 99}), "no R² (race)"),
        ("value", Chance(0.1, 0.001, {"": 99}), ""),
    ],
)
def test_maps_of_a_network_that_is_not_above_chance_are_not_interpretable(
    kind: str, found: Chance | None, reason: str
) -> None:
    assert interpretation.not_interpretable("race", kind, found) == reason


def test_what_is_not_interpretable_is_not_ranked() -> None:
    found = with_reason(READ, race="AUROC not above chance (race)")
    said = interpretation.agreement(found)
    assert said["order"] == "insurance > gender"
    assert said["not_interpretable"] == {"race": "AUROC not above chance (race)"}
    rows = [r for r in tables.associations_table(found) if r["attribute"] == "race"]
    assert [(r["rank"], r["reason"]) for r in rows] == [("–", "AUROC not above chance (race)")] * 2


def test_without_interpretable_maps_only_labels_are_ranked() -> None:
    blind = with_reason(READ, **dict.fromkeys(TASKS, "AUROC not above chance (mortality)"))
    labels = associations(cramers_v={"race": (0.3, 0.2, 0.4)})
    found = pl.concat([blind, labels])
    assert list(interpretation.rankings(found)) == ["cramers_v"]
    said = interpretation.agreement(found)
    assert set(said["not_interpretable"]) == {"gender", "race", "insurance"}
    assert said["order"] == ""


def test_nothing_is_said_of_an_empty_table() -> None:
    said = interpretation.agreement(READ.clear())
    assert said == {
        "ranked": [], "order": "", "unsettled": [], "others": {}, "not_interpretable": {},
    }  # fmt: skip
    assert tables.associations_table(READ.clear()) == []


def test_every_model_has_its_row() -> None:
    known = models(("mortality", "main"), ("gender", "main"), ("gender", "seed1"))
    assert tables.models_table(SEEN, KNOWN) == []
    rows = tables.models_table(SEEN, known)
    assert [(r["task"], r["name"], r["value"]) for r in rows] == [
        ("mortality", "main", "0.900"), ("gender", "main", "0.900"), ("gender", "seed1", "–"),
    ]  # fmt: skip


def test_what_is_suppressed_reads_so() -> None:
    numbers = ("value", "low", "high", "images", "subjects", "positives")
    hidden = SEEN.with_columns(pl.lit(None).cast(SEEN.schema[n]).alias(n) for n in numbers)
    hidden = hidden.with_columns(suppressed=pl.lit(True))
    row = tables.performance_table(hidden, KNOWN)[0]
    assert (row["value"], row["interval"], row["subjects"]) == ("n/d", "–", "n/d")
    assert not row["chance"]
    strata = hidden.with_columns(stratum=pl.lit("age_band"), level=pl.lit("under 40"))
    row = tables.strata_table(strata, KNOWN)[0]
    assert (row["stratum"], row["value"], row["subjects"]) == ("age band", "n/d", "n/d")


def test_planted_and_found_stand_side_by_side() -> None:
    truth = pl.DataFrame(SYNTHETIC_TRUTH.example())
    auroc = tables.test_auroc(SEEN, KNOWN)
    mortality, gender = tables.planted_table(truth, auroc, READ)
    assert (gender["task"], gender["planted"], gender["found"]) == ("gender", 1, 3)
    assert gender["r"] == "−0.20"
    assert (mortality["planted"], mortality["found"]) == ("–", "–")
    assert tables.planted_table(None, auroc, READ) == []


def test_numbers_for_people() -> None:
    assert figures.number(-0.5, 2) == "−0.50"
    assert figures.number(None) == "–"
    assert tables.interval({"low": None, "high": None}) == "–"


def test_terminal_summary_is_plain_text_ranked_and_hides_few_patients() -> None:
    few = SEEN.with_columns(subjects=pl.lit(None, dtype=pl.Int64))
    file = io.StringIO()
    found = summary(few, READ)
    print_summary(found.models, found.metrics, found.associations, "mortality", file)
    lines = file.getvalue().splitlines()
    assert "\x1b" not in file.getvalue()
    assert lines[1].split()[-1] == "n/d"
    ranked = [line.split()[1] for line in lines[7:]]
    assert ranked == ["insurance", "race", "gender"]


def test_terminal_summary_says_what_is_not_interpretable() -> None:
    file = io.StringIO()
    found = summary(SEEN, with_reason(READ, race="AUROC not above chance (race)"))
    print_summary(found.models, found.metrics, found.associations, "mortality", file)
    lines = file.getvalue().splitlines()
    assert [line.split()[:2] for line in lines[7:]] == [
        ["1", "insurance"],
        ["2", "gender"],
        ["–", "race"],
    ]
    assert lines[-1].rstrip().endswith("AUROC not above chance (race)")


def test_no_similarity_figure_without_values() -> None:
    assert figures.similarity_figure(READ.clear(), "mortality") is None
