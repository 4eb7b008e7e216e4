from __future__ import annotations

import numpy as np
import pytest

from cxrcore.associations import shuffles
from cxrcore.associations.shuffles import GroupShuffles, paired_products

RNG = np.random.default_rng(0)


def test_rows_are_shuffled_within_their_groups_and_every_order_is_as_likely() -> None:
    groups = np.array([2, 0, 2, 70_000, 0, 2])
    seen = {tuple(order) for order in GroupShuffles(groups, (0,)).orders(400)}
    assert len(seen) == 6 * 2  # orders of three and of two
    assert all((groups[list(order)] == groups).all() for order in seen)
    alone = GroupShuffles(np.zeros(3, dtype=np.intp), (0,))
    together = [tuple(order) for order in alone.orders(600)]
    counts = [together.count(order) for order in set(together)]
    assert len(counts) == 6
    assert min(counts) > 60


def test_a_shuffle_is_the_permutation_of_all_rows_sorted_by_their_groups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    groups = RNG.integers(0, 7, 500)
    drawn = np.random.default_rng((1,)).permutation(500)
    want = np.empty(500, dtype=int)
    want[np.argsort(groups, kind="stable")] = drawn[np.argsort(groups[drawn], kind="stable")]
    for kept in (1 << 27, 0):
        monkeypatch.setattr(shuffles, "_MOST_KEPT", kept)
        np.testing.assert_array_equal(next(GroupShuffles(groups, (1,)).orders(9)), want)


def test_products_are_those_of_the_shuffled_rows() -> None:
    a, b = RNG.normal(size=(2, 60, 9)).astype(np.float32)
    in_groups = GroupShuffles(RNG.integers(0, 3, 60), (2,))
    found = paired_products(a, b, in_groups, 5)
    want = [(a.astype(float) * b[order]).sum() for order in in_groups.orders(5)]
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-12)
