from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts import disclosure


def test_few_patients_are_not_counted_out() -> None:
    assert disclosure.count(5, 5) == "<11"
    assert disclosure.count(40, 5) == "<11"
    assert disclosure.count(0, 0) == "0"
    assert disclosure.count(1234, 11) == "1,234"


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
    assert disclosure.told_by_other_tasks(patients, task, stratum) == told
    assert not disclosure.told_by_other_tasks(dict.fromkeys(patients, 99), task, stratum)
