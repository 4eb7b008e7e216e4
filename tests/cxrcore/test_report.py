from __future__ import annotations

import io
from math import nan
from typing import Any

import polars as pl
import pytest

from cxrcore import interpretation
from cxrcore.evaluation.chance import Chance
from cxrcore.reporting import figures, ladder, tables
from cxrcore.reporting.console import print_summary
from data_contracts.associations import ADJUSTMENTS, ASSOCIATIONS, EVIDENCE_LEVELS, ORDERS, VERDICTS
from data_contracts.replication import REPLICATION
from data_contracts.summary import METRICS, MODELS
from data_contracts.synthetic import SYNTHETIC_TRUTH


def verdicts(**found: dict[str, tuple[str, float | None]]) -> pl.DataFrame:
    """VERDICTS by level and attribute: the verdict and the value."""
    example = pl.DataFrame(VERDICTS.example())
    rows: list[dict[str, Any]] = []
    for level, of_level in found.items():
        known = [v for _, v in of_level.values() if v is not None]
        for attribute, (verdict, value) in of_level.items():
            rank = None if value is None else 1 + sorted(known, reverse=True).index(value)
            rows.append(
                example.row(0, named=True)
                | {"attribute": attribute, "evidence_level": level, "verdict": verdict}
                | {"value": value, "rank": rank, "reason": None if value else "no map"}
            )
    return pl.DataFrame(rows, schema=example.schema)


def orders(level: str, *claimed: tuple[str, str]) -> pl.DataFrame:
    """ORDERS of a level that are claimed, after the one of race and gender, which is not."""
    example = pl.DataFrame(ORDERS.example())
    rows = [
        example.row(0, named=True)
        | {"evidence_level": level, "attribute": a, "other": b, "share": share, "above": above}
        for a, b, share, above in (
            ("race", "gender", 0.612, False), *((*two, 0.99, True) for two in claimed)
        )
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=example.schema)


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
FOUND = verdicts(
    label={"gender": ("not shared", 0.01), "race": ("undetermined", 0.08)},
    attribution={
        "insurance": ("shared", 0.99), "race": ("undetermined", 0.6),
        "gender": ("not shared", -0.2),
    },
)  # fmt: skip
SEEN = areas(mortality=(0.8, 0.9), gender=(0.9, 1.0), race=(0.51, 0.6), insurance=(0.7, 0.8))


def test_the_order_says_what_is_claimed() -> None:
    claimed = orders("attribution", ("insurance", "gender"))
    text = tables.order_text(claimed, FOUND, "attribution")
    assert text == "insurance ~ race ~ (61\u00a0%) gender"
    claimed = orders("attribution", ("insurance", "race"))
    text = tables.order_text(claimed, FOUND, "attribution")
    assert text == "insurance > (99\u00a0%) race ~ (61\u00a0%) gender"
    assert tables.order_text(claimed, FOUND, "label") == "race ~ gender"
    assert tables.order_text(claimed, FOUND, "use") == ""


def test_every_attribute_has_a_verdict_by_level() -> None:
    rows = {row["attribute"]: row["cells"] for row in tables.verdict_table(FOUND)}
    assert list(rows) == ["gender", "race", "insurance"]
    assert rows["insurance"]["attribution"] | {"reason": ""} == {
        "verdict": "shared", "value": "0.99", "interval": "0.10 to 0.50", "p": "p\u00a0=\u00a00.12",
        "reason": "",
    }  # fmt: skip
    assert "label" not in rows["insurance"]


def test_a_cell_says_what_would_have_been_seen_and_what_the_interval_lies_below() -> None:
    told = {
        "not beyond chance; smallest detectable: 0.19": "smallest detectable: 0.19",
        "not beyond chance": "not beyond chance",
    }
    for reason, cell in told.items():
        found = FOUND.with_columns(reason=pl.lit(reason))
        assert tables.verdict_table(found)[1]["cells"]["label"]["reason"] == cell
    found = FOUND.with_columns(reason=pl.lit("below 0.1, the smallest value of interest"))
    assert tables.verdict_table(found)[0]["cells"]["label"]["reason"] == "CI below 0.1"


@pytest.mark.parametrize(
    ("p", "text"), [(0.0004, "p < 0.001"), (0.0499, "p = 0.050"), (0.5, "p = 0.50"), (None, "")]
)
def test_p_values_for_people(p: float | None, text: str) -> None:
    found = FOUND.with_columns(p_holm=pl.lit(p, dtype=pl.Float64))
    assert tables.verdict_table(found)[0]["cells"]["label"]["p"].replace("\u00a0", " ") == text


def test_every_statistic_stands_beside_its_null() -> None:
    whole = pl.DataFrame(ASSOCIATIONS.example())
    part = whole.with_columns(stratum=pl.lit("age_band"), level=pl.lit("40-59"))
    control = whole.with_columns(primary=pl.lit(False))
    found = pl.concat([whole, part, control])
    (row,) = tables.evidence_table(found, divided=False)
    assert (row["value"], row["band"], row["ceiling"]) == ("0.30", "−0.40 to 0.45", "0.99")
    assert (row["p"], row["null"], row["adjustment"]) == ("0.12", "Moran surrogates", "crude")
    (row,) = tables.evidence_table(found, divided=True)
    assert row["within"] == "age band: 40-59"


def test_a_question_that_was_not_asked_has_no_verdict_there() -> None:
    example = pl.DataFrame(REPLICATION.example())
    empty = example.with_columns(
        pl.lit(None).cast(example.schema[n]).alias(n) for n in ("verdict_there", "value_there")
    )
    (row,) = tables.replication_table(empty)
    assert row["there"] == "–" != row["here"]


