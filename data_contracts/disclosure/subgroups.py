"""Subgroups of models without small numbers of patients: one decision for all that is shown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data_contracts.disclosure import (
    reveals_small_count,
    suppressed_in_all,
    suppressed_parts,
)
from data_contracts.disclosure.audit import Count, Place, worked_out
from data_contracts.disclosure.horizons import suppress_between

if TYPE_CHECKING:
    import polars as pl

#: Strata that no other task has: its own classes, and how they were predicted.
OWN_STRATA = ("all", "true_class", "outcome")

#: Task, name, split, stratum, level.
Subgroup = tuple[str, str, str, str, str]
#: Task, name, split.
Model = tuple[str, str, str]
#: By stratum and level the patients of each class ('': of all).
Cells = Mapping[tuple[str, str], Mapping[str, int]]


@dataclass(frozen=True)
class Disclosure:
    """Which subgroups of which models, and which classes in them, are suppressed.

    One decision for metrics, curves and maps: what one of them withholds, the others do too.
    """

    least: int
    subgroups: set[Subgroup]
    classes: set[tuple[Subgroup, str]]

    def hides(self, subgroup: Subgroup, of_class: str = "") -> bool:
        return subgroup in self.subgroups or (subgroup, of_class) in self.classes


def disclosure_of(counts: pl.DataFrame, least: int) -> Disclosure:
    """What is suppressed, given the patients of every subgroup and class.

    `counts` has task, name, split, stratum, level, class (empty: all) and subjects; the stratum
    'all' is the undivided split. A subgroup of a task with two classes is suppressed as well
    when one of them is small in it: a metric of few positives is a metric of few patients.
    """
    models = cells_of(counts)
    patients: dict[str, dict[str, int]] = {}
    for (task, _, split), cells in models.items():
        patients.setdefault(split, {})[task] = cells["all", "all"][""]
    found = Disclosure(least, set(), set())
    before = -1
    while before != (before := len(found.subgroups) + len(found.classes)):
        for model, cells in models.items():
            _decide(found, model, cells, patients[model[2]])
        suppress_between(found, models)
        _decide_twins(found, models)
        if before == len(found.subgroups) + len(found.classes):
            _decide_together(found, models)
    return found


def cells_of(counts: pl.DataFrame) -> dict[Model, Cells]:
    """The counts that `disclosure_of` takes, by model, subgroup and class."""
    models: dict[Model, dict[tuple[str, str], dict[str, int]]] = {}
    names = ("task", "name", "split", "stratum", "level", "class", "subjects")
    for task, name, split, stratum, level, of_class, n in counts.select(names).iter_rows():
        cells = models.setdefault((task, name, split), {})
        cells.setdefault((stratum, level), {})[of_class] = n
    return {**models}


def _decide(found: Disclosure, model: Model, cells: Cells, patients: Mapping[str, int]) -> None:
    """Add what to suppress of one model to what is already."""
    whole, least = cells["all", "all"], found.least
    several = len(whole) > 3
    for stratum in dict.fromkeys(s for s, _ in cells):
        levels = {level: c for (s, level), c in cells.items() if s == stratum}
        where = {level: (*model, stratum, level) for level in levels}
        hidden = {(lv, c) for lv, of in levels.items() for c in of if found.hides(where[lv], c)}
        # Where a class is all of its level, or what its metrics are about, the level goes with it.
        as_one = {lv for lv, c in hidden if not c or not several or stratum == "true_class"}
        own = stratum in OWN_STRATA
        if not own and reveals_small_count(patients, model[0], stratum, least):
            as_one = set(levels)
        as_one = _hidden_levels(levels, whole, least, as_one)
        found.subgroups.update(where[level] for level in as_one)
        if several and stratum != "true_class":
            classes = {(lv, c) for lv, c in hidden if c}
            classes = _hidden_classes(levels, whole, least, classes)
            found.classes.update((where[level], c) for level, c in classes)


def _decide_twins(found: Disclosure, models: Mapping[Model, Cells]) -> None:
    """Suppress what counts the same patients as something suppressed.

    Those of class a within level b of another task are those of class b within level a of the
    other one; a true class is a class of the whole.
    """
    for model, cells in models.items():
        for (stratum, level), of in cells.items():
            for c, n in of.items():
                if not c or not n or not found.hides((*model, stratum, level), c):
                    continue
                if stratum == "all":
                    found.classes.add(((*model, "true_class", c), c))
                elif stratum == "true_class":
                    found.classes.add(((*model, "all", "all"), c))
                for other in models:
                    if other[0] == stratum and other[2] == model[2]:
                        found.classes.add(((*other, model[0], c), level))


def _decide_together(found: Disclosure, models: Mapping[Model, Cells]) -> None:
    """Suppress one subgroup more of each split of which the tables together tell a small count."""
    for split in dict.fromkeys(model[2] for model in models):
        counts, variables = all_counts(found, models, split)
        if told := worked_out(counts, variables, found.least):
            _hide_one_more(found, models, split, told, counts)


def all_counts(
    found: Disclosure, models: Mapping[Model, Cells], split: str
) -> tuple[list[Count], dict[str, list[str]]]:
    """Every count of a split, shown or not, and the levels of each variable, for `worked_out`."""
    of_task = one_of_each_task(models, split)
    variables = {task: [c for c in models[m]["all", "all"] if c] for task, m in of_task.items()}
    for model in of_task.values():
        for stratum, level in models[model]:
            if stratum not in (*OWN_STRATA, *of_task):
                known = variables.setdefault(stratum, [])
                known += [level] if level not in known else []
    counts = [
        Count((task, stratum, level, c), n, not found.hides((*model, stratum, level), c))
        for task, model in of_task.items()
        for (stratum, level), of in models[model].items()
        for c, n in of.items()
        # What was predicted is no variable here, and another class than the true one empty.
        if stratum != "outcome" and (stratum != "true_class" or c in ("", level))
    ]
    return counts, variables


def one_of_each_task(models: Iterable[Model], split: str) -> dict[str, Model]:
    """The first model of each task: its networks have the same patients, and hide the same."""
    return {task: (task, name, s) for task, name, s in reversed(list(models)) if s == split}


def _hide_one_more(
    found: Disclosure, models: Mapping[Model, Cells], split: str, told: Place,
    counts: Sequence[Count],
) -> None:  # fmt: skip
    """The smallest subgroup in the table that the count is of, else in one of its variables."""

    def far(one: Count) -> tuple[bool, bool, int]:
        own, theirs = one.place[:2], told[:2]
        return own != theirs, not {*own} & {*theirs}, one.patients

    shown = [c for c in counts if c.shown and not c.place[3] and c.place[1] != "all"]
    if shown:
        task, stratum, level, _ = min(shown, key=far).place
        same = [model for model in models if (model[0], model[2]) == (task, split)]
        found.subgroups.update((*model, stratum, level) for model in same)


def _hidden_levels(
    levels: Mapping[str, Mapping[str, int]], whole: Mapping[str, int], least: int,
    already: Collection[str],
) -> set[str]:  # fmt: skip
    """Levels to suppress, by their patients and, of two classes, by those of each."""
    names = sorted(name for name in whole if name) if len(whole) == 3 else []
    parts = {
        level: (cells[""], *(cells.get(name, 0) for name in names))
        for level, cells in levels.items()
    }
    return _suppressed_levels(parts, (whole[""], *(whole[n] for n in names)), least, already)


def _suppressed_levels(
    levels: Mapping[str, tuple[int, ...]], whole: Sequence[int], least: int,
    already: Collection[str],
) -> set[str]:  # fmt: skip
    """As `suppressed_parts`, with what the levels leave of the whole as one more part, and without.

    How many of no known level there are may be known from elsewhere: they keep no secret.
    """
    parts: dict[str | None, tuple[int, ...]] = {}
    parts.update(levels)
    if set(levels) != {"all"}:
        sums = [sum(part) for part in zip(*levels.values(), strict=True)]
        parts[None] = tuple(max(0, n - s) for n, s in zip(whole, sums, strict=True))
    hidden = {level for level in suppressed_parts(parts, least, already) if level is not None}
    return suppressed_parts(levels, least, hidden)


def _hidden_classes(
    levels: Mapping[str, Mapping[str, int]], whole: Mapping[str, int], least: int,
    already: Collection[tuple[str, str]],
) -> set[tuple[str, str]]:  # fmt: skip
    """Classes to suppress within levels: classes add up to their level, levels to the whole."""
    names = [name for name in whole if name]
    counts: dict[tuple[str | None, str], int] = {
        (level, name): cells.get(name, 0) for level, cells in levels.items() for name in names
    }
    sums: list[list[tuple[str | None, str]]] = [[(lv, n) for n in names] for lv in levels]
    if set(levels) != {"all"}:
        for name in names:
            keys: list[tuple[str | None, str]] = [(level, name) for level in levels]
            counts[None, name] = max(0, whole[name] - sum(counts[key] for key in keys))
            sums += [[*keys, (None, name)], keys]
    hidden = suppressed_in_all(counts, sums, least, already)
    return {(level, name) for level, name in hidden if level is not None}


def hidden_ratios(
    rows: Iterable[tuple[Subgroup, str, int, int]], least: int
) -> set[tuple[Subgroup, str]]:
    """Of sensitivities and the like those to suppress: subgroup and metric.

    `rows` have the patients that count and those that do not, which a ratio reveals together with
    its denominator; the levels of a stratum add up to the undivided split.
    """
    groups: dict[tuple[Model, str], dict[tuple[str, str], tuple[int, ...]]] = {}
    for (task, name, split, stratum, level), metric, hits, misses in rows:
        of_model = groups.setdefault(((task, name, split), metric), {})
        of_model[stratum, level] = (hits + misses, hits, misses)
    out: set[tuple[Subgroup, str]] = set()
    for (model, metric), cells in groups.items():
        whole = cells.get(("all", "all"), (0, 0, 0))
        for stratum in dict.fromkeys(s for s, _ in cells):
            parts = {level: c for (s, level), c in cells.items() if s == stratum}
            hidden = _suppressed_levels(parts, whole, least, ())
            out |= {((*model, stratum, level), metric) for level in hidden}
    return out
