"""What may be read from the associations: which maps count, what ranks, what disagrees."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import polars as pl

#: The statistics of map similarity, for people; the first one ranks.
STATISTICS = {
    "pearson_of_contrast_maps": "contrast maps, magnitude",
    "signed_pearson_of_contrast_maps": "contrast maps, signed",
    "pearson_of_means": "mean maps",
    "pearson_per_image": "same image, mean of r",
}

RANKING = "pearson_of_contrast_maps"
TITLES = {**STATISTICS, "cramers_v": "labels, Cramér's V"}


def metric_of(metrics: pl.DataFrame, task: str, name: str) -> dict[str, Any]:
    """The undivided test row of a metric; all null when there is none."""
    found = metrics.filter(task=task, metric=name, split="test", stratum="all")
    nothing: dict[str, Any] = dict.fromkeys(metrics.columns)
    return found.row(0, named=True) if found.height else nothing


def judged(associations: pl.DataFrame, metrics: pl.DataFrame) -> pl.DataFrame:
    """`associations` with the column `not_read`: why a row says nothing, empty where it counts.

    A network that does not read its target has no evidence to show. So attention is read only
    where the 95 % interval of the test AUROC lies wholly above 0.5, for the reference and for
    the attribute.
    """
    reasons = [
        next(filter(None, (unread(metrics, r["reference"]), unread(metrics, r["attribute"]))), "")
        if r["layer_of_evidence"] == "attention"
        else ""
        for r in associations.iter_rows(named=True)
    ]
    return associations.with_columns(pl.Series("not_read", reasons, dtype=pl.String))


def unread(metrics: pl.DataFrame, task: str) -> str:
    """Why the maps of `task` are not read; empty when they are."""
    area = metric_of(metrics, task, "auroc")
    if area["low"] is None:
        return f"not read: no AUROC interval ({task})"
    if area["high"] < 0.5:
        return f"not read: AUROC interval below 0.5 ({task})"
    return f"not read: AUROC interval contains 0.5 ({task})" if area["low"] <= 0.5 else ""


def rankings(associations: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """By each statistic the rows that count, from the nearest attribute to the farthest.

    `associations` are `judged`. The signed statistic does not rank: its sign depends on the
    order of the classes.
    """
    known = associations.filter(pl.col("value").is_not_null() & (pl.col("not_read") == ""))
    out = {}
    for name in TITLES:
        found = known.filter(statistic=name).sort(["value", "attribute"], descending=[True, False])
        if found.height and name != "signed_pearson_of_contrast_maps":
            out[name] = found.to_dicts()
    return out


def order_of(ranked: Sequence[dict[str, Any]]) -> str:
    """A ranking in words: `>` where neighbours' intervals do not overlap, else `~`."""
    text = ranked[0]["attribute"] if ranked else ""
    for a, b in pairwise(ranked):
        text += f" {'>' if settled(a, b) else '~'} {b['attribute']}"
    return text


def settled(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether the interval of `a` lies wholly above that of `b`."""
    return a["low"] is not None and b["high"] is not None and bool(a["low"] > b["high"])


def agreement(associations: pl.DataFrame) -> dict[str, Any]:
    """The ranking by contrast maps, what of it is unsettled, and which statistics disagree.

    `ranked` are the attributes, `order` the ranking in words, `others` the orders of the
    statistics that put two attributes the other way round, `not_read` the reason by attribute.
    """
    ranks = rankings(associations)
    chosen = ranks.get(RANKING, [])
    unread = associations.filter((pl.col("statistic") == RANKING) & (pl.col("not_read") != ""))
    return {
        "ranked": [r["attribute"] for r in chosen],
        "order": order_of(chosen),
        "unsettled": [
            (a["attribute"], b["attribute"]) for a, b in pairwise(chosen) if not settled(a, b)
        ],
        "others": {
            TITLES[name]: order_of(ranked)
            for name, ranked in ranks.items()
            if _reverses([r["attribute"] for r in chosen], ranked)
        },
        "not_read": dict(unread.select("attribute", "not_read").iter_rows()),
    }


def _reverses(order: Sequence[str], ranked: Sequence[dict[str, Any]]) -> bool:
    value = {r["attribute"]: r["value"] for r in ranked}
    values = [value[a] for a in order if a in value]
    return any(a < b for a, b in pairwise(values))
