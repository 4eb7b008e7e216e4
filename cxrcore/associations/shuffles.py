"""Rows shuffled within groups, and the products of paired rows under such shuffles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxrcore.compilation import compiled

Floats = NDArray[np.float64]
Rows = NDArray[Any]


class GroupShuffles:
    """Random orders of n rows that leave each in a place of its group; each in linear time."""

    def __init__(self, groups: NDArray[np.intp]) -> None:
        """`groups` (n,) are numbers."""
        names, self._group = np.unique(groups, return_inverse=True)
        self._places = np.argsort(self._group, kind="stable")
        self._starts = np.searchsorted(self._group[self._places], np.arange(len(names)))

    def draw(self, rng: np.random.Generator) -> NDArray[np.intp]:
        """(n,) the row that comes to each place."""
        drawn = rng.permutation(len(self._group))
        if len(self._starts) <= 1:
            return drawn
        order = np.empty_like(drawn)
        _place(drawn, self._group, self._places, self._starts.copy(), order)
        return order


@compiled
def _place(drawn: Rows, group: Rows, places: Rows, following: Rows, order: Rows) -> None:
    """Rows in the order in which they were drawn, each into the next place of its group."""
    for i in range(len(drawn)):
        row = drawn[i]
        order[places[following[group[row]]]] = row
        following[group[row]] += 1


def paired_products(
    a: NDArray[np.float32], b: NDArray[np.float32], shuffles: GroupShuffles, draws: int,
    rng: np.random.Generator,
) -> Floats:  # fmt: skip
    """Sums (draws,) of the products of the rows of `a` (n, c) with shuffled ones of `b` (n, c)."""
    sums = np.empty(draws)
    for draw in range(draws):
        _product(a, b, shuffles.draw(rng), sums[draw : draw + 1])
    return sums


def _sum_of_products(a: Any, b: Any, order: Rows, out: Floats) -> None:
    total = 0.0
    for i in range(len(a)):
        ours, theirs = a[i], b[order[i]]
        for j in range(ours.size):
            total += np.float64(ours[j]) * np.float64(theirs[j])
    out[0] = total


#: Sums may be taken in the order that suits the processor's vectors.
_product = compiled(_sum_of_products, fastmath={"reassoc"})
