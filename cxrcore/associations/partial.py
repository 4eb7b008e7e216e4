"""How far two sets of columns go together beyond a third: its size, its null, its resamples.

Labels and scores are compared by one statistic. Over patients, let R be the residuals of the
responses (a log-odds, or the indicators of a label's classes) and A those of the attribute's
indicators, both after least squares on the regressors. The trace T is the sum of the squared
canonical correlations of R and A (Pillai 1955). With an intercept as the only regressor, n T is
Pearson's chi-squared of two labels, and T the correlation ratio eta squared of one score.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from cxrcore.associations.shuffles import GroupShuffles, Key
from cxrcore.evaluation.bootstrap import weighted_sums

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

#: What a column must keep of its length to count as a direction of its own.
_SMALLEST_DIRECTION = 1e-6
_BLOCK_VALUES = 1 << 21
_BANDS, _SMALLEST_BAND = 10, 20


def patient_means(values: Floats, subject: Ints) -> Floats:
    """Means (patients, ...) of `values` (n, ...) over each patient's images, by rising `subject`.

    So every patient counts once, and more images of one patient are no more evidence. What
    differs between the images of one patient is averaged out.
    """
    _, patient, images = np.unique(subject, return_inverse=True, return_counts=True)
    flat = values.reshape(len(values), -1)
    sums = [np.bincount(patient, column, len(images)) for column in flat.T]
    return np.asarray((np.stack(sums, axis=1) / images[:, None]).reshape(-1, *values.shape[1:]))


def patient_columns(weights: NDArray[np.uint8], subject: Ints) -> NDArray[np.uint8]:
    """The resample weights (r, patients) of the rows that `patient_means` gives."""
    names = np.unique(subject)
    # Several times as fast as indexing.
    return weights if len(names) == weights.shape[1] else np.take(weights, names, axis=1)


def indicators(labels: Ints, classes: int) -> Floats:
    """One column (n, classes) per class: 1 where a row is of it, else 0."""
    return np.asarray(np.eye(classes)[labels])


@dataclass(frozen=True)
class Partial:
    """Orthonormal bases of residuals; no column where nothing is left over."""

    response: Floats
    """(n, a)."""
    group: Floats
    """(n, b)."""
    nuisance: Floats
    """(n, q) basis of the regressors."""

    @property
    def freedom(self) -> int:
        """Degrees of freedom that the regressors leave."""
        return int(len(self.nuisance) - self.nuisance.shape[1])

    @property
    def trace(self) -> float:
        """The sum of squared partial canonical correlations; NaN: one side does not vary."""
        if not self.response.shape[1] or not self.group.shape[1]:
            return np.nan
        return float(((self.response.T @ self.group) ** 2).sum())

    def fitted(self, values: Floats) -> Floats:
        """What the regressors predict of `values` (n, ...)."""
        return np.asarray(self.nuisance @ (self.nuisance.T @ values))

    def strength(self, trace: Floats | float, corrections: int = 1) -> Floats:
        """Bias-corrected Cramér's V of traces: 0 for independence, 1 for determination.

        Bergsma 2013 (doi 10.1016/j.jkss.2012.10.002) with n - 1 replaced by the degrees of
        freedom left; of one response and two classes it is the square root of epsilon squared
        (adjusted R squared; Kelley 1935). `corrections`: how often the expected excess is taken
        away, once of a sample, twice of a resample, which carries the excess of both draws.
        """
        a, b, nu = self.response.shape[1], self.group.shape[1], self.freedom
        room = min(d - d * d / nu for d in (a, b)) if nu > 0 else 0.0
        if room <= 0:
            return np.full(np.shape(trace), np.nan)
        excess = np.maximum(0, np.asarray(trace) - corrections * a * b / nu)
        return np.asarray(np.sqrt(np.minimum(1, excess / room)))


def partial(response: Floats, group: Floats, regressors: Floats) -> Partial:
    """Both sides' residuals: `response` (n, c), `group` (n, k), `regressors` (n, q)."""
    nuisance = orthonormal(regressors)
    sides = [orthonormal(x - nuisance @ (nuisance.T @ x), x) for x in (response, group)]
    return Partial(sides[0], sides[1], nuisance)


