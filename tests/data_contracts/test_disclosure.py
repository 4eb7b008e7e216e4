from __future__ import annotations

import numpy as np
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
