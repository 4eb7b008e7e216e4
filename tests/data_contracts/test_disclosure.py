"""What is suppressed, and an attack by integer programming on what is shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from disclosure_attack import CELL, LEAST, Attack, Cohort, attacked, cohorts, decided
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts import disclosure
from data_contracts.cohort import SPLITS
from data_contracts.cohort_description import COHORT_CHARACTERISTICS, COHORT_FLOW
from data_contracts.disclosure.cohort import disclosed_characteristics, disclosed_flow
from data_contracts.disclosure.subgroups import hidden_ratios


@settings(max_examples=200)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_shown_steps_are_far_apart(taken: list[int]) -> None:
    left = [int(n) for n in 1000 - np.cumsum(taken)]
    hidden = disclosure.suppressed_steps(left, LEAST)
    seen = [n for n, hide in zip(left, hidden, strict=True) if not hide]
    assert seen[-1] == left[-1]
    assert not any(disclosure.is_small(a - b, LEAST) for i, a in enumerate(seen) for b in seen[i:])


@settings(max_examples=200)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_suppressed_parts_are_never_one_or_few_unless_all_are(parts: list[int]) -> None:
    counts = dict(enumerate(parts))
    hidden = disclosure.suppressed_parts({key: (n,) for key, n in counts.items()}, LEAST)
    some = {key for key, n in counts.items() if n}
    assert {key for key, n in counts.items() if disclosure.is_small(n, LEAST)} <= hidden <= some
    if hidden and hidden != some:
        assert len(hidden) > 1
        assert sum(counts[key] for key in hidden) >= LEAST


@pytest.mark.parametrize(
    ("task", "stratum", "told"),
    [
        ("gender", "view", False),  # the widest
        ("gender", "mortality", True),  # two have no label of mortality
        ("gender", "race", False),  # forty have no label of race
        ("mortality", "view", True),  # gender's counts of a view less these
        ("race", "view", False),
        ("race", "mortality", False),
    ],
)
def test_tasks_that_differ_in_few_patients_tell_of_them(
    task: str, stratum: str, told: bool
) -> None:
    patients = {"gender": 110, "mortality": 108, "race": 70}
    assert disclosure.reveals_small_count(patients, task, stratum, LEAST) == told
    same = dict.fromkeys(patients, 99)
    assert not disclosure.reveals_small_count(same, task, stratum, LEAST)


SHAPES = [(3, 3, 3), (3, 4, 3), (4, 4, 3), (3, 5, 3), (3, 3, 3, 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@settings(max_examples=30)
@given(data=st.data())
def test_no_small_count_of_a_summary_can_be_worked_out(
    shape: tuple[int, ...], data: st.DataObject
) -> None:
    cohort = Cohort(data.draw(cohorts(shape)), len(shape) - 1)
    assert attacked(cohort, LEAST) == []


def test_two_tables_that_are_shown_do_not_tell_a_third() -> None:
    """All of a view are of one class of each of two tasks: their common cells follow."""
    patients = np.zeros((3, 4, 3), dtype=int)
    patients[1, 2, 2] = patients[2, 1, 1] = patients[2, 3, 2] = 11
    patients[2, 2, 2] = 1
    assert attacked(Cohort(patients, 2), LEAST) == []


def characteristics(patients: dict[str, np.ndarray]) -> pl.DataFrame:
    """Table 1 of variables with levels (levels, splits); the last split is of all."""
    rows = []
    for split, name in enumerate((*SPLITS, "all")):
        for variable, table in patients.items():
            whole = np.column_stack([table, table.sum(axis=1)])[:, split]
            levels = {"all": whole.sum()} if variable == "subjects" else dict(enumerate(whole))
            rows += [(variable, str(level), name, int(n), int(n), None)
                     for level, n in levels.items()]  # fmt: skip
    schema = pl.DataFrame(COHORT_CHARACTERISTICS.example()).schema
    return pl.DataFrame(rows, schema=schema, orient="row")


@st.composite
def tables_one(draw: st.DrawFn) -> dict[str, np.ndarray]:
    """Patients of two variables by level and split: the same patients in both."""
    levels = draw(st.integers(2, 5)), draw(st.integers(2, 4))
    joint = draw(cohorts((*levels, len(SPLITS))))
    first, second = joint.sum(axis=1), joint.sum(axis=0)
    return {"subjects": first, "race": first, "view": second}


def exposed_in_table_one(patients: dict[str, np.ndarray], least: int) -> list[Any]:
    cells = np.concatenate([patients["race"].ravel(), patients["view"].ravel()])
    attack, suppressed = Attack(cells), []
    place = np.split(np.arange(len(cells)), [patients["race"].size])
    number = {n: i.reshape(patients[n].shape) for n, i in zip(("race", "view"), place, strict=True)}

    def sum_of(variable: str, level: str, split: str) -> np.ndarray:
        at = number["race" if variable == "subjects" else variable]
        at = at if level == "all" else at[int(level)]
        at = at if split == "all" else at[..., SPLITS.index(split)]
        return np.isin(np.arange(len(cells)), at).astype(float)

    for split in SPLITS:
        # Every variable counts the same patients.
        race = sum_of("race", "all", split)
        attack.publish(race - sum_of("view", "all", split))
    for row in disclosed_characteristics(characteristics(patients), least).to_dicts():
        weights = sum_of(row["variable"], row["level"], row["split"])
        if row["subjects"] is None:
            suppressed.append(((row["variable"], row["level"], row["split"]), weights))
        else:
            attack.publish(weights)
    return attack.exposed(suppressed, least)


@settings(max_examples=60)
@given(tables_one())
def test_no_small_count_of_table_one_can_be_worked_out(patients: dict[str, np.ndarray]) -> None:
    assert exposed_in_table_one(patients, LEAST) == []


#: Of the rules for images: images that each takes, with one image to a patient. Of two tasks: the
#: rules that take a label, and those that only note something.
FLOWS = st.tuples(
    st.lists(CELL, min_size=1, max_size=5), st.integers(0, 100),
    st.lists(st.lists(CELL, min_size=0, max_size=4), min_size=1, max_size=2),
)  # fmt: skip


def exposed_in_flow(flow: tuple[list[int], int, list[list[int]]], least: int) -> list[Any]:
    """Cells: what each rule takes, then per task what each takes and leaves; all are images."""
    taken, spare, tasks = flow
    kept = spare + max(sum(lost) for lost in tasks)
    cells = np.array([*taken, kept, *(n for lost in tasks for n in (*lost, kept - sum(lost)))])
    unit = np.eye(len(cells))
    rows: list[tuple[str, str, np.ndarray, np.ndarray]] = []
    after = [unit[i : len(taken) + 1].sum(axis=0) for i in range(len(taken) + 1)]
    rows.append(("cohort", "in the source", after[0], 0 * after[0]))
    rows += [("cohort", f"rule{i}", after[i + 1], unit[i]) for i in range(len(taken))]
    attack, suppressed, start = Attack(cells), [], len(taken) + 1
    for t, lost in enumerate(tasks):
        own = unit[start : start + len(lost) + 1]
        start += len(own)
        attack.publish(own.sum(axis=0) - unit[len(taken)])
        rows += [(f"task{t}", f"lost{i}", one, one) for i, one in enumerate(own[:-1])]
        rows.append((f"task{t}", "usable", own[-1], 0 * own[-1]))
    schema = pl.DataFrame(COHORT_FLOW.example()).schema
    counts = [(i, scope, rule, *[int(left @ cells)] * 3, int(out @ cells))
              for i, (scope, rule, left, out) in enumerate(rows)]  # fmt: skip
    shown = disclosed_flow(pl.DataFrame(counts, schema=schema, orient="row"), least)
    for row, (scope, rule, left, out) in zip(shown.to_dicts(), rows, strict=True):
        for name, weights in (("subjects", left), ("excluded_images", out)):
            if row[name] is None:
                suppressed.append(((scope, rule, name), weights))
            else:
                attack.publish(weights)
    return attack.exposed(suppressed, least)


@settings(max_examples=100)
@given(FLOWS)
def test_no_small_count_of_the_flow_can_be_worked_out(
    flow: tuple[list[int], int, list[list[int]]],
) -> None:
    assert exposed_in_flow(flow, LEAST) == []


def test_nothing_is_suppressed_when_no_count_is_small() -> None:
    rng = np.random.default_rng(0)
    cohort = Cohort(rng.integers(0, 4, (3, 4, 3)), 2)
    rule = decided(cohort, 0)
    assert (rule.subgroups, rule.classes) == (set(), set())
    first = rng.integers(0, 4, (3, len(SPLITS)))
    table = characteristics({"subjects": first, "race": first})
    assert disclosed_characteristics(table, 0).equals(table)
    flow = pl.DataFrame(COHORT_FLOW.example())
    assert disclosed_flow(flow, 0).equals(flow)


def test_two_cycles_of_cells_do_not_tell_what_lies_between_them() -> None:
    """Hidden cells of which every sum has two, and one that all sums together would determine."""
    race = np.array([[8, 10, 38], [30, 1, 22], [1, 0, 4], [0, 0, 19]])
    view = np.array([[7, 0, 20], [1, 11, 30], [0, 0, 7], [31, 0, 26]])
    assert exposed_in_table_one({"subjects": race, "race": race, "view": view}, LEAST) == []


@pytest.mark.parametrize(
    "flow", [([80], 9, [[]]), ([30, 12], 7, [[1]]), ([15, 0, 0], 0, [[4, 0]])], ids=str
)
def test_a_cohort_of_few_is_not_told_by_those_who_were_left_out(flow: Any) -> None:
    assert exposed_in_flow(flow, LEAST) == []


def test_a_hidden_ratio_does_not_follow_from_the_others() -> None:
    def row(stratum: str, level: str, hits: int, misses: int) -> Any:
        return ("mortality", "main", "test", stratum, level), "sensitivity", hits, misses

    rows = [row("all", "all", 105, 25), row("view", "PA", 5, 15), row("view", "AP", 100, 10)]
    hidden = {where[3:] for where, _ in hidden_ratios(rows, LEAST)}
    assert hidden == {("view", "PA"), ("view", "AP")}
    assert not hidden_ratios(rows, 0)
    rows[0] = row("all", "all", 5, 125)
    assert (rows[0][0], "sensitivity") in hidden_ratios(rows, LEAST)