def null_traces(
    one: Partial, draws: int, key: Key, strata: Ints | None = None
) -> tuple[Floats, Floats]:
    """Traces (draws,) and products group' response (draws, b, a) of permuted residuals.

    Freedman & Lane 1983: the response's residuals change patients, within `strata` (n,) where
    given, and are fitted on the regressors again. Without regressors but an intercept this is the
    plain permutation of patients.
    """
    a = one.response.shape[1]
    fixed = np.concatenate([one.group, one.nuisance], axis=1)
    products = np.empty((draws, fixed.shape[1], a))
    at_once = max(1, _BLOCK_VALUES // max(1, one.response.size))
    groups = np.zeros(len(fixed), dtype=np.intp) if strata is None else strata
    orders = GroupShuffles(groups, key).orders(draws)
    response = np.ascontiguousarray(one.response.T)
    for start in range(0, draws, at_once):
        count = min(at_once, draws - start)
        block = np.stack([response[:, order] for order in islice(orders, count)])
        found = block.reshape(count * a, len(fixed)) @ fixed
        products[start : start + count] = found.reshape(count, a, -1).transpose(0, 2, 1)
    b = one.group.shape[1]
    cross, lost = products[:, :b], products[:, b:]
    left = np.eye(a) - lost.transpose(0, 2, 1) @ lost
    return _traces(left, cross.transpose(0, 2, 1), np.broadcast_to(np.eye(b), (draws, b, b))), cross


def bands(fitted: Floats, within: Ints | None = None) -> Ints:
    """Strata (n,): tenths of the `fitted` values (n,), inside each class of `within`.

    Permuting residuals supposes that they vary alike; those of a label vary with its
    probability. Inside a band of the fitted value they nearly do.
    """
    within = np.zeros(len(fitted), dtype=np.intp) if within is None else within
    # Equal in all but rounding counts as equal.
    fitted = np.round(fitted / (float(np.ptp(fitted)) or 1.0), 9)
    out = np.empty(len(fitted), dtype=np.intp)
    for stratum in np.unique(within):
        rows = within == stratum
        count = max(1, min(_BANDS, int(rows.sum()) // _SMALLEST_BAND))
        inner = np.quantile(fitted[rows], np.linspace(0, 1, count + 1)[1:-1])
        out[rows] = _BANDS * stratum + np.searchsorted(inner, fitted[rows])
    return out


@dataclass(frozen=True)
class Moments:
    """Centred sums of products in each resample, of the bases of a `Partial`."""

    response: Floats
    """(r, a, a)."""
    cross: Floats
    """(r, a, b)."""
    group: Floats
    """(r, b, b)."""

    @property
    def traces(self) -> Floats:
        return _traces(self.response, self.cross, self.group)


def resampled(one: Partial, weights: NDArray[np.uint8]) -> Moments:
    """The moments under resample weights (r, n); the fits on the regressors are held fixed.

    That is right to first order, since residuals of both sides are multiplied (Frisch & Waugh
    1933): an error of one fit is multiplied by what the other left, which is 0 on average.
    """
    both = np.concatenate([one.response, one.group], axis=1)
    n, m = both.shape
    upper = np.triu_indices(m)
    columns = np.concatenate([np.ones((n, 1)), both, both[:, upper[0]] * both[:, upper[1]]], axis=1)
    sums = weighted_sums(columns, weights)
    total, first = np.maximum(sums[:, 0], 1), sums[:, 1 : m + 1]
    square = np.empty((len(sums), m, m))
    square[:, upper[0], upper[1]] = square[:, upper[1], upper[0]] = sums[:, m + 1 :]
    square -= first[:, :, None] * first[:, None, :] / total[:, None, None]
    a = one.response.shape[1]
    return Moments(square[:, :a, :a], square[:, :a, a:], square[:, a:, a:])


def _traces(response: Floats, cross: Floats, group: Floats) -> Floats:
    """Sums of squared canonical correlations (r,); NaN where a side does not vary."""
    (a, fixed), (b, free) = _inverse(response), _inverse(group)
    value = np.einsum("rij,rjk,rkl,ril->r", a, cross, b, cross, optimize=True)
    return np.where((fixed > 0) & (free > 0), value, np.nan)


def _inverse(moments: Floats) -> tuple[Floats, Ints]:
    """Pseudo-inverses (r, m, m) and ranks (r,) of moments of orthonormal columns."""
    values, vectors = np.linalg.eigh(moments)
    kept = values > _SMALLEST_DIRECTION**2
    inverse = np.where(kept, 1 / np.where(kept, values, 1), 0)
    return (vectors * inverse[:, None, :]) @ vectors.transpose(0, 2, 1), kept.sum(axis=1)


def orthonormal(columns: Floats, before: Floats | None = None) -> Floats:
    """Orthonormal basis (n, rank) of `columns` (n, m).

    Rank is judged by length: against the columns' own, or against theirs `before` a projection.
    """
    length = np.linalg.norm(columns if before is None else before, axis=0)
    scaled = columns / np.where(length > 0, length, 1)
    u, s, _ = np.linalg.svd(scaled, full_matrices=False)
    return np.asarray(u[:, s > _SMALLEST_DIRECTION])
