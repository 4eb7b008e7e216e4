"""Parts of survival analysis: Harrell's C, Cox's model, Kaplan and Meier's curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import SurvfuncRight

from cxrcore.associations.partial import orthonormal
from cxrcore.compilation import compiled
from cxrcore.evaluation.metrics import lanes

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

_LARGEST_COEFFICIENT, _LARGEST_STEP = 15.0, 1e-6


def harrells_c(risk: Floats, time: Floats, event: Bools, weights: NDArray[np.uint8]) -> Floats:
    """Harrell's C (r,) of `risk` (n,) under each set of weights (r, n); NaN: no pair.

    The share of comparable pairs in which the one who dies first has the higher risk, equal
    risks counted half (Harrell 1996, doi 10.1002/(SICI)1097-0258(19960229)15:4<361). A pair is
    comparable when the shorter time ends in death; of equal times, when one of the two is
    censored. In O(n log n) for each set of weights.
    """
    _, rank, held = np.unique(risk, return_inverse=True, return_counts=True)
    order = np.lexsort((event, -time))
    if not len(order):
        return np.full(len(weights), np.nan)
    new = (np.diff(time[order]) != 0) | np.diff(event[order])
    starts = np.append(0, np.flatnonzero(new) + 1)
    ends = np.append(starts[1:], len(order))
    shares = []
    for drawn in lanes(weights):
        found = np.zeros((2, drawn.shape[1]))
        # Sums of counts are whole numbers, and small ones take less room.
        kind = np.int32 if drawn.dtype == np.uint8 else np.float64
        tree = np.zeros((len(held) + 1, drawn.shape[1]), dtype=kind)
        _concordance(order, rank, held[rank] > 1, event, starts, ends, drawn, tree, found)
        nothing = np.full(drawn.shape[1], np.nan)
        shares.append(np.divide(found[0], found[1], out=nothing, where=found[1] > 0))
    return np.concatenate([np.empty(0), *shares])


@compiled
def _concordance(
    order: Ints, rank: Ints, tied: Bools, event: Bools, starts: Ints, ends: Ints, weights: Any,
    tree: Any, out: Floats,
) -> None:  # fmt: skip
    """Concordant and comparable pairs (2, m) of rows from the longest time, censored ones first.

    Weights (n, m). A Fenwick tree (ranks + 1, m) holds the weight at each rank among those who
    outlive the present block.
    """
    m = weights.shape[1]
    inside, below, upto = np.zeros(m), np.empty(m), np.empty(m)
    for start, end in zip(starts, ends):  # noqa: B905
        if event[order[start]]:
            for i in order[start:end]:
                _sum_below(tree, rank[i], below)
                upto[:] = below
                if tied[i]:
                    _sum_below(tree, rank[i] + 1, upto)
                for k in range(m):
                    out[0, k] += weights[i, k] * (below[k] + upto[k]) / 2
                    out[1, k] += weights[i, k] * inside[k]
        for i in order[start:end]:
            drawn = weights[i]
            for k in range(m):
                inside[k] += drawn[k]
            j = rank[i] + 1
            while j < len(tree):
                node = tree[j]
                for k in range(m):
                    node[k] += drawn[k]
                j += j & -j


@numba.njit  # type: ignore[untyped-decorator]
def _sum_below(tree: Any, rank: int, out: Floats) -> None:
    """Weight (m,) of the ranks below one."""
    out[:] = 0
    while rank > 0:
        node = tree[rank]
        for k in range(len(out)):
            out[k] += node[k]
        rank -= rank & -rank


@dataclass(frozen=True)
class CoxFit:
    """Cox's model of a first variable and covariates."""

    coefficient: float
    """Log hazard ratio of the first variable."""
    p: float
    """Wald, two-sided."""
    influence: Floats
    """(n,) what one more copy of each row adds to the coefficient, to first order."""
    predictor: Floats
    """(n,) the linear predictor."""


