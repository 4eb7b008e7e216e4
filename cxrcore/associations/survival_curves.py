"""Rows of CURVES: survival by quarter of the reference's log-odds, without small counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cxrcore.associations.inputs import Inputs
from cxrcore.associations.prognosis import HORIZON, follow_up_of, survival_by_quarter
from data_contracts.disclosure.subgroups import Disclosure
from data_contracts.disclosure.survival import suppressed_points

#: Days after the radiograph at whose end survival is given.
DAYS = np.arange(0.0, HORIZON + 1, 5.0)


def survival_curves(inputs: Inputs, rule: Disclosure) -> Iterator[dict[str, Any]]:
    """Of the network that stands for the reference; none where no patient is followed up."""
    model = inputs.primary.get(inputs.reference)
    if model is None or model.kind != "classes" or not inputs.cohort["follow_up_days"].count():
        return
    images = inputs.test_images(model)
    if not images.frame.height or rule.hides((*model.key, "test", "all", "all")):
        return
    curves = survival_by_quarter(follow_up_of(images), DAYS)
    counts = {
        q: list(zip(c.at_risk.tolist(), c.died.tolist(), c.lost.tolist(), strict=True))
        for q, c in curves.items()
    }
    hidden = suppressed_points(counts, rule.least)
    for q, curve in curves.items():
        where = model.columns | {"split": "test", "class": f"quarter {q}", "curve": "survival"}
        for point in np.flatnonzero(~np.array(hidden[q])):
            low, high = (
                None if np.isnan(band[point]) else band[point] for band in (curve.low, curve.high)
            )
            yield where | {
                "point": int(point), "x": DAYS[point], "y": curve.survival[point], "low": low,
                "high": high, "at_risk": int(curve.at_risk[point]),
            }  # fmt: skip