def test_statistics_of_prognosis_have_covariates_of_their_own() -> None:
    asked = (("c_index", "crude"), ("c_index_gain", "adjusted"), ("hazard_ratio", "adjusted"))
    found = pl.concat([
        pl.DataFrame(ASSOCIATIONS.example()).with_columns(
            evidence_level=pl.lit("prognosis", dtype=pl.Enum(EVIDENCE_LEVELS)),
            statistic=pl.lit(statistic),
            adjustment=pl.lit(adjustment, dtype=pl.Enum(ADJUSTMENTS)),
        )
        for statistic, adjustment in asked
    ])  # fmt: skip
    shown = [row["adjustment"] for row in tables.prognosis_table(found)]
    assert shown == ["crude", "beside age", "adjusted for age and sex"]


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
    strata = hidden.with_columns(stratum=pl.lit("age_band"), level=pl.lit("under 40"))
    row = tables.strata_table(strata, KNOWN)[0]
    assert (row["stratum"], row["value"], row["subjects"]) == ("age band", "n/d", "n/d")


def test_planted_and_found_stand_side_by_side() -> None:
    truth = pl.DataFrame(SYNTHETIC_TRUTH.example())
    auroc = tables.test_auroc(SEEN, KNOWN)
    mortality, gender = tables.planted_table(truth, auroc, FOUND)
    assert (gender["task"], gender["planted"], gender["found"]) == ("gender", 1, 3)
    assert gender["r"] == "−0.20"
    assert (mortality["planted"], mortality["found"]) == ("–", "–")
    assert tables.planted_table(None, auroc, FOUND) == []


def test_numbers_for_people() -> None:
    assert figures.number(-0.5, 2) == "−0.50"
    assert figures.number(None) == "–"
    assert tables.interval({"low": None, "high": None}) == "–"


def test_terminal_summary_is_plain_text_and_hides_few_patients() -> None:
    few = SEEN.with_columns(subjects=pl.lit(None, dtype=pl.Int64))
    file = io.StringIO()
    print_summary(KNOWN, few, FOUND, "mortality", file)
    lines = file.getvalue().splitlines()
    assert "\x1b" not in file.getvalue()
    assert lines[1].split()[-1] == "n/d"
    assert lines[6].split() == ["evidence", "shared", "with", "mortality", "label", "attribution"]
    told = {line.split()[0]: " ".join(line.split()[1:]) for line in lines[7:]}
    assert told == {
        "gender": "not shared (0.01) not shared (−0.20)",
        "race": "undetermined (0.08) undetermined (0.60)",
        "insurance": "– shared (0.99)",
    }


def test_nothing_is_said_where_nothing_was_compared() -> None:
    file = io.StringIO()
    print_summary(KNOWN, SEEN, FOUND.clear(), "mortality", file)
    assert "shared" not in file.getvalue()
    assert tables.verdict_table(FOUND.clear()) == []
    nothing = pl.DataFrame(ASSOCIATIONS.example()).clear()
    assert tables.evidence_table(nothing, divided=False) == []
    assert ladder.ladder_figure(nothing, FOUND.clear(), KNOWN) is None
    empty = FOUND.with_columns(value=pl.lit(None, dtype=pl.Float64))
    assert ladder.ladder_figure(nothing, empty, KNOWN) is None


def test_the_ladder_has_a_panel_for_every_level_with_a_value() -> None:
    found = pl.DataFrame(ASSOCIATIONS.example())
    figure = ladder.ladder_figure(found, FOUND, KNOWN)
    assert figure is not None
    shown = [axis for axis in figure.axes if axis.axison]
    assert [axis.get_title() for axis in shown] == ["label", "attribution"]


def test_the_ladder_has_a_rung_for_a_network_that_differs_in_more_than_the_seed() -> None:
    example = pl.DataFrame(ASSOCIATIONS.example()).with_columns(
        attribute=pl.lit("mortality"), reference_name=pl.lit("main")
    )
    rows = [
        example.with_columns(attribute_name=pl.lit(name), value=pl.lit(value))
        for name, value in (("seed1", 0.9), ("deep", 0.7))
    ]
    known = models(("mortality", "main"), ("mortality", "seed1"), ("mortality", "deep"))
    known = known.with_columns(group=pl.Series(["main", "main", "deep"]))
    found = ladder._otherwise(pl.concat(rows), known)
    assert found["value"].to_list() == [0.7]


def test_rungs_that_are_not_there_are_named_and_not_in_the_legend() -> None:
    found = pl.DataFrame(ASSOCIATIONS.example())
    permuted = found.with_columns(control=pl.lit("permuted-labels", found.schema["control"]))
    found = pl.concat([found.with_columns(ceiling=None), permuted.with_columns(ceiling=None)])
    found = found.with_columns(adjustment=pl.lit("adjusted"))
    # A ceiling of what decides nothing is no rung.
    crude = pl.DataFrame(ASSOCIATIONS.example())
    found = pl.concat([found.cast(crude.schema), crude])
    absent = ladder.absent_rungs(found, FOUND, KNOWN)
    assert absent == [
        "untrained network (random weights)", "untrained network (pretrained weights)",
        "the reference with itself", "the reference trained otherwise",
    ]  # fmt: skip
    figure = ladder.ladder_figure(found, FOUND, KNOWN)
    assert figure is not None
    shown = {text.get_text() for text in figure.legends[0].get_texts()}
    assert "permuted-label network" in shown
    assert not shown & set(absent)
