"""Attacks by integer programming on what a summary shows of patients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any

import numpy as np
import polars as pl
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from data_contracts import disclosure
from data_contracts.disclosure.crossed import Crossing, shown_crossings
from data_contracts.disclosure.subgroups import Disclosure, disclosure_of

LEAST, MOST = 11, 1000
#: Numbers of patients of a cell of a small cohort: often none, often few.
CELL = st.sampled_from([0, 0, 0, 1, 2, 4, 7, 10, 11, 12, 15, 30, 80])


@dataclass
class Attack:
    """What may be learned of the patients' cells from linear combinations that are shown."""

    cells: np.ndarray
    """(n,) the patients of each cell of the finest table: what the attacker does not know."""
    shown: list[np.ndarray] = field(default_factory=list)
    """Which cells (n,) a published number sums."""

    def publish(self, *weights: np.ndarray) -> None:
        self.shown += weights

    def range_of(self, weights: np.ndarray) -> tuple[int, int]:
        """The least and the largest value of a sum of cells that agree with what is shown."""
        table = np.unique(np.array(self.shown), axis=0)
        known = LinearConstraint(table, table @ self.cells, table @ self.cells)
        ends = []
        for sign in (1, -1):
            found = milp(
                sign * weights, integrality=np.ones(len(weights)), bounds=Bounds(0, MOST),
                constraints=known,
            )  # fmt: skip
            assert found.success, found.message
            ends.append(sign * round(found.fun))
        return ends[0], ends[1]

    def exposed(self, suppressed: Iterable[tuple[Any, np.ndarray]], least: int) -> list[Any]:
        """The small suppressed sums that the attacker works out exactly."""
        return [
            (name, low)
            for name, weights in suppressed
            if disclosure.is_small(int(weights @ self.cells), least)
            for low, high in [self.range_of(weights)]
            if low == high
        ]


def cohorts(
    shape: Sequence[int], cell: st.SearchStrategy[int] = CELL
) -> st.SearchStrategy[np.ndarray]:
    """Random numbers of patients, mostly of few in some cells and many in others."""
    size = int(np.prod(shape))
    return st.lists(cell, min_size=size, max_size=size).map(lambda n: np.reshape(n, shape))


@dataclass(frozen=True)
class Cohort:
    """Patients by the labels of several tasks and a view; index 0 of an axis: unknown."""

    patients: np.ndarray
    tasks: int
    horizons: tuple[str, ...] = ()
    """Names of the first tasks, the shorter horizon first; others have numbers."""

    def name(self, axis: int) -> str:
        last = axis == self.patients.ndim - 1
        return "view" if last else [*self.horizons, *(f"task{i}" for i in range(9))][axis]

    def level(self, axis: int, value: int) -> str:
        return ("survived", "died")[value - 1] if axis < len(self.horizons) else f"level{value}"

    def between(self) -> np.ndarray:
        """(n,) which cells died within the second horizon and not within the first."""
        return np.asarray(self.members(1, 2) * self.members(0, 1))

    def impossible(self) -> np.ndarray:
        """(n,) which cells died within the first horizon and not the second, or lack one label."""
        lacks = abs(self.members(0, 0) - self.members(1, 0))
        return np.asarray(np.minimum(1, lacks + self.members(0, 2) * (1 - self.members(1, 2))))

    def members(self, axis: int, value: int) -> np.ndarray:
        """(n,) which cells have `value` on an axis."""
        return np.asarray(np.indices(self.patients.shape)[axis] == value, dtype=float).ravel()

    def rows(self) -> Iterator[tuple[tuple[str, str, str, str, str, str], np.ndarray]]:
        """Each count of a summary, as task, name, split, stratum, level, class and its cells."""
        shape = self.patients.shape
        names = [self.name(axis) for axis in range(len(shape))]
        for t in range(self.tasks):
            labelled = 1 - self.members(t, 0)
            groups = [("all", "all", labelled)]
            groups += [
                ("true_class" if axis == t else names[axis], self.level(axis, v),
                 labelled * self.members(axis, v))
                for axis in range(len(shape)) for v in range(1, shape[axis])
            ]  # fmt: skip
            for stratum, level, inside in groups:
                yield (names[t], "main", "test", stratum, level, ""), inside
                for c in range(1, shape[t]):
                    where = (names[t], "main", "test", stratum, level, self.level(t, c))
                    yield where, inside * self.members(t, c)

    def crossed(self) -> dict[Crossing, dict[tuple[str, str, str], np.ndarray]]:
        """By crossing each of its counts, as level, level of the other, class and its cells."""
        shape = self.patients.shape
        names = [self.name(axis) for axis in range(len(shape))]
        found = {}
        for t in range(self.tasks):
            for a, b in combinations([i for i in range(len(shape)) if i != t], 2):
                cells = {}
                for i, j, c in product(*(range(1, shape[x]) for x in (a, b)), range(shape[t])):
                    own = self.members(t, c) if c else 1 - self.members(t, 0)
                    key = (self.level(a, i), self.level(b, j), self.level(t, c) if c else "")
                    cells[key] = self.members(a, i) * self.members(b, j) * own
                found[names[t], names[a], names[b]] = cells
        return found


def counts_of(cohort: Cohort) -> pl.DataFrame:
    """What `disclosure_of` takes; subgroups without patients have no rows."""
    cells = cohort.patients.ravel()
    counts = [(*where, int(inside @ cells)) for where, inside in cohort.rows()]
    there = {c[:5] for c in counts if c[5] == "" and c[6]}
    names = ["task", "name", "split", "stratum", "level", "class", "subjects"]
    kept = [c for c in counts if c[:5] in there or c[3] == "all"]
    return pl.DataFrame(kept, schema=names, orient="row")


def decided(cohort: Cohort, least: int) -> Disclosure:
    """The decision about a cohort's counts."""
    return disclosure_of(counts_of(cohort), least)


def crossings_shown(cohort: Cohort, least: int) -> Mapping[Crossing, Mapping[Any, np.ndarray]]:
    """The crossings that are shown, with the cells of each of their counts."""
    cells, crossed = cohort.patients.ravel(), cohort.crossed()
    numbers = {
        where: {key: int(inside @ cells) for key, inside in of.items()}
        for where, of in crossed.items()
    }
    shown = shown_crossings(counts_of(cohort), numbers, decided(cohort, least), "test")
    return {where: crossed[where] for where in shown}


def attacked(cohort: Cohort, least: int) -> list[Any]:
    """The small counts that a summary suppresses and that what it shows gives away."""
    rule = decided(cohort, least)
    attack = Attack(cohort.patients.ravel())
    suppressed: list[tuple[Any, np.ndarray]] = []
    for where, inside in cohort.rows():
        if rule.hides(where[:5], where[5]):
            suppressed.append((where, inside))
        else:
            attack.publish(inside)
    shown = crossings_shown(cohort, least)
    for of in shown.values():
        attack.publish(*of.values())
    if not attack.shown:
        return []
    if cohort.horizons:
        attack.publish(cohort.impossible())
        counted = [*cohort.rows(), *((k, i) for of in shown.values() for k, i in of.items())]
        suppressed += [(("between", *k), inside * cohort.between()) for k, inside in counted]
    return attack.exposed(suppressed, least)
