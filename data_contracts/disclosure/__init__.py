"""What may be shown of small numbers of patients: decided here, for counts, statistics and maps.

A count of 1 to `least` − 1 patients is suppressed, and with it whatever would reveal it: the
complementary cells. `least` 0 suppresses nothing. Whoever writes a summary for people replaces
what is suppressed by null, so that readers have nothing to decide.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence, Set
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

#: What people read in place of a suppressed number.
SUPPRESSED = "n/d"


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
    """As `suppressed_parts`, for cells that belong to several sums, such as rows and columns.

    A total that may be suppressed itself is one more part of its sum.
    """
    out = set(already)
    # Where nothing is in a sum, every cell of it is known to be 0.
    empty = {key for keys in sums if not any(counts[k] for k in keys) for key in keys}
    before = -1
    while before != (before := len(out)):
        for keys in sums:
            out |= suppressed_parts({key: (counts[key],) for key in keys}, least, out)
        if before == len(out) and (known := _determined(out - empty, sums, counts, least)):
            # A zero that is shown is a fact as well; it goes last.
            rest = sorted(
                (key for key in counts if key not in out | empty),
                key=lambda key: (not counts[key], counts[key]),
            )
            near = [key for key in rest if any(key in s and known & set(s) for s in sums)]
            out.update((near or rest)[:1])
    return out


def _determined(
    hidden: Set[Key], sums: Sequence[Sequence[Key]], counts: Mapping[Key, int], least: int
) -> set[Key]:
    """Hidden cells with a small count that all sums together determine, though none alone does."""
    small = {key for key in hidden if is_small(counts[key], least)}
    if not small:
        return small
    import numpy as np

    keys = list(hidden)
    matrix = np.array([[key in s for key in keys] for s in map(set, sums)], dtype=float)
    _, sizes, directions = np.linalg.svd(matrix)
    # A cell is free that some change of the hidden cells changes, with every sum as it was.
    free = np.abs(directions[np.count_nonzero(sizes > 1e-9) :]).max(axis=0, initial=0) > 1e-9
    return small & {key for key, is_free in zip(keys, free, strict=True) if not is_free}


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
