"""Odds ratios of an outcome by class of an attribute, adjusted by Firth's logistic regression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from cxrcore.associations.partial import orthonormal
from cxrcore.evaluation.bootstrap import weighted_sums

Floats = NDArray[np.float64]

_STEPS, _LONGEST_STEP = 200, 2.0


def log_odds_ratios(
    outcome: Floats, group: Floats, regressors: Floats, weights: NDArray[np.uint8]
) -> tuple[Floats, Floats]:
    """Log odds ratios (k - 1,) of each class against the first, and in each resample (r, k - 1).

    `outcome` (n,) within 0 to 1, `group` (n, k) indicators, `regressors` (n, q) with an
    intercept, `weights` (r, n). NaN: a class that is not there, or that the covariates determine.
    Firth's penalty (1993; Heinze & Schemper 2002, doi 10.1002/sim.1047) keeps every other estimate
    finite, with empty cells too; without covariates it adds 1/2 to each cell (Haldane 1956). A
    resample is one Newton step from the estimate (Moulton & Zeger 1991).
    """
    classes = group.shape[1] - 1
    nuisance = orthonormal(regressors)
    left = group[:, 1:] - nuisance @ np.linalg.lstsq(nuisance, group[:, 1:], rcond=None)[0]
    there = np.linalg.norm(left, axis=0) > 1e-6 * np.linalg.norm(group[:, 1:], axis=0)
    there &= bool(group[:, 0].any())
    value, draws = np.full(classes, np.nan), np.full((len(weights), classes), np.nan)
    x = np.concatenate([group[:, 1:][:, there], nuisance], axis=1)
    if not there.any() or np.linalg.matrix_rank(x) < x.shape[1]:
        return value, draws
    count = int(there.sum())
    fit = firth(x, outcome)
    value[there] = fit[:count]
    steps, drawn = _one_step(x, outcome, group, fit, weights)
    draws[:, there] = steps[:, :count]
    # A class that a resample leaves out has no odds ratio in it.
    return value, np.where(drawn[:, 1:] & drawn[:, :1], draws, np.nan)


def firth(x: Floats, y: Floats) -> Floats:
    """Coefficients (m,) of the logistic regression of y (n,) on x (n, m) of full rank.

    The root of Firth's modified score x'(y - p + h (1/2 - p)), h the leverages; NaN where
    Newton's method does not get there.
    """
    fit = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        score, information = _score(x, y, fit)
        hessian = x.T @ (x * information[:, None])
        step = np.linalg.solve(hessian, score.sum(axis=0))
        fit = fit + step * min(1.0, _LONGEST_STEP / max(np.abs(x @ step).max(), 1e-300))
        if np.abs(step).max() < 1e-9 * max(1.0, np.abs(fit).max()):
            return np.asarray(fit)
    return np.full(len(fit), np.nan)


def _score(x: Floats, y: Floats, fit: Floats) -> tuple[Floats, Floats]:
    """Each row's part of the modified score (n, m), and of the information (n,).

    The leverages are taken as fixed in the information: without their share, a class of one
    patient would make Newton's method swing to and fro.
    """
    p = expit(x @ fit)
    variance = p * (1 - p)
    inverse = np.linalg.solve(x.T @ (x * variance[:, None]), x.T).T
    leverage = variance * np.einsum("ni,ni->n", x, inverse)
    return x * (y - p + leverage * (0.5 - p))[:, None], variance * (1 + leverage)


def _one_step(
    x: Floats, y: Floats, group: Floats, fit: Floats, weights: NDArray[np.uint8]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Coefficients (r, m) after one Newton step under each set of weights (r, n).

    And which classes of `group` (n, k) each resample holds (r, k).
    """
    m = x.shape[1]
    score, information = _score(x, y, fit)
    upper = np.triu_indices(m)
    parts = x[:, upper[0]] * x[:, upper[1]] * information[:, None]
    columns = np.concatenate([score, parts, group], axis=1)
    sums = weighted_sums(columns, weights)
    hessian = np.empty((len(sums), m, m))
    hessian[:, upper[0], upper[1]] = hessian[:, upper[1], upper[0]] = sums[:, m : -group.shape[1]]
    # A ridge of rounding size: a resample may leave a covariate's level out.
    ridge = 1e-9 * np.maximum(np.trace(hessian, axis1=1, axis2=2), 1)
    hessian += ridge[:, None, None] * np.eye(m)
    step = np.linalg.solve(hessian, sums[:, :m, None])[:, :, 0]
    return fit + step, sums[:, -group.shape[1] :] > 0
