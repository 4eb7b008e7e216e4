"""What labels a user asks for, beside those that every source has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from cxrcore.sources._further_labels import FurtherLabels

RaceConflict = Literal["exclude", "majority", "latest"]
"""What a patient with stays of several known race groups gets: no label, or a group of them."""


@dataclass(frozen=True)
class LabelRules:
    """How labels are made that can be made in several ways."""

    horizons: tuple[int, ...] = (365,)
    """Of mortality, in days after the study; see `horizon_tasks`."""
    further: FurtherLabels = field(default_factory=dict)
    """Labels of any column, by their names."""
    race_conflict: RaceConflict = "exclude"


def horizon_tasks(horizons: Sequence[int]) -> dict[str, int]:
    """The horizon of each task: the first is `mortality`, another of N days `mortality_<N>d`."""
    first, *others = horizons
    return {"mortality": first} | {f"mortality_{days}d": days for days in others}
