"""What may be shown of small numbers of patients: decided here, for counts, statistics and maps.

A count of 1 to `least` − 1 patients is suppressed, and with it whatever would reveal it: the
complementary cells. `least` 0 suppresses nothing. Whoever writes a summary for people replaces
what is suppressed by null, so that readers have nothing to decide.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import polars as pl

Key = TypeVar("Key", bound=Hashable)

#: What people read in place of a suppressed number.
SUPPRESSED = "n/d"
#: Strata that no other task has: its own classes, and how they were predicted.
OWN_STRATA = ("all", "true_class", "outcome")

#: Task, name, split, stratum, level.
Subgroup = tuple[str, str, str, str, str]
#: Task, name, split.
Model = tuple[str, str, str]
#: By stratum and level the patients of each class ('': of all).
Cells = Mapping[tuple[str, str], Mapping[str, int]]


def is_small(count: int, least: int) -> bool:
    return 0 < count < least


def explanation(least: int) -> str:
    """One sentence about everything that is suppressed."""
    return (
        f"{SUPPRESSED}: not disclosed, because it stands for fewer than {least} patients "
        "or would reveal such a number."
    )


def suppressed_parts(
    parts: Mapping[Key, Sequence[int]], least: int, already: Collection[Key] = ()
) -> set[Key]:
    """The parts of a known sum to suppress: those with a small count, and those that reveal it.

    Each part has one or more counts, such as its patients and those of each class, and the sums
    of all of them are known. What is suppressed can be worked out together from the sums, so the
    smallest others are suppressed too until two parts are, and together they are not small.
    `already` are suppressed for another reason.
    """
    out = {
        key
        for key, counts in parts.items()
        if any(is_small(n, least) for n in counts) or (key in already and any(counts))
    }
    rest = sorted((k for k, counts in parts.items() if any(counts) and k not in out),
                  key=lambda key: parts[key][0])  # fmt: skip

    def revealing() -> bool:
        together = [sum(counts) for counts in zip(*(parts[key] for key in out), strict=True)]
        return len(out) == 1 or any(is_small(n, least) for n in together)

    while out and rest and revealing():
        out.add(rest.pop(0))
    return out


def suppressed_in_all(
    counts: Mapping[Key, int], sums: Sequence[Sequence[Key]], least: int,
    already: Collection[Key] = (),
) -> set[Key]:  # fmt: skip
    """As `suppressed_parts`, for cells that belong to several sums, such as rows and columns."""
    out = set(already)
    before = -1
    while len(out) != before:
        before = len(out)
        for keys in sums:
            out |= suppressed_parts({key: (counts[key],) for key in keys}, least, out)
    return out


def suppressed_steps(left: Sequence[int], least: int) -> list[bool]:
    """Which of the counts left by successive rules to suppress, so that no difference is small.

    The last one is always shown; the difference of two shown counts is 0 or not small.
    """
    out: list[bool] = []
    last = None
    for n in left[:-1]:
        hide = is_small(n - left[-1], least) or (last is not None and is_small(last - n, least))
        last = last if hide else n
        out.append(hide)
    return [*out, False]


def reveals_small_count(patients: Mapping[str, int], task: str, stratum: str, least: int) -> bool:
    """Whether a task's levels of `stratum` beside those of other tasks reveal a small count.

    `patients`: of each task of the same split, those with a label. Where two tasks differ in few
    of them, so do their counts of a level, and the difference says what those few are; and the
    levels of a stratum that is a task itself add up to that task's patients.
    """
    n = patients[task]
    wider = any(is_small(other - n, least) for other in patients.values())
    return wider or is_small(abs(patients.get(stratum, n) - n), least)


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

    def hides_ratio(self, patients: Sequence[int]) -> bool:
        """Whether a ratio of these numbers of patients would reveal a small one."""
        return any(is_small(n, self.least) for n in patients)


def disclosure_of(counts: pl.DataFrame, least: int) -> Disclosure:
    """What is suppressed, given the patients of every subgroup and class.

    `counts` has task, name, split, stratum, level, class (empty: all) and subjects; the stratum
    'all' is the undivided split. A subgroup of a task with two classes is suppressed as well
    when one of them is small in it: a metric of few positives is a metric of few patients.
    """
    models: dict[Model, dict[tuple[str, str], dict[str, int]]] = {}
    names = ("task", "name", "split", "stratum", "level", "class", "subjects")
    for task, name, split, stratum, level, of_class, n in counts.select(names).iter_rows():
        cells = models.setdefault((task, name, split), {})
        cells.setdefault((stratum, level), {})[of_class] = n
    patients: dict[str, dict[str, int]] = {}
    for (task, _, split), cells in models.items():
        patients.setdefault(split, {})[task] = cells["all", "all"][""]
    found = Disclosure(least, set(), set())
    before = -1
    while before != (before := len(found.subgroups) + len(found.classes)):
        for model, cells in models.items():
            _decide(found, model, cells, patients[model[2]])
        _decide_twins(found, models)
    return found


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


def _hidden_levels(
    levels: Mapping[str, Mapping[str, int]], whole: Mapping[str, int], least: int,
    already: Collection[str],
) -> set[str]:  # fmt: skip
    """Levels to suppress; patients of no known level can be worked out from the whole.

    How many those are may be known from elsewhere, so that they keep no level's secret.
    """
    names = sorted(name for name in whole if name) if len(whole) == 3 else []
    parts: dict[str | None, tuple[int, ...]] = {
        level: (cells[""], *(cells.get(name, 0) for name in names))
        for level, cells in levels.items()
    }
    if set(levels) != {"all"}:
        sums = [sum(part) for part in zip(*parts.values(), strict=True)]
        total = (whole[""], *(whole[name] for name in names))
        parts[None] = tuple(max(0, n - s) for n, s in zip(total, sums, strict=True))
    hidden = suppressed_parts(parts, least, already) - {None}
    parts.pop(None, None)
    return {level for level in suppressed_parts(parts, least, hidden) if level is not None}


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
