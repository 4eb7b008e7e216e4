"""Parts of survival analysis: Harrell's C, Cox's model, Kaplan and Meier's curve."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import SurvfuncRight

from cxrcore.associations.partial import orthonormal
from cxrcore.compilation import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

_LARGEST_COEFFICIENT = 15.0


def harrells_c(risk: Floats, time: Floats, event: Bools, weights: NDArray[np.uint8]) -> Floats:
    """Harrell's C (r,) of `risk` (n,) under each set of weights (r, n); NaN: no pair.

    The share of comparable pairs in which the one who dies first has the higher risk, equal
    risks counted half (Harrell 1996, doi 10.1002/(SICI)1097-0258(19960229)15:4<361). A pair is
    comparable when the shorter time ends in death; of equal times, when one of the two is
    censored. In O(n log n) for each set of weights.
    """
    rank = np.unique(risk, return_inverse=True)[1].astype(np.intp)
    order = np.lexsort((event, -time))
    if not len(order):
        return np.full(len(weights), np.nan)
    new = (np.diff(time[order]) != 0) | np.diff(event[order])
    starts = np.concatenate([[0], np.flatnonzero(new) + 1])
    ends = np.append(starts[1:], len(order))
    found = np.empty((len(weights), 2))
    _concordance(order, rank, event, starts, ends, weights, found)
    pairs = found[:, 1]
    share = np.divide(found[:, 0], pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return np.asarray(share)


@compiled
def _concordance(
    order: Ints, rank: Ints, event: Bools, starts: Ints, ends: Ints, weights: NDArray[np.uint8],
    out: Floats,
) -> None:  # fmt: skip
    """Concordant and comparable pairs (r, 2); rows from the longest time, censored ones first.

    A Fenwick tree holds the weight at each rank among those who outlive the present block.
    """
    levels = rank.max() + 1
    out[:] = 0
    for r in range(len(weights)):
        tree = np.zeros(levels + 1)
        each = np.zeros(levels)
        inside = 0.0
        for start, end in zip(starts, ends):  # noqa: B905
            if event[order[start]]:
                for i in order[start:end]:
                    below = 0.0
                    j = rank[i]
                    while j > 0:
                        below += tree[j]
                        j -= j & -j
                    out[r, 0] += weights[r, i] * (below + 0.5 * each[rank[i]])
                    out[r, 1] += weights[r, i] * inside
            for i in order[start:end]:
                weight = float(weights[r, i])
                each[rank[i]] += weight
                inside += weight
                j = rank[i] + 1
                while j <= levels:
                    tree[j] += weight
                    j += j & -j


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
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        try:
            fit = PHReg(time, x, status=event.astype(float), ties="efron").fit(disp=0)
            beta, variance, p = fit.params, fit.cov_params(), fit.pvalues
        except (Warning, np.linalg.LinAlgError, ValueError):
            return None
    if not np.isfinite(variance).all() or np.abs(beta).max() > _LARGEST_COEFFICIENT:
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
