"""What may be interpreted: which maps count, what ranks, which statistics disagree.

`aggregate` decides it here once; everyone else reads the columns `interpretable` and `reason`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any

import polars as pl

from data_contracts.titles import RANKING, STATISTICS

if TYPE_CHECKING:
    from cxrcore.evaluation.chance import Chance

#: Maps are interpreted up to this p against chance, and from so many patients of each class on.
LARGEST_P = 0.05
FEWEST_PATIENTS = 11
#: Its sign depends on the order of the classes.
_NOT_RANKED = "signed_pearson_of_class_differences"


def not_interpretable(task: str, kind: str, found: Chance | None) -> str:
    """Why the maps of a model may not be interpreted; empty if they may.

    A network that predicts its target no better than chance has no evidence to show: the
    one-sided permutation p of its test AUROC or R² must be at most `LARGEST_P`, R² above 0, and
    each class must have `FEWEST_PATIENTS`.
    """
    title = "R²" if kind == "value" else "AUROC"
    if found is None or not isfinite(found.score):
        return f"no {title} ({task})"
    for name, patients in found.patients.items():
        if patients < FEWEST_PATIENTS:
            of_class = f" of class {name}" if name else ""
            return f"fewer than {FEWEST_PATIENTS} patients{of_class} in the test split ({task})"
    if found.p > LARGEST_P or (kind == "value" and found.score <= 0):
        return f"{title} not above chance ({task})"
    return ""


def rankings(associations: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """By each statistic the rows that count, from the most similar attribute to the least.

    `associations` has one row for each attribute and statistic.
    """
    known = associations.filter(pl.col("value").is_not_null() & pl.col("interpretable"))
    out = {}
    for name in STATISTICS:
        found = known.filter(statistic=name).sort(["value", "attribute"], descending=[True, False])
        if found.height and name != _NOT_RANKED:
            out[name] = found.to_dicts()
    return out


def order_of(ranked: Sequence[dict[str, Any]]) -> str:
    """A ranking in words: `>` where neighbours' intervals do not overlap, else `~`."""
    text = ranked[0]["attribute"] if ranked else ""
    for a, b in pairwise(ranked):
        text += f" {'>' if is_above(a, b) else '~'} {b['attribute']}"
    return text


def is_above(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether the interval of `a` lies wholly above that of `b`."""
    return a["low"] is not None and b["high"] is not None and bool(a["low"] > b["high"])


def agreement(associations: pl.DataFrame) -> dict[str, Any]:
    """The ranking, what of it is unsettled, and which statistics disagree.

    `ranked` are the attributes, `order` the ranking in words, `others` the orders of the
    statistics that reverse a pair, `not_interpretable` the reason by attribute.
    """
    ranks = rankings(associations)
    chosen = ranks.get(RANKING, [])
    rest = associations.filter((pl.col("statistic") == RANKING) & ~pl.col("interpretable"))
    return {
        "ranked": [r["attribute"] for r in chosen],
        "order": order_of(chosen),
        "unsettled": [
            (a["attribute"], b["attribute"]) for a, b in pairwise(chosen) if not is_above(a, b)
        ],
        "others": {
            STATISTICS[name]: order_of(ranked)
            for name, ranked in ranks.items()
            if _reverses([r["attribute"] for r in chosen], ranked)
        },
        "not_interpretable": dict(rest.select("attribute", "reason").iter_rows()),
    }


def _reverses(order: Sequence[str], ranked: Sequence[dict[str, Any]]) -> bool:
    value = {r["attribute"]: r["value"] for r in ranked}
    values = [value[a] for a in order if a in value]
    return any(a < b for a, b in pairwise(values))