def cox(variables: Floats, covariates: Floats, time: Floats, event: Bools) -> CoxFit | None:
    """Cox's model (ties: Efron 1977); `variables` (n, v), `covariates` (n, q), intercept or none.

    None where it cannot be fitted: no event, nothing left of the first variable, or an estimate
    that runs off to infinity.
    """
    fixed = orthonormal(np.column_stack([np.ones(len(time)), covariates]))
    left = variables - fixed @ (fixed.T @ variables)
    lengths = np.linalg.norm(left, axis=0), np.linalg.norm(variables, axis=0)
    if not event.any() or (lengths[0] <= 1e-6 * lengths[1]).any():
        return None
    centred = covariates - covariates.mean(axis=0)
    x = np.column_stack([variables, orthonormal(centred, covariates) * np.sqrt(len(time))])
    model = PHReg(time, x, status=event.astype(float), ties="efron")
    with np.errstate(all="ignore"):
        try:
            fit = model.fit(disp=0, warn_convergence=False)
            beta, variance, p = fit.params, fit.cov_params(), fit.pvalues
            step = variance @ model.score(beta)
        except (np.linalg.LinAlgError, ValueError):
            return None
    # Newton's method has not arrived where its next step is not small.
    if not np.abs(step).max() < _LARGEST_STEP or np.abs(beta).max() > _LARGEST_COEFFICIENT:
        return None
    scores = score_residuals(x, x @ beta, time, event)
    first = 0 if variables.shape[1] else slice(0)
    return CoxFit(
        float(np.sum(beta[first])), float(np.sum(p[first])),
        scores @ variance[0] if variables.shape[1] else np.zeros(len(time)), x @ beta,
    )  # fmt: skip


def score_residuals(x: Floats, predictor: Floats, time: Floats, event: Bools) -> Floats:
    """Score residuals (n, q) of Cox's model of x (n, q) (Therneau & Grambsch 2000, sec. 4.6).

    As `statsmodels`' of PHReg, by running sums instead of a loop over risk sets.
    """
    times, at = np.unique(time, return_inverse=True)
    hazard = np.exp(predictor - predictor.max())
    deaths = np.bincount(at, event, len(times))
    reverse = [np.bincount(at, hazard * column, len(times))[::-1] for column in x.T]
    total = np.bincount(at, hazard, len(times))[::-1].cumsum()[::-1]
    mean = np.stack([column.cumsum()[::-1] for column in reverse], axis=1) / total[:, None]
    step = deaths / total
    cumulative, weighted = step.cumsum(), (mean * step[:, None]).cumsum(axis=0)
    expected = hazard[:, None] * (x * cumulative[at][:, None] - weighted[at])
    return np.asarray(event[:, None] * (x - mean[at]) - expected)


@dataclass(frozen=True)
class SurvivalCurve:
    """Kaplan and Meier's estimate at the end of some days, and the patients behind it: (t,)."""

    survival: Floats
    low: Floats
    high: Floats
    """95 % band, pointwise: Greenwood's variance on the scale log(-log S). NaN before a death."""
    at_risk: Ints
    """Patients alive and under observation."""
    died: Ints
    """Patients who have died so far."""
    lost: Ints
    """Patients whose observation has ended before, alive."""


def kaplan_meier(time: Floats, event: Bools, days: Floats) -> SurvivalCurve:
    """The curve of `time` (n,) days and `event` (n,) at the end of `days` (t,).

    Where survival is 0 the band is [0, 0]: Greenwood's variance is not defined there.
    """
    died = (event & (time <= days[:, None])).sum(axis=1)
    lost = (~event & (time < days[:, None])).sum(axis=1)
    with np.errstate(all="ignore"):
        curve = SurvfuncRight(time, event.astype(int))
        s, error = np.asarray(curve.surv_prob), np.asarray(curve.surv_prob_se)
        spread = 1.959964 * error / (s * np.log(s))
        low, high = (np.where(s > 0, s ** np.exp(sign * spread), 0.0) for sign in (-1, 1))
    at = np.searchsorted(curve.surv_times, days, side="right")
    survival, low, high = (
        np.append(first, known)[at] for first, known in ((1.0, s), (np.nan, low), (np.nan, high))
    )
    return SurvivalCurve(survival, low, high, len(time) - died - lost, died, lost)
