"""Several trainings as one estimate, and the rows that come of pairs of networks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import inputs_of, model

from cxrcore.associations.estimate import Estimate
from cxrcore.associations.evidence import Evidence, joined, rows_of, with_trainings
from cxrcore.associations.inputs import Images
from cxrcore.associations.parts import matched
from data_contracts.associations import ASSOCIATIONS


def one(value: float, half: float = 0.1, p: float | None = 0.01, **changes: Any) -> Estimate:
    return Estimate("r", value, 50, "adjusted", value - half, value + half, p, "a null", **changes)


def test_the_interval_holds_patients_and_trainings() -> None:
    same = joined([one(0.5)] * 3)
    assert [same.value, same.low, same.high] == pytest.approx([0.5, 0.4, 0.6])
    spread = joined([one(0.3), one(0.5), one(0.7)])
    assert spread.value == pytest.approx(0.5)
    # Student's t of two degrees of freedom times 0.2 / √3, beside 0.1 of the patients.
    assert spread.low == pytest.approx(0.5 - np.hypot(0.1, 4.3027 * 0.2 / np.sqrt(3)), abs=1e-3)


def test_no_interval_leaves_the_range_of_its_statistic() -> None:
    each = [one(0.3), one(0.8), one(0.95)]
    assert (joined(each).high or 0) > 1
    bounded = joined([replace(e, statistic="pearson_of_class_differences") for e in each])
    assert bounded.low == pytest.approx(joined(each).low)
    assert bounded.high == 1
    small = [replace(one(v), statistic="score_separation") for v in (0.0, 0.1, 0.3)]
    assert joined(small).low == 0
    certain = [replace(one(v, 0.02), statistic="c_index") for v in (0.85, 0.9, 0.97)]
    assert joined(certain).high == 1


def test_hazard_ratios_are_joined_on_the_log_scale() -> None:
    each = [replace(one(v), statistic="hazard_ratio", low=v / 2, high=v * 2) for v in (2, 8, 32)]
    found = joined(each)
    assert found.value == pytest.approx(8)
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < 1 < 8 < found.high
    assert found.low * found.high == pytest.approx(64)


def test_p_is_that_of_the_least_certain_training() -> None:
    found = joined([one(0.5, p=0.001), one(0.5, p=0.2), one(0.5, p=0.01)])
    assert found.p == 0.2
    assert joined([one(0.5), one(0.5, reason="blind")]).reason == "blind"


def test_about_95_of_100_intervals_hold_the_mean_over_patients_and_trainings() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(1000):
        patients = rng.normal(0, 0.05)
        values = patients + rng.normal(0, 0.05, 3)
        found = joined([one(v, 1.96 * 0.05) for v in values])
        held += found.low is not None and found.high is not None and found.low <= 0 <= found.high
    assert 935 <= held <= 985


def found_of(*names: str, control: str = "none", value: float = 0.5) -> list[Evidence]:
    """Evidence of gender for pairs of models of these names."""
    out = []
    for i, name in enumerate(names):
        pair = (model("mortality", name, i), model("gender", name, i, control))
        estimate = one(value + 0.01 * i, resampled=np.full(3, value))
        out.append(Evidence("attribution", "gender", *pair, "all", "all", estimate))
    return out


def test_three_trainings_stand_for_their_pair_and_two_do_not() -> None:
    names = ("main", "seed1", "seed2")
    for count in (2, 3):
        found = found_of(*names[:count])
        inputs = inputs_of([m for e in found for m in e.models])
        rows = rows_of(with_trainings(found, inputs), inputs)
        assert [r["trainings"] for r in rows] == [1] * count + [3] * (count == 3)
        assert [r["primary"] for r in rows].count(True) == 1
        assert next(r for r in rows if r["primary"])["trainings"] == (3 if count == 3 else 1)
        frame = pl.DataFrame(rows, schema=pl.DataFrame(ASSOCIATIONS.example()).schema)
        assert frame.select(ASSOCIATIONS.key).is_unique().all()


def test_controls_are_no_training_and_stand_for_nothing() -> None:
    found = [*found_of("main", "seed1"), *found_of("null", control="permuted-labels")]
    inputs = inputs_of([m for e in found for m in e.models])
    rows = rows_of(with_trainings(found, inputs), inputs)
    assert [r["control"] for r in rows] == ["none", "none", "permuted-labels"]
    assert [r["primary"] for r in rows] == [True, False, False]


def test_a_network_that_may_not_be_interpreted_gives_its_reason() -> None:
    found = found_of("main")
    inputs = inputs_of([m for e in found for m in e.models])
    blind = replace(
        inputs, reasons={m.key: "" for m in inputs.models} | {("gender", "main"): "blind"}
    )
    (row,) = rows_of(found, blind)
    assert (row["interpretable"], row["reason"]) == (False, "blind")


def test_the_reference_with_itself_is_the_ceiling() -> None:
    itself = Evidence("attribution", "mortality", model("mortality"),
                      model("mortality", "seed1", 1), "all", "all", one(0.97))  # fmt: skip
    found = [*found_of("main"), itself]
    inputs = inputs_of([m for e in found for m in e.models])
    assert [r["ceiling"] for r in rows_of(found, inputs)] == [0.97, 0.97]


def test_which_networks_are_compared() -> None:
    known = [model("mortality"), model("mortality", "seed1", 1),
             model("mortality", "null", 0, "permuted-labels"), model("gender"),
             model("gender", "seed1", 1), model("gender", "null", 0, "permuted-labels"),
             model("age", kind="value")]  # fmt: skip
    pairs = inputs_of(known).pairs({m.key for m in known})
    assert [(a, o.name, t.name) for a, o, t in pairs] == [
        ("gender", "main", "main"), ("gender", "seed1", "seed1"), ("gender", "main", "null"),
        ("gender", "null", "main"), ("mortality", "main", "seed1"), ("mortality", "main", "null"),
    ]  # fmt: skip
    assert list(inputs_of(known).pairs({("gender", "main")})) == []


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(40, 400))
def test_a_matched_set_is_alike_in_age_and_view(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    age = rng.uniform(20, 90, n)
    label = np.where(rng.random(n) < (age - 20) / 70, "M", "F")
    frame = pl.DataFrame({
        "subject_id": [f"s{i % (n // 2 + 7):03d}" for i in range(n)], "age": age,
        "view": rng.choice(["PA", "AP"], n),
        "label_gender": pl.Series(label, dtype=pl.Enum(["F", "M"])),
    })  # fmt: skip
    images = Images(frame, frame["subject_id"].unique().sort())
    chosen = matched(images, "gender", 0)
    if chosen is None:
        return
    kept = frame.filter(chosen)
    assert kept["subject_id"].is_unique().all()
    counts = kept.group_by(pl.col("age") // 5, "view", "label_gender").len()
    by_class = counts.pivot("label_gender", index=["age", "view"], values="len")
    assert by_class["F"].to_list() == by_class["M"].to_list()
    assert kept.height >= 22
