"""How far apart two groups are in a variable, in units of their spread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def of_values(first: Floats, second: Floats) -> float:
    """Difference of two means over the root of the mean variance; NaN where nothing varies.

    Cohen's d with both groups' variances weighted alike (Austin 2009, doi 10.1002/sim.3697).
    """
    if min(len(first), len(second)) < 2:
        return float("nan")
    spread = float(np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2))
    return float((first.mean() - second.mean()) / spread) if spread else float("nan")


def of_shares(first: Floats, second: Floats) -> float:
    """Distance of the shares of categories, from the counts (k,) of two groups; 0: they are alike.

    The Mahalanobis distance of the shares without one category, with the mean of both groups'
    multinomial covariances (Yang & Dalton 2012, SAS Global Forum, paper 335). Of two categories it
    is the difference of the shares over the root of the mean of p (1 − p). NaN for an empty group
    or a single category.
    """
    if not first.sum() or not second.sum():
        return float("nan")
    shares = np.stack([first / first.sum(), second / second.sum()])
    shares = shares[:, shares.any(axis=0)][:, 1:]
    if not shares.shape[1]:
        return float("nan")
    covariance = np.mean([np.diag(p) - np.outer(p, p) for p in shares], axis=0)
    apart = shares[0] - shares[1]
    return float(np.sqrt(max(0.0, apart @ np.linalg.pinv(covariance, hermitian=True) @ apart)))
