"""One row of ASSOCIATIONS, as the levels of evidence make it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Row = dict[str, Any]


def association_row(
    about: Mapping[str, Any], statistic: str, subjects: int, value: float = np.nan,
    low: float | None = None, high: float | None = None, reason: str = "",
) -> Row:  # fmt: skip
    """A row; `about` names reference, attribute and level, `reason` why it is not interpretable."""
    finite = bool(np.isfinite(value))
    no_model = dict.fromkeys(("reference_name", "attribute_name", "seed", "control"))
    return no_model | dict(about) | {
        "statistic": statistic, "value": float(value) if finite else None,
        "low": low if finite else None, "high": high if finite else None,
        "p": None, "p_holm": None, "null": None, "subjects": subjects, "suppressed": False,
        "interpretable": not reason, "reason": reason or None,
    }  # fmt: skip
