"""Mortality within several horizons: who died between two of them is not told."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from disclosure_attack import LEAST, Attack, Cohort, attacked, cohorts, crossings_shown, decided
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_contracts.cohort import SPLITS
from data_contracts.cohort_description import COHORT_CHARACTERISTICS
from data_contracts.disclosure.cohort import disclosed_characteristics

#: The shorter first; patients who died by the first, by the second, by the third, and later.
TASKS = ("mortality_30d", "mortality_90d", "mortality")
SHAPE = (len(TASKS) + 1, len(SPLITS))
UNIT = np.eye(SHAPE[0] * SHAPE[1]).reshape(*SHAPE, -1)


def cells(variable: str, level: str, split: str) -> np.ndarray:
    """Which patients a row of Table 1 counts, as weights of the cells."""
    splits = UNIT if split == "all" else UNIT[:, [SPLITS.index(split)]]
    first = 0 if variable == "subjects" else TASKS.index(variable) + 1
    parts = splits[:first] if level == "died" else splits[first:]
    weights: np.ndarray = parts.sum(axis=(0, 1))
    return weights


def table_one(patients: np.ndarray) -> pl.DataFrame:
    """What is shown."""
    names = [("subjects", "all")] + [(t, level) for t in TASKS for level in ("survived", "died")]
    rows = [
        (*name, split, n, n, None)
        for name in names for split in (*SPLITS, "all")
        for n in [int(cells(*name, split) @ patients.ravel())]
    ]  # fmt: skip
    schema = pl.DataFrame(COHORT_CHARACTERISTICS.example()).schema
    return disclosed_characteristics(pl.DataFrame(rows, schema=schema, orient="row"), LEAST)


def exposed(patients: np.ndarray) -> list[Any]:
    """What can be worked out of few patients, also of those who died between two horizons."""
    attack = Attack(patients.ravel())
    secrets = [
        (("between", split), cells(later, "died", split) - cells(sooner, "died", split))
        for sooner, later in pairwise(TASKS) for split in (*SPLITS, "all")
    ]  # fmt: skip
    for row in table_one(patients).to_dicts():
        weights = cells(row["variable"], row["level"], row["split"])
        if row["subjects"] is None:
            secrets.append((row["variable"], weights))
        else:
            attack.publish(weights)
    return attack.exposed(secrets, LEAST) if attack.shown else []


@settings(max_examples=60)
@given(cohorts(SHAPE))
@example(np.reshape([0, 1, 10, 0, 1, 0, 0, 0, 0, 1, 11, 10], SHAPE))
def test_no_small_number_of_deaths_between_two_horizons_can_be_worked_out(
    patients: np.ndarray,
) -> None:
    assert exposed(patients) == []


METRICS = ("mortality_90d", "mortality")
#: Most cells are none or many.
CELL = st.sampled_from([0, 0, 12, 30, 80, 4])


def with_horizons(patients: np.ndarray) -> Cohort:
    """Patients by death within 90 days, death within a year, another task and view."""
    cohort = Cohort(patients, patients.ndim - 1, METRICS)
    possible = 1 - cohort.impossible().reshape(patients.shape)
    return replace(cohort, patients=(patients * possible).astype(int))


@settings(max_examples=40)
@given(st.data())
def test_no_metric_tells_of_few_deaths_between_two_horizons(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(3, 3, 3), (3, 3, 3, 2)]))
    cohort = with_horizons(data.draw(cohorts(shape, CELL)))
    assert attacked(cohort, LEAST) == []


def test_a_horizon_is_hidden_by_view_where_few_died_between_in_one() -> None:
    patients = np.full((3, 3, 3), 50)
    few = patients.copy()
    few[1, 2, 2] = 4
    shown = [
        {s[3] for s in decided(with_horizons(x), LEAST).subgroups if s[0] == "mortality_90d"}
        for x in (patients, few)
    ]
    assert "view" not in shown[0]
    assert "view" in shown[1]


def test_two_horizons_are_not_crossed_where_few_died_between_in_one_cell() -> None:
    patients = np.full((3, 3, 3, 3), 50)
    far = with_horizons(patients)
    assert ("mortality", "task0", "view") in crossings_shown(far, LEAST)
    patients[1, 2, 1, 1] = 4
    cohort = with_horizons(patients)
    assert not {("mortality", "task0", "view"), ("mortality_90d", "task0", "view")} & {
        *crossings_shown(cohort, LEAST)
    }
    assert attacked(cohort, LEAST) == []


def test_horizons_far_apart_are_shown() -> None:
    assert table_one(np.full(SHAPE, 40))["subjects"].null_count() == 0
