"""Which networks may be interpreted.

`aggregate` decides it here once; everyone else reads the columns `interpretable` and `reason`.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cxrcore.evaluation.chance import Chance

#: Maps are interpreted up to this p against chance, and from so many patients of each class on.
LARGEST_P = 0.05
FEWEST_PATIENTS = 11


def not_interpretable(task: str, kind: str, found: Chance | None) -> str:
    """Why the maps of a model may not be interpreted; empty if they may.

    A network that predicts its target no better than chance has no evidence to show: the
    one-sided permutation p of its test AUROC or R² must be at most `LARGEST_P`, R² above 0, and
    each class must have `FEWEST_PATIENTS`.
    """
    title = "R²" if kind == "value" else "AUROC"
    if found is None or not isfinite(found.score):
        return f"no {title} ({task})"
    for name, patients in found.patients.items():
        if patients < FEWEST_PATIENTS:
            of_class = f" of class {name}" if name else ""
            return f"fewer than {FEWEST_PATIENTS} patients{of_class} in the test split ({task})"
    if found.p > LARGEST_P or (kind == "value" and found.score <= 0):
        return f"{title} not above chance ({task})"
    return ""
