from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, kstest

from cxrcore.associations.estimate import holm, null_test

PS = st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=6)


def test_p_is_uniform_where_the_value_is_one_more_draw() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(400, 100))
    one, two = (
        [null_test(d[0], d[1:], side).p for d in draws] for side in ("greater", "two-sided")
    )
    for found in (one, two):
        assert kstest(np.array(found, dtype=float), "uniform").pvalue > 0.01


def test_band_and_smallest_effect_are_percentiles_of_the_null() -> None:
    draws = np.arange(-50.0, 51)
    found = null_test(60, draws)
    assert (found.p, found.low, found.high) == (1 / 102, -45, 45)
    assert found.smallest_effect == 45
    assert null_test(-60, draws).p == 1
    assert null_test(-60, draws, "two-sided").p == 1 / 102


def test_ties_count_against_the_claim() -> None:
    assert null_test(1.0, np.ones(9)).p == 1
    assert null_test(1.0 + 1e-15, np.ones(9)).p == 1


@pytest.mark.parametrize("draws", [np.empty(0), np.full(3, np.nan)])
def test_without_a_draw_nothing_is_tested(draws: np.ndarray) -> None:
    assert null_test(1.0, draws).p is None
    assert null_test(np.nan, np.ones(3)).p is None


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == [0.03, 0.06, 0.06]
    assert holm([0.5, None, 0.9]) == [1.0, None, 1.0]


@given(PS)
def test_holm_lies_between_p_and_bonferroni(p: list[float | None]) -> None:
    known = [v for v in p if v is not None]
    for before, after in zip(p, holm(p), strict=True):
        assert (before is None) == (after is None)
        if before is not None and after is not None:
            assert before <= after <= min(1.0, before * len(known)) + 1e-12
    # Less is claimed than where only the rate of false discoveries is held.
    if known:
        rate = false_discovery_control(known, method="bh")
        ours = [v for v in holm(p) if v is not None]
        assert all(v >= r - 1e-9 for v, r in zip(ours, rate, strict=True))
