"""Survival curves without small numbers of patients."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from data_contracts.disclosure import suppressed_parts, suppressed_steps

Group = TypeVar("Group", bound=Hashable)


def suppressed_points(
    curves: Mapping[Group, Sequence[tuple[int, int, int]]], least: int
) -> dict[Group, list[bool]]:
    """Which points of the survival curves of some groups to suppress.

    A point has the patients at risk, dead and lost to follow-up so far, in the order of time.
    Survival gives them away, and the sums over all groups are known from elsewhere. So a group
    with a small number of either at its end goes whole, and the complementary group with it; in
    the others, what happens between two points that are shown happens to no small number.
    """
    parts = {group: (sum(found[0]), *found[-1]) for group, found in curves.items()}
    whole = suppressed_parts(parts, least)
    return {
        group: [group in whole or hide for hide in _steps(points, least)]
        for group, points in curves.items()
    }


def _steps(points: Sequence[tuple[int, int, int]], least: int) -> list[bool]:
    n = sum(points[0])
    left = [(risk, n - died, n - lost) for risk, died, lost in points]
    hidden = [suppressed_steps(counts, least) for counts in zip(*left, strict=True)]
    return [any(hide) for hide in zip(*hidden, strict=True)]
