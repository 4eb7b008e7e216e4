from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
from networks import model

from cxrcore.model import Model
from cxrcore.reporting import about, checks
from data_contracts.associations import VERDICTS
from data_contracts.cohort import COHORT
from data_contracts.cohort_description import COHORT_FLOW
from data_contracts.summary import METRICS, MODELS

EXAMPLE = pl.DataFrame(COHORT.example())
FLOW = pl.DataFrame(COHORT_FLOW.example())


def gender(cohort: pl.DataFrame = EXAMPLE) -> Model:
    target = pl.col("label_gender").to_physical().cast(pl.Int8)
    return replace(model("gender"), predictions=cohort.select("image_id", "split", target=target))


def data(cohort: pl.DataFrame = EXAMPLE, flow: pl.DataFrame = FLOW) -> list[bool | None]:
    return [check.passed for check in checks.data_checks(cohort, flow, [gender()])]


def test_good_data_pass() -> None:
    assert data() == [True, True, True]


def test_a_patient_in_two_splits_is_found() -> None:
    twins = EXAMPLE.with_columns(subject_id=pl.lit("one"))
    assert data(twins) == [False, True, True]


def test_labels_that_the_flow_does_not_account_for_are_found() -> None:
    first = pl.int_range(pl.len()) > 0
    fewer = EXAMPLE.with_columns(label_mortality=pl.when(first).then("label_mortality"))
    assert data(fewer) == [True, False, True]
    hidden = FLOW.with_columns(images=pl.lit(None, dtype=pl.Int64))
    assert data(flow=hidden) == [True, None, True]


def test_predictions_of_other_labels_or_splits_are_found() -> None:
    swapped = EXAMPLE.with_columns(label_gender=pl.col("label_gender").reverse())
    moved = EXAMPLE.with_columns(split=pl.col("split").reverse())
    assert data(swapped) == [True, True, False]
    assert data(moved)[2] is False
    assert data(EXAMPLE.head(3))[2] is False


def networks(*rows: dict[str, Any], trainings: int = 1) -> list[tuple[bool | None, str]]:
    example = pl.DataFrame(MODELS.example())
    found = pl.DataFrame([example.row(0, named=True) | row for row in rows], schema=example.schema)
    score = pl.DataFrame(METRICS.example()).with_columns(name=pl.lit("null"), value=pl.lit(0.62))
    told = checks.network_checks(score, found, trainings, [])
    return [(check.passed, check.found) for check in told]


NULL = {"name": "null", "control": "permuted-labels", "primary": False, "interpretable": False}


def test_networks_above_chance_and_null_networks_that_are_not() -> None:
    first, second, third, _ = networks({}, NULL, trainings=3)
    assert (first, second) == ((True, "1 of 1"), (True, "1 of 1"))
    assert third[0]


def test_a_blind_network_a_seeing_null_and_few_trainings_are_found() -> None:
    first, second, third, _ = networks(
        {"interpretable": False, "reason": "no AUROC (gender)"}, NULL | {"interpretable": True}
    )
    assert first == (False, "0 of 1; no AUROC (gender)")
    assert second == (False, "0 of 1; above chance: gender (null) 0.620, 0.800 to 1.000")
    assert third[0] is False


def test_without_null_networks_nothing_is_known_of_them() -> None:
    assert networks({})[1] == (None, "there are none")


def test_the_fewest_trainings_behind_a_verdict_are_told() -> None:
    verdicts = pl.DataFrame(VERDICTS.example())
    mixed = pl.concat([verdicts.with_columns(trainings=pl.lit(n, pl.Int64)) for n in (3, None, 1)])
    assert about._trainings(mixed) == (1, 3)
    assert about._trainings(verdicts.clear()) == (1, 1)
