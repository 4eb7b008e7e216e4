from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrcore.replication import interval, replication
from data_contracts.associations import VERDICTS


def verdicts(**changes: object) -> pl.DataFrame:
    frame = pl.DataFrame(VERDICTS.example())
    return frame.with_columns(pl.lit(v, dtype=frame.schema[c]).alias(c) for c, v in changes.items())


def test_verdicts_of_the_same_question_stand_side_by_side() -> None:
    there = verdicts(verdict="shared", value=0.9, low=0.8, high=1.0)
    (row,) = replication(verdicts(), {"b": there}).to_dicts()
    assert (row["workspace"], row["attribute"]) == ("b", "gender")
    assert (row["verdict"], row["verdict_there"]) == ("undetermined", "shared")
    assert (row["difference"], row["reason"]) == (pytest.approx(-0.6), None)
    half = np.hypot(0.2, 0.1)
    assert (row["low"], row["high"]) == (pytest.approx(-0.6 - half), pytest.approx(-0.6 + half))
    assert replication(verdicts(), {}).is_empty()


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        (verdicts(attribute="age"), "not asked there"),
        (verdicts(statistic="other"), "another statistic there"),
        (verdicts(value=None, suppressed=True), "no value there: few patients"),
        (verdicts(value=None, reason="blind"), "no value there: blind"),
        (verdicts(low=None), "no interval there"),
    ],
)
def test_what_cannot_be_compared_says_why(there: pl.DataFrame, reason: str) -> None:
    rows = replication(verdicts(), {"b": there}).to_dicts()
    assert rows[0]["difference"] is None
    assert rows[0]["reason"].startswith(reason)
    if there["attribute"][0] == "age":
        assert rows[1]["reason"] == "not asked here"
        assert (rows[1]["verdict"], rows[1]["value_there"]) == (None, 0.3)


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_swapping_workspaces_turns_the_sign(numbers: list[float]) -> None:
    ours, theirs = (
        dict(zip(("low", "value", "high"), sorted(n), strict=True))
        for n in (numbers[:3], numbers[3:])
    )
    there, back = interval(ours, theirs), interval(theirs, ours)
    assert [there["low"], there["high"]] == pytest.approx([-back["high"], -back["low"]])
    assert there["low"] <= ours["value"] - theirs["value"] <= there["high"]


def test_the_interval_covers_the_difference_of_two_means() -> None:
    rng = np.random.default_rng(0)

    def estimate(mean: float, n: int) -> dict[str, float]:
        x = rng.normal(mean, 1, n)
        half = 1.96 * x.std(ddof=1) / np.sqrt(n)
        return {"value": x.mean(), "low": x.mean() - half, "high": x.mean() + half}

    found = [interval(estimate(0.3, 80), estimate(0.1, 40)) for _ in range(1000)]
    assert np.mean([f["low"] <= 0.2 <= f["high"] for f in found]) == pytest.approx(0.95, abs=0.02)
