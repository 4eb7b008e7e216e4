"""Rows shuffled within groups, and the products of paired rows under such shuffles."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxrcore.compilation import compiled

Floats = NDArray[np.float64]
Rows = NDArray[Any]


#: What a seeded generator starts from: a seed, and what it is for.
Key = tuple[int, ...]

#: Values of the permutations that are kept for the next statistic of the same patients.
_MOST_KEPT = 1 << 27
#: Threads that want the same ones wait for the first.
_drawing = threading.Lock()


class GroupShuffles:
    """Random orders of n rows that leave each in a place of its group; each in linear time."""

    def __init__(self, groups: NDArray[np.intp], key: Key) -> None:
        """`groups` (n,) are numbers; the same `key` gives the same orders."""
        names, self._group = np.unique(groups, return_inverse=True)
        self._places = np.argsort(self._group, kind="stable")
        self._starts = np.searchsorted(self._group[self._places], np.arange(len(names)))
        self._key = key

    def orders(self, count: int) -> Iterator[Rows]:
        """So many times the row (n,) that comes to each place."""
        n = len(self._group)
        for drawn in _permutations(self._key, n, count):
            if len(self._starts) <= 1:
                yield drawn
                continue
            order = np.empty_like(drawn)
            _place(drawn, self._group, self._places, self._starts.copy(), order)
            yield order


def _permutations(key: Key, n: int, count: int) -> Iterable[Rows]:
    """Permutations (n,), so many, kept for the next statistic of as many patients."""
    if count * n > _MOST_KEPT:
        return _drawn(key, n, count)
    with _drawing:
        return _kept(key, n, count)


def _drawn(key: Key, n: int, count: int) -> Iterator[Rows]:
    rng = np.random.default_rng(key)
    return (rng.permutation(n).astype(np.uint32) for _ in range(count))


def forget_permutations() -> None:
    """Free the permutations that are kept."""
    _kept.cache_clear()


@lru_cache(maxsize=2)
def _kept(key: Key, n: int, count: int) -> Rows:
    out = np.empty((count, n), dtype=np.uint32)
    for row, drawn in zip(out, _drawn(key, n, count), strict=True):
        row[:] = drawn
    return out


@compiled
def _place(drawn: Rows, group: Rows, places: Rows, following: Rows, order: Rows) -> None:
    """Rows in the order in which they were drawn, each into the next place of its group."""
    for i in range(len(drawn)):
        row = drawn[i]
        order[places[following[group[row]]]] = row
        following[group[row]] += 1


def paired_products(
    a: NDArray[np.float32], b: NDArray[np.float32], shuffles: GroupShuffles, draws: int
) -> Floats:
    """Sums (draws,) of the products of the rows of `a` (n, c) with shuffled ones of `b` (n, c)."""
    sums = np.empty(draws)
    for draw, order in enumerate(shuffles.orders(draws)):
        _product(a, b, order, sums[draw : draw + 1])
    return sums


@compiled
def _product(a: Any, b: Any, order: Rows, out: Floats) -> None:
    # A sum for each column, so that one instruction takes several of them.
    totals = np.zeros(a.shape[1])
    for i in range(len(a)):
        ours, theirs = a[i], b[order[i]]
        for j in range(totals.size):
            totals[j] += np.float64(ours[j]) * np.float64(theirs[j])
    out[0] = totals.sum()
