"""Small counts kept from readers: shown as few, with what would give them away hidden too."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence, Set
from typing import TypeVar

from data_contracts.summary import SMALLEST_CELL

HIDDEN = "hidden"

Key = TypeVar("Key", bound=Hashable)


def is_few(n: int) -> bool:
    return 0 < n < SMALLEST_CELL


def count(value: int, subjects: int) -> str:
    """`value`, hidden when it stands for few (but some) patients."""
    return f"<{SMALLEST_CELL}" if is_few(subjects) else f"{value:,}"


def shown(value: int, hide: bool) -> str:
    """A count of patients; `hide` when it would give another one away."""
    return HIDDEN if hide and not is_few(value) else count(value, value)


def hidden_parts(parts: Mapping[Key, int], hidden: Set[Key] = frozenset()) -> set[Key]:
    """The parts of a known sum to hide: the few, and those that must go with them.

    What is hidden can be worked out together from the sum, so the smallest others are hidden
    too until two parts are, and both together are no longer few. `hidden` are hidden already.
    """
    out = {key for key, n in parts.items() if is_few(n) or (key in hidden and n)}
    rest = sorted((key for key, n in parts.items() if n and key not in out), key=parts.__getitem__)
    while out and rest and (len(out) == 1 or is_few(sum(parts[key] for key in out))):
        out.add(rest.pop(0))
    return out


def told_by_other_tasks(patients: Mapping[str, int], task: str, stratum: str) -> bool:
    """Whether other tasks' counts beside those of a task's levels of `stratum` tell of few.

    `patients`: of each task of the same split, those with a label. Where two tasks differ in few
    of them, so do their counts of a level, and the difference says what those few are; and the
    levels of a stratum that is a task itself add up to that task's patients.
    """
    n = patients[task]
    return is_few(max(patients.values()) - n) or is_few(abs(patients.get(stratum, n) - n))


def hidden_in_all(
    patients: Mapping[Key, int], sums: Sequence[Sequence[Key]]
) -> set[Key]:  # fmt: skip
    """As `hidden_parts`, for cells that belong to several sums, such as rows and columns."""
    out: set[Key] = set()
    before = -1
    while len(out) != before:
        before = len(out)
        for keys in sums:
            out |= hidden_parts({key: patients[key] for key in keys}, out)
    return out


def hidden_steps(left: Sequence[int]) -> list[bool]:
    """Which of the counts left by successive rules to hide, so that no difference is small.

    The last one is always shown; the difference of two shown counts is 0 or not few.
    """
    out: list[bool] = []
    last = None
    for n in left[:-1]:
        hide = is_few(n - left[-1]) or (last is not None and is_few(last - n))
        last = last if hide else n
        out.append(hide)
    return [*out, False]
