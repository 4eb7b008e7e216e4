"""Whether a network predicts its target better than chance: permutation test over patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

from cxrcore.evaluation.strata import log_odds, matrix
from cxrcore.model import Model
from cxrcore.permutation import PatientPermutations

Floats = NDArray[np.float64]
PERMUTATIONS = 999


@dataclass(frozen=True)
class Chance:
    """What the test split says of one network against chance."""

    score: float
    """AUROC, macro beyond two classes, or R²; NaN where it is not defined."""
    p: float
    """One-sided; NaN where the score is."""
    patients: Mapping[str, int]
    """Patients with an image of each class; of a value under '': all."""


def against_chance(model: Model, seed: int) -> Chance | None:
    """The permutation test of a model's test AUROC or R².

    None without a labelled image, and for labels that do not exclude each other.
    """
    labelled = model.labelled("test")
    if model.kind == "multi-label" or not labelled.height:
        return None
    subjects = labelled["subject_id"]
    if model.kind == "value":
        truth = labelled["value"].to_numpy().astype(np.float64)
        statistic: Callable[[NDArray[Any]], float] = r2_of(
            labelled["predicted_value"].to_numpy().astype(np.float64)
        )
        patients = {"": subjects.n_unique()}
    else:
        truth = labelled["target"].to_numpy().astype(np.intp)
        statistic = ranked_auroc(log_odds(matrix(labelled["logits"])))
        patients = {
            name: subjects.filter(pl.Series(truth == c)).n_unique()
            for c, name in enumerate(model.classes)
        }
    score = statistic(truth)
    p = np.nan
    if np.isfinite(score):
        p = permutation_p(statistic, truth, subjects.to_numpy(), seed)
    return Chance(score, p, patients)


def permutation_p(
    statistic: Callable[[NDArray[Any]], float],
    labels: NDArray[Any],
    subjects: NDArray[Any],
    seed: int,
    permutations: int = PERMUTATIONS,
) -> float:
    """One-sided Monte-Carlo p of `statistic` under labels (n,) shuffled over patients.

    (1 + permutations that reach the observed value) / (1 + permutations), which is at most the
    nominal level under the null (Phipson & Smyth 2010, doi 10.2202/1544-6115.1585). Permutations
    without a value count as reaching it.
    """
    rng = np.random.default_rng([seed, *b"chance"])
    shuffled = PatientPermutations(subjects)
    # Equal values that are summed in another order differ in the last digits.
    observed = statistic(labels) - 1e-12
    below = sum(statistic(labels[shuffled.draw(rng)]) < observed for _ in range(permutations))
    return (1 + permutations - below) / (1 + permutations)


def ranked_auroc(odds: Floats) -> Callable[[NDArray[np.intp]], float]:
    """AUROC of fixed log odds (n, k) as a function of the classes (n,), by the sum of ranks.

    Beyond two classes the mean of one against the rest; NaN where one of them is empty.
    """
    n, k = odds.shape
    scored = {1: rankdata(odds[:, 1])} if k == 2 else {c: rankdata(odds[:, c]) for c in range(k)}

    def statistic(target: NDArray[np.intp]) -> float:
        count = np.bincount(target, minlength=k).astype(np.float64)
        if not count.all():
            return float("nan")
        areas = [
            (ranks[target == c].sum() / count[c] - (count[c] + 1) / 2) / (n - count[c])
            for c, ranks in scored.items()
        ]
        return float(np.mean(areas))

    return statistic


def r2_of(predicted: Floats) -> Callable[[Floats], float]:
    """R² of fixed predictions (n,) as a function of the true values (n,)."""

    def statistic(truth: Floats) -> float:
        variance = truth.var()
        return float(1 - np.mean((truth - predicted) ** 2) / variance) if variance else float("nan")

    return statistic
