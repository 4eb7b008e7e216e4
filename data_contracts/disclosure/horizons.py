"""Deaths between two horizons of mortality, which the counts of both tell together.

Whoever died within a horizon has died within a longer one as well, so that the difference of both
counts is a number of patients. The tasks are `mortality` and `mortality_<N>d`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import permutations
from typing import TYPE_CHECKING

from data_contracts.disclosure import is_small

if TYPE_CHECKING:
    from data_contracts.disclosure.crossed import Crossed, Crossing
    from data_contracts.disclosure.subgroups import Cells, Disclosure, Model

DIED = "died"
_TASKS = re.compile(r"mortality(_[0-9]+d)?")


def horizons(names: Iterable[str]) -> list[str]:
    """Those of some variables that are mortality within a horizon."""
    return [name for name in dict.fromkeys(names) if _TASKS.fullmatch(name)]


def suppress_between(found: Disclosure, models: Mapping[Model, Cells]) -> None:
    """Add to `found` a horizon of each two that would tell of few deaths between them.

    All levels of a stratum go, of the horizon with fewer deaths: from all but one of them, and
    the whole, the last would follow. Where the whole tells it, all strata go.
    """
    for model, cells in models.items():
        task, _, split = model
        strata = list(dict.fromkeys(stratum for stratum, _ in cells))
        for longer, theirs in models.items():
            if longer[2] == split and longer[0] != task and len(horizons((task, longer[0]))) == 2:
                told = [s for s in strata if _of_one_task(cells, theirs, s, found.least)]
                _suppress(found, model, cells, strata if "all" in told else told)
        for sooner, later in permutations(horizons(strata), 2):
            if _of_one_stratum(cells, sooner, later, found.least):
                _suppress(found, model, cells, [sooner])


def _suppress(found: Disclosure, model: Model, cells: Cells, strata: Iterable[str]) -> None:
    found.subgroups.update((*model, *where) for where in cells if where[0] in set(strata))


def _of_one_task(ours: Cells, theirs: Cells, stratum: str, least: int) -> bool:
    """Whether a longer horizon's levels of a stratum tell of few, beside ours."""
    levels = [where for where in {**ours, **theirs} if where[0] == stratum]
    few = [_few(ours.get(at, {}).get(DIED, 0), theirs.get(at, {}).get(DIED, 0), least)
           for at in levels]  # fmt: skip
    return any(few) and _deaths(ours) <= _deaths(theirs)


def _deaths(cells: Cells) -> int:
    return cells["all", "all"].get(DIED, 0)


def _of_one_stratum(cells: Cells, sooner: str, later: str, least: int) -> bool:
    """Whether any class's deaths within both horizons tell of few between them."""
    one, other = (cells.get((name, DIED), {}) for name in (sooner, later))
    return one.get("", 0) <= other.get("", 0) and any(
        _few(one.get(c, 0), other.get(c, 0), least) for c in {**one, **other}
    )


def _few(one: int, other: int, least: int) -> bool:
    return is_small(abs(one - other), least)


def crossings_that_tell(
    crossed: Mapping[Crossing, Crossed], least: int
) -> Iterator[frozenset[str]]:
    """The variables of crossings that tell of few deaths between two horizons, beside another."""
    for crossing, cells in crossed.items():
        for at, name in enumerate(crossing):
            for other in horizons([name, *(n for c in crossed for n in c)])[1:]:
                exchanged = [other if i == at else n for i, n in enumerate(crossing)]
                theirs = crossed.get((exchanged[0], exchanged[1], exchanged[2]))
                if theirs is None or name not in horizons([name]):
                    continue
                # The class of the task comes last in a key, the levels of the variables first.
                place = (2, 0, 1)[at]
                died = [key for key in {**cells, **theirs} if key[place] == DIED]
                if any(_few(cells.get(k, 0), theirs.get(k, 0), least) for k in died):
                    yield frozenset(crossing)
