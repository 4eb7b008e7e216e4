"""The strength of an association as an estimate: what labels and scores are judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxrcore.associations.estimate import Adjustment, Estimate, null_test
from cxrcore.associations.partial import Moments, Partial, null_traces, resampled
from cxrcore.associations.shuffles import Key
from cxrcore.evaluation.bootstrap import percentile_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

NO_PATIENT = "no patient with both labels"
NULLS: dict[Adjustment, str] = {
    "crude": "shuffled patients",
    "adjusted": "shuffled patients, given age, sex and view",
    "within_class": "shuffled patients of the same true class, given age, sex and view",
}


@dataclass(frozen=True)
class Found:
    """The strength of one pair, with the draws that other statistics of it are made from."""

    estimate: Estimate
    cross: Floats | None
    """(permutations, b, a) products of group and response under the null; None: not defined."""
    moments: Moments | None


def strength_estimate(
    name: str, one: Partial, weights: NDArray[np.uint8], key: Key,
    permutations: int, strata: Ints | None, adjustment: Adjustment,
) -> Found:  # fmt: skip
    """Bias-corrected strength with its interval over `weights` (r, n) and its permutation p.

    The p value is of the trace, which the correction cuts off at 0.
    """
    n = len(one.response)
    value = float(one.strength(one.trace))
    if not np.isfinite(value):
        sides = {"the reference": one.response, "the attribute": one.group}
        constant = [who for who, basis in sides.items() if not basis.shape[1]]
        beyond = "" if adjustment == "crude" else " beyond the covariates"
        reason = (
            f"{' and '.join(constant)} does not vary{beyond}" if constant else "too few patients"
        )
        return Found(Estimate(name, np.nan, n, adjustment, reason=reason), None, None)
    moments = resampled(one, weights)
    strengths = one.strength(moments.traces, corrections=2)
    low, high, _ = percentile_interval(strengths)
    traces, cross = null_traces(one, permutations, key, strata)
    null = null_test(float(one.strength(one.trace)), one.strength(traces))
    p = null_test(one.trace, traces).p
    found = Estimate(
        name, value, n, adjustment, low, high, p, NULLS[adjustment], null.low, null.high,
        null.smallest_effect, resampled=strengths,
    )  # fmt: skip
    return Found(found, cross, moments)
