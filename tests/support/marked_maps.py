"""Maps with a mark where the class shows, and another that follows age."""

from __future__ import annotations

from typing import Any

import numpy as np

from cxrcore.associations.difference_maps import Design, DifferenceMaps, difference_maps
from cxrcore.evaluation.bootstrap import patient_weights

N, SIDE = 120, 5


def drawn(
    seed: int, classes: int = 2, effect: float = 1.0, by_age: float = 0.0, n: int = N
) -> tuple[np.ndarray, dict[str, Any]]:
    """Maps with a mark of the class at (1, 1); with `by_age` label and (3, 3) follow age."""
    rng = np.random.default_rng(seed)
    age = rng.normal(size=n)
    latent = by_age * age + rng.normal(size=n)
    target = np.digitize(latent, np.quantile(latent, np.arange(1, classes) / classes))
    maps = rng.normal(size=(n, classes, SIDE, SIDE))
    maps[np.arange(n), target, 1, 1] += effect
    maps[:, -1, 3, 3] += by_age * age
    ones = np.ones((n, 1))
    return maps, {
        "target": target.astype(np.intp), "subject": np.arange(n), "regressors": ones,
        "band": np.zeros(n, dtype=np.intp), "age": age,
    }  # fmt: skip


def of(
    maps: np.ndarray, facts: dict[str, Any], replicates: int = 50, permutations: int = 99,
    *, adjusted: bool = False,
) -> DifferenceMaps:  # fmt: skip
    age = facts["age"]
    x = np.stack([np.ones(len(age)), age], axis=1) if adjusted else facts["regressors"]
    band = np.digitize(age, [-1, 0, 1]) if adjusted else facts["band"]
    subjects = int(facts["subject"].max()) + 1
    weights = patient_weights(subjects, replicates, 0, "test")
    design = Design(facts["target"], facts["subject"], x, band)
    return difference_maps(maps, design, weights, permutations, 0)
