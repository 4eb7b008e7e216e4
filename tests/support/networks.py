"""Networks without anything behind them, for what is decided about networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from cxrcore.associations.inputs import Draws, Inputs
from cxrcore.model import Model

CLASSES = ("no", "yes")


def model(
    task: str, name: str = "main", seed: int = 0, control: str = "none", kind: str = "classes"
) -> Model:
    """A network; its settings say which control it is."""
    nothing = pl.DataFrame()
    return Model(task, name, seed, control, kind, CLASSES, "resnet18", control, nothing, nothing)


def inputs_of(models: Sequence[Model], reference: str = "mortality") -> Inputs:
    """Inputs that know these networks, and a cohort that labels their tasks."""
    unique = list({m.key: m for m in models}.values())
    tasks = dict.fromkeys(m.task for m in unique)
    labels = {f"label_{t}": pl.Series(["no", "yes"], dtype=pl.Enum(CLASSES)) for t in tasks}
    return Inputs(
        reference, pl.DataFrame({"subject_id": ["a", "b"]} | labels), unique, {}, lambda _: None,
        set(), pl.Series(["a", "b"]), np.ones((3, 2), np.uint8), {m.key: "" for m in unique},
        Draws(19, 19), 0,
    )  # fmt: skip
