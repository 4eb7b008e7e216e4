"""Whether a small count can be worked out from all that is shown of a split together.

The rules of `subgroups` look at one table at a time. Two tables without a small count between them
may tell of a third one: where all patients of a view are of one race, its row is a row of race.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING, Any

from data_contracts.disclosure import is_small

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Cells of the joint table of all variables up to which it is searched whole.
_MOST_CELLS = 5000
#: Up to which the numbers are searched as whole ones.
_MOST_WHOLE = 500

#: Task, stratum, level, class ('': all of them).
Place = tuple[str, str, str, str]


@dataclass(frozen=True)
class Count:
    """The patients of a class within a level of a stratum, of one task."""

    place: Place
    patients: int
    shown: bool
    also: Mapping[str, str] = field(default_factory=dict)
    """By further variables the level that its patients have too."""

    @property
    def wanted(self) -> dict[str, str]:
        """By variable the level that its patients have; '': any that is known."""
        task, stratum, level, of_class = self.place
        if stratum == "true_class":
            return {task: level}
        return {task: of_class} | ({} if stratum == "all" else {stratum: level}) | {**self.also}


def worked_out(
    counts: Sequence[Count], variables: Mapping[str, Sequence[str]], least: int
) -> Place | None:
    """The first small hidden count that what is shown determines, if there is one.

    `variables` have all levels of each task and stratum. Unknown are the patients of every
    combination of levels, each of which may also be not known of a patient; what is shown are sums
    of them. Where all variables together have very many combinations, three are taken at a time.
    """
    for chosen in _searched(variables):
        here = [one for one in counts if one.wanted.keys() <= chosen.keys()]
        small = [one for one in here if not one.shown and is_small(one.patients, least)]
        if not small:
            continue
        table = _Table(chosen, [one for one in here if one.shown])
        if told := table.first_determined(small):
            return told.place
    return None


def _searched(variables: Mapping[str, Sequence[str]]) -> Iterator[Mapping[str, Sequence[str]]]:
    if prod(len(levels) + 1 for levels in variables.values()) <= _MOST_CELLS:
        yield variables
    else:
        for names in combinations(variables, 3):
            yield {name: variables[name] for name in names}


class _Table:
    """The joint table of some variables, and the sums of its cells that are shown."""

    def __init__(self, variables: Mapping[str, Sequence[str]], shown: Sequence[Count]) -> None:
        import numpy as np

        self._variables = variables
        shape = [len(levels) + 1 for levels in variables.values()]
        self._level = dict(zip(variables, np.indices(shape).reshape(len(shape), -1), strict=True))
        sums = {tuple(self._sum(one)): one.patients for one in shown}
        self._known = np.array(list(sums), dtype=float), np.array(list(sums.values()), dtype=float)

    def _sum(self, one: Count) -> NDArray[Any]:
        """Which cells (n,) a count adds up; level 0: not known."""
        import numpy as np

        inside = np.ones(len(next(iter(self._level.values()))), dtype=bool)
        for name, level in one.wanted.items():
            at = self._level[name]
            inside &= (at == 1 + self._variables[name].index(level)) if level else at > 0
        return inside

    def first_determined(self, small: Sequence[Count]) -> Count | None:
        """The first of some counts for which only one number agrees with all that is shown."""
        import numpy as np

        sums = np.array([self._sum(one) for one in small], dtype=float)
        low, high = np.full(len(small), np.inf), np.full(len(small), -np.inf)
        for i, one in enumerate(small):
            for sign in (1, -1):
                # Any two tables that agree with what is shown may already differ in this count.
                if high[i] >= low[i] + 1:
                    break
                cells = self._extreme(sign * sums[i])
                # No table agrees where patients count in several levels: nothing is determined.
                if cells is None:
                    return None
                low, high = np.minimum(low, sums @ cells), np.maximum(high, sums @ cells)
            if np.ceil(low[i] - 1e-6) >= np.floor(high[i] + 1e-6):
                return one
        return None

    def _extreme(self, weights: NDArray[Any]) -> NDArray[Any] | None:
        """The cells (n,) of least weighted sum that agree with what is shown, if there are.

        None has more than twice all the patients that are shown.
        """
        import numpy as np
        from scipy.optimize import Bounds, LinearConstraint, milp

        sums, patients = self._known
        found = milp(
            weights, integrality=np.full(len(weights), int(len(weights) <= _MOST_WHOLE)),
            bounds=Bounds(0, 2 * patients.max(initial=1)),
            constraints=LinearConstraint(sums, patients, patients) if len(sums) else None,
        )  # fmt: skip
        return np.asarray(found.x) if found.success else None
