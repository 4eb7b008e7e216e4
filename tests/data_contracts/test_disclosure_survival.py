"""Survival curves: no number of patients between two points that are shown is small."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.disclosure import is_small
from data_contracts.disclosure.survival import suppressed_points

LEAST = 11
Points = list[tuple[int, int, int]]
#: Patients who die and who are lost in an interval.
INTERVAL = st.tuples(st.integers(0, 30), st.sampled_from([0, 0, 0, 3, 20]))


def points(intervals: list[tuple[int, int]], alive: int) -> Points:
    died, lost = np.cumsum([(0, 0), *intervals], axis=0).T
    at_risk = died[-1] + lost[-1] + alive - died - lost
    return [(int(a), int(b), int(c)) for a, b, c in zip(at_risk, died, lost, strict=True)]


GROUP = st.builds(points, st.lists(INTERVAL, min_size=4, max_size=4), st.integers(0, 60))


@settings(max_examples=300)
@given(st.lists(GROUP, min_size=1, max_size=4))
def test_between_shown_points_nothing_happens_to_few(groups: list[Points]) -> None:
    curves = dict(enumerate(groups))
    hidden = suppressed_points(curves, LEAST)
    for group, found in curves.items():
        shown = [p for p, hide in zip(found, hidden[group], strict=True) if not hide]
        for before, after in combinations(shown, 2):
            assert not any(is_small(abs(a - b), LEAST) for a, b in zip(before, after, strict=True))
        assert not any(is_small(n, LEAST) for p in shown for n in p)
        if shown:
            assert shown[0] == found[0], "a curve that is shown begins with all its patients"
            assert shown[-1] == found[-1]


@settings(max_examples=300)
@given(st.lists(GROUP, min_size=2, max_size=4))
def test_a_hidden_group_is_not_what_the_others_leave(groups: list[Points]) -> None:
    curves = dict(enumerate(groups))
    hidden = suppressed_points(curves, LEAST)
    whole = [g for g in curves if all(hidden[g])]
    some = [g for g in curves if sum(curves[g][0])]
    if whole and set(whole) != set(some):
        assert len(whole) > 1
        ends = zip(*(curves[g][-1] for g in whole), strict=True)
        assert not any(is_small(sum(counts), LEAST) for counts in ends)


def test_nothing_is_suppressed_of_nobodys_patients() -> None:
    curves = {1: points([(1, 1), (0, 2)], 3), 2: points([(0, 0), (0, 0)], 1)}
    assert not any(any(hidden) for hidden in suppressed_points(curves, 0).values())
