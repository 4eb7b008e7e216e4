"""Which two variables the patients of a task may be divided by together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING

from data_contracts.disclosure import is_small
from data_contracts.disclosure.audit import Count, worked_out
from data_contracts.disclosure.horizons import crossings_that_tell
from data_contracts.disclosure.subgroups import (
    Cells,
    Disclosure,
    Model,
    all_counts,
    cells_of,
    one_of_each_task,
)

if TYPE_CHECKING:
    import polars as pl

#: Task and the two variables.
Crossing = tuple[str, str, str]
#: By level, level of the other variable and class ('': all of them) the patients.
Crossed = Mapping[tuple[str, str, str], int]


def shown_crossings(
    counts: pl.DataFrame, crossed: Mapping[Crossing, Crossed], found: Disclosure, split: str
) -> set[Crossing]:
    """The crossings of which every count may be shown.

    `counts` is what `found` was decided about. A crossing is shown whole or not at all: if no
    number of it is small, nor what it leaves of a level of either variable, and neither variable
    has a hidden level. Those of the same variables, of which each may be the task, are shown
    together, since they count the same patients. Crossings of two horizons are not shown where they
    tell of few deaths between these. And nothing is crossed where a small count that
    is hidden would follow from all that is shown of the split together.
    """
    models = cells_of(counts)
    of_task = one_of_each_task(models, split)
    refused = {
        frozenset(crossing)
        for crossing, cells in crossed.items()
        if not _may_be_shown(of_task[crossing[0]], crossing, cells, models, found)
    }
    refused |= set(crossings_that_tell(crossed, found.least))
    shown = {crossing for crossing in crossed if frozenset(crossing) not in refused}
    together, variables = all_counts(found, models, split)
    for task, one, other in shown:
        together += [
            Count((task, one, level, c), n, True, {other: also})
            for (level, also, c), n in crossed[task, one, other].items()
        ]
    return set() if worked_out(together, variables, found.least) else shown


def _may_be_shown(
    model: Model, crossing: Crossing, cells: Crossed, models: Mapping[Model, Cells],
    found: Disclosure,
) -> bool:  # fmt: skip
    _, *variables = crossing
    used = {
        where: of for where, of in models[model].items() if where[0] in ("all", *variables)
    }  # fmt: skip
    if any(found.hides((*model, *where), c) for where, of in used.items() for c in of):
        return False
    numbers = chain(cells.values(), *(_left(used, cells, at, variables[at]) for at in (0, 1)))
    return not any(is_small(n, found.least) for n in numbers)


def _left(used: Cells, cells: Crossed, at: int, variable: str) -> Iterator[int]:
    """What the other variable's levels leave of each level, and of each class within it."""
    for (stratum, level), of in used.items():
        if stratum == variable:
            for c, n in of.items():
                yield n - sum(m for key, m in cells.items() if (key[at], key[2]) == (level, c))
