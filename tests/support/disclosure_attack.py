"""An attack by integer programming on what is shown of a cohort."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from data_contracts import disclosure

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


def cohorts(shape: Sequence[int]) -> st.SearchStrategy[np.ndarray]:
    """Random numbers of patients, mostly of few in some cells and many in others."""
    size = int(np.prod(shape))
    return st.lists(CELL, min_size=size, max_size=size).map(lambda n: np.reshape(n, shape))
