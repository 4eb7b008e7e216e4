"""What labels a user asks for, beside those that every source has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cxrcore.sources._further_labels import FurtherLabels


@dataclass(frozen=True)
class LabelRules:
    """How labels are made that can be made in several ways."""

    horizons: tuple[int, ...] = (365,)
    """Of mortality, in days after the study; see `horizon_tasks`."""
    further: FurtherLabels = field(default_factory=dict)
    """Labels of any column, by their names."""


def horizon_tasks(horizons: Sequence[int]) -> dict[str, int]:
    """The horizon of each task: the first is `mortality`, another of N days `mortality_<N>d`."""
    first, *others = horizons
    return {"mortality": first} | {f"mortality_{days}d": days for days in others}
