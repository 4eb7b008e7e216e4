"""Associations without what gives few patients away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cxrcore.associations import Associations
from data_contracts.disclosure import is_small
from data_contracts.disclosure.subgroups import Disclosure

_NUMBERS = ("value", "low", "high", "p", "p_holm", "null_low", "null_high", "smallest_effect",
            "ceiling", "control_value", "rank", "subjects")  # fmt: skip


def disclosed(found: Associations, rule: Disclosure) -> Associations:
    """Rows that stand for few patients without their numbers; orders that they are in left out."""
    rows, verdicts = ([_row(r, rule) for r in rows] for rows in (found.rows, found.verdicts))
    hidden = {(r["evidence_level"], r["attribute"]) for r in verdicts if r["suppressed"]}
    orders = [
        r for r in found.orders
        if not {(r["evidence_level"], r[a]) for a in ("attribute", "other")} & hidden
    ]  # fmt: skip
    return Associations(rows, verdicts, orders)


def _row(row: dict[str, Any], rule: Disclosure) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name != "fewest"}
    if not _reveals_few(row, rule):
        return shown
    hidden = {"suppressed": True, "reason": None} | {n: None for n in _NUMBERS if n in row}
    return shown | hidden | ({"verdict": "undetermined"} if "verdict" in row else {})


def _reveals_few(row: Mapping[str, Any], rule: Disclosure) -> bool:
    """Whether an association is one of few patients, of a class of few, or of a hidden level."""
    of_class = str(row["statistic"]).startswith(("odds_ratio", "score_difference"))
    divided = row.get("stratum", "all") != "all"
    few = (of_class or divided) and is_small(row.get("fewest") or 0, rule.least)
    if few or is_small(row["subjects"], rule.least) or not divided:
        return few or is_small(row["subjects"], rule.least)
    pair = (
        (row["reference"], row["reference_name"]), (row["attribute"], row["attribute_name"]),
    )  # fmt: skip
    where = row["stratum"], row["level"]
    return any(rule.hides((task, name, "test", *where)) for task, name in pair if name)
