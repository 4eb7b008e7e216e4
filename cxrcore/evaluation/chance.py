"""Whether a network predicts its target better than chance: permutation test over patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

from cxrcore.evaluation.strata import log_odds, matrix
from cxrcore.model import Model
from cxrcore.permutation import PatientPermutations
from cxrcore.threads import side_by_side

Floats = NDArray[np.float64]
#: A statistic of labels (n,).
Statistic = Callable[[NDArray[Any]], float]
PERMUTATIONS = 999
_DRAWS_AT_ONCE = 50


@dataclass(frozen=True)
class Chance:
    """What the test split says of one network against chance."""

    score: float
    """AUROC, macro beyond two classes, or R²; NaN where it is not defined."""
    p: float
    """One-sided; NaN where the score is."""
    patients: Mapping[str, int]
    """Patients with an image of each class; of a value under '': all."""


@dataclass(frozen=True)
class _Question:
    """What one network is asked: a statistic of its labels."""

    statistic: Statistic
    truth: NDArray[Any]
    """(n,)"""
    patients: Mapping[str, int]


def against_chance(models: Sequence[Model], seed: int) -> list[Chance | None]:
    """The permutation test of each model's test AUROC or R².

    None without a labelled image, and for labels that do not exclude each other.
    """
    found: list[Chance | None] = [None] * len(models)
    groups: list[tuple[pl.Series, dict[int, _Question]]] = []
    for i, model in enumerate(models):
        labelled = model.labelled("test")
        if model.kind != "multi-label" and labelled.height:
            subjects = labelled["subject_id"]
            same = next((g for s, g in groups if s.equals(subjects)), None)
            if same is None:
                same = {}
                groups.append((subjects, same))
            same[i] = _question(model, labelled)
    # Networks of the same images have the same permutations, drawn once.
    for subjects, asked in groups:
        pairs = [(one.statistic, one.truth) for one in asked.values()]
        values = permutation_p(pairs, subjects.to_numpy(), seed)
        for (i, one), (score, p) in zip(asked.items(), values, strict=True):
            found[i] = Chance(score, p, one.patients)
    return found


def _question(model: Model, labelled: pl.DataFrame) -> _Question:
    subjects = labelled["subject_id"]
    if model.kind == "value":
        value, predicted = (
            labelled[c].to_numpy().astype(np.float64) for c in ("value", "predicted_value")
        )
        return _Question(r2_of(predicted), value, {"": subjects.n_unique()})
    target = labelled["target"].to_numpy().astype(np.intp)
    patients = {
        name: subjects.filter(pl.Series(target == c)).n_unique()
        for c, name in enumerate(model.classes)
    }
    return _Question(ranked_auroc(log_odds(matrix(labelled["logits"]))), target, patients)


def permutation_p(
    pairs: Sequence[tuple[Statistic, NDArray[Any]]],
    subjects: NDArray[Any],
    seed: int,
    permutations: int = PERMUTATIONS,
) -> list[tuple[float, float]]:
    """Statistics of labels (n,), and their one-sided p under labels shuffled over patients.

    (1 + permutations that reach the observed value) / (1 + permutations), which is at most the
    nominal level under the null (Phipson & Smyth 2010, doi 10.2202/1544-6115.1585). Permutations
    without a value count as reaching it; p is NaN where the statistic is not defined.
    """
    rng = np.random.default_rng([seed, *b"chance"])
    shuffled = PatientPermutations(subjects)
    observed = np.array([statistic(labels) for statistic, labels in pairs])
    below = np.zeros(len(pairs), dtype=np.intp)
    for start in range(0, permutations, _DRAWS_AT_ONCE):
        orders = [shuffled.draw(rng) for _ in range(min(_DRAWS_AT_ONCE, permutations - start))]

        def drawn(
            pair: tuple[Statistic, NDArray[Any]], orders: list[NDArray[np.intp]] = orders
        ) -> list[float]:
            statistic, labels = pair
            return [statistic(labels[rows]) for rows in orders]

        # Equal values that are summed in another order differ in the last digits.
        below += (np.array(side_by_side(drawn, pairs)) < observed[:, None] - 1e-12).sum(axis=1)
    p = np.where(np.isfinite(observed), (1 + permutations - below) / (1 + permutations), np.nan)
    return list(zip(observed.tolist(), p.tolist(), strict=True))


def ranked_auroc(odds: Floats) -> Callable[[NDArray[np.intp]], float]:
    """AUROC of fixed log odds (n, k) as a function of the classes (n,), by the sum of ranks.

    Beyond two classes the mean of one against the rest; NaN where one of them is empty.
    """
    n, k = odds.shape
    scored = {1: rankdata(odds[:, 1])} if k == 2 else {c: rankdata(odds[:, c]) for c in range(k)}

    def statistic(target: NDArray[np.intp]) -> float:
        areas = []
        for c, ranks in scored.items():
            inside = target == c
            count = np.count_nonzero(inside)
            if not 0 < count < n:
                return float("nan")
            # Sums of half ranks are exact in any order.
            areas.append((ranks @ inside / count - (count + 1) / 2) / (n - count))
        return float(np.mean(areas))

    return statistic


def r2_of(predicted: Floats) -> Callable[[Floats], float]:
    """R² of fixed predictions (n,) as a function of the true values (n,)."""

    def statistic(truth: Floats) -> float:
        variance = truth.var()
        return float(1 - np.mean((truth - predicted) ** 2) / variance) if variance else float("nan")

    return statistic
