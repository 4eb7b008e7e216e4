"""Tests of AUROC without resampling, for patients with any number of images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class TooFewPatientsError(ValueError):
    """A class has fewer than the two test patients that a variance needs."""


def auroc_influence(
    scores: Floats, positive: Bools, subject: NDArray[np.intp]
) -> tuple[float, Floats]:
    """AUROC, and what each patient adds to its error: the sum of squares is its variance.

    `scores` and `positive` (n,) of images, `subject` (n,) the patient's number from 0; the
    influence is (patients,). DeLong et al. 1988, doi 10.2307/2531595, for clustered data
    (Obuchowski 1997, doi 10.2307/2533958); of one image per patient, DeLong's variance. By
    midranks in O(n log n) (Sun & Xu 2014, doi 10.1109/LSP.2014.2337313). Raises
    `TooFewPatientsError` with fewer than two of a class.
    """
    sides = ((positive, ~positive), (~positive, positive))
    if min(len(np.unique(subject[side])) for side, _ in sides) < 2:
        raise TooFewPatientsError("DeLong's variance needs two patients of each class")
    overall, influence = rankdata(scores), np.zeros(int(subject.max()) + 1)
    area = 0.0
    for side, others in sides:
        patients = len(np.unique(subject[side]))
        # Of each image of one class the share of the other's below it.
        below = (overall[side] - rankdata(scores[side])) / others.sum()
        rightly = below if side is positive else 1 - below
        area = float(rightly.mean())
        each = (rightly - area) / len(rightly) * np.sqrt(patients / (patients - 1))
        influence += np.bincount(subject[side], each, len(influence))
    return area, influence


def macro_auroc_influence(
    odds: Floats, target: NDArray[np.intp], subject: NDArray[np.intp]
) -> tuple[float, Floats]:
    """As `auroc_influence` for log odds (n, k) of k classes: the mean of one against the rest."""
    chosen = [1] if odds.shape[1] == 2 else range(odds.shape[1])
    found = [auroc_influence(odds[:, c], target == c, subject) for c in chosen]
    areas, influences = zip(*found, strict=True)
    return float(np.mean(areas)), np.mean(influences, axis=0)


def interval(value: float, influence: Floats, least: float) -> dict[str, float | None]:
    """The normal 95 % interval `low` to `high` of an AUROC or a difference of two.

    It ends at `least`, 0 or -1, and at 1. The influence of a difference is the difference of the
    influences. Without variance, where all positives stand above all negatives, nothing is known
    of the error, and both ends are None.
    """
    if not influence.any():
        return {"low": None, "high": None}
    low, high = value + norm.ppf([0.025, 0.975]) * np.sqrt((influence**2).sum())
    return {"low": max(least, float(low)), "high": min(1.0, float(high))}


def p_of(difference: float, influence: Floats) -> float:
    """Two-sided p of the difference of two AUROCs of the same images.

    1 where the difference has no variance and is 0.
    """
    variance = float((influence**2).sum())
    if variance <= 0:
        return 0.0 if difference else 1.0
    return float(2 * norm.sf(abs(difference) / np.sqrt(variance)))
