"""The report's tables as rows of text. Counts of few patients are hidden here."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import polars as pl

from cxrcore.figures import STATISTICS, number
from data_contracts.summary import SMALLEST_CELL

Rows = list[dict[str, Any]]

RANKING = "pearson_of_contrast_maps"


def interval(row: Mapping[str, Any], digits: int = 3) -> str:
    """Low to high, in words that survive a minus sign."""
    if row["low"] is None:
        return "–"
    return f"{number(row['low'], digits)} to {number(row['high'], digits)}"


def p_value(p: float | None) -> str:
    return "–" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def count(value: int, subjects: int) -> str:
    """`value`, hidden when it stands for few (but some) patients."""
    return f"<{SMALLEST_CELL}" if 0 < subjects < SMALLEST_CELL else f"{value:,}"


def metric_of(metrics: pl.DataFrame, task: str, name: str, split: str = "test") -> dict[str, Any]:
    """The undivided row of a metric; all null when there is none."""
    found = metrics.filter(task=task, metric=name, split=split, stratum="all")
    nothing: dict[str, Any] = dict.fromkeys(metrics.columns)
    return found.row(0, named=True) if found.height else nothing


def flow_table(flow: pl.DataFrame) -> Rows:
    """COHORT_FLOW in order, few patients hidden."""
    return [
        {
            "scope": row["scope"], "rule": row["rule"],
            **{n: count(row[n], row["subjects"]) for n in ("images", "studies", "subjects")},
            "excluded": _some(row["excluded_images"]),
        }
        for row in flow.sort("step").iter_rows(named=True)
    ]  # fmt: skip


def _some(images: int) -> str:
    """A count of images whose patients are not known: hidden when there can be few of them."""
    return f"<{SMALLEST_CELL}" if 0 < images < SMALLEST_CELL else f"{images:,}"


def table_one(characteristics: pl.DataFrame) -> dict[str, Any]:
    """COHORT_CHARACTERISTICS, wide: a column per split; few patients hidden.

    A hidden count cannot be worked out from the totals that are shown.
    """
    order = ("train", "val", "test", "all")
    splits = [s for s in order if s in set(characteristics["split"])]
    facts = {
        (r["variable"], r["level"], r["split"]): r for r in characteristics.iter_rows(named=True)
    }
    hidden = _hidden(characteristics)
    rows: Rows = []
    for variable, level in dict.fromkeys((v, lv) for v, lv, _ in facts):
        cells = []
        for split in splits:
            row = facts.get((variable, level, split))
            cells.append(_cell(row, (variable, level, split) in hidden) if row else "0")
        rows.append({"variable": variable, "level": level, "cells": cells})
    return {"splits": splits, "rows": rows}


def _hidden(characteristics: pl.DataFrame) -> set[tuple[str, str, str]]:
    """Cells that show few patients, and those through which a total would give one away.

    The levels of a variable add up to the split, and the splits to 'all': where one cell of
    such a sum is hidden, the smallest other one is hidden too.
    """
    counted = characteristics.filter(
        ~pl.col("level").is_in(["mean", "sd"]) & (pl.col("subjects") > 0)
    )
    names = ("variable", "level", "split")
    patients = {tuple(r[n] for n in names): r["subjects"] for r in counted.iter_rows(named=True)}
    out = {key for key, n in patients.items() if n < SMALLEST_CELL}
    sums: dict[tuple[str, ...], list[Any]] = {}
    for key in patients:
        if key[0] != "subjects":
            sums.setdefault(("split", key[0], key[2]), []).append(key)
        sums.setdefault(("level", *key[:2]), []).append(key)
    while alone := [s for s in sums.values() if len(s) > 1 and len(out & set(s)) == 1]:
        out.add(min((key for key in alone[0] if key not in out), key=lambda key: patients[key]))
    return out


def _cell(row: Mapping[str, Any], hide: bool) -> str:
    if row["level"] in ("mean", "sd"):
        return number(row["value"], 1) if row["subjects"] >= SMALLEST_CELL else "–"
    if hide:
        return f"<{SMALLEST_CELL}" if row["subjects"] < SMALLEST_CELL else "hidden"
    share = "" if row["value"] is None else f" ({100 * row['value']:.1f} %)"
    return f"{row['subjects']:,}{share}"


def reject_table(rejects: pl.DataFrame) -> Rows:
    """Images left out by reason, the most frequent first."""
    counted = (
        rejects.group_by(pl.col("reason").cast(pl.String))
        .len()
        .sort(["len", "reason"], descending=[True, False])
    )
    return [
        {"reason": r["reason"].replace("_", " "), "images": _some(r["len"])}
        for r in counted.iter_rows(named=True)
    ]


def reading_table(metrics: pl.DataFrame) -> Rows:
    """How well each target is read on the test split, a row per task and metric."""
    rows = metrics.filter(split="test", stratum="all")
    return [
        {
            "chance": r["low"] is not None and r["low"] <= 0.5,
            "task": r["task"], "metric": r["metric"].replace("_", " "), "value": number(r["value"]),
            "interval": interval(r), "images": count(r["images"], r["subjects"]),
            "subjects": count(r["subjects"], r["subjects"]),
        }
        for r in rows.iter_rows(named=True)
    ]  # fmt: skip


def strata_table(metrics: pl.DataFrame) -> Rows:
    """AUROC on the test split by view, age and attribute."""
    rows = metrics.filter(
        (pl.col("split") == "test") & (pl.col("stratum") != "all") & (pl.col("metric") == "auroc")
    )
    return [
        {
            "task": r["task"], "stratum": r["stratum"].replace("_", " "), "level": r["level"],
            "value": number(r["value"]), "interval": interval(r),
            "subjects": count(r["subjects"], r["subjects"]),
        }
        for r in rows.iter_rows(named=True)
    ]  # fmt: skip


def rankings(associations: pl.DataFrame) -> dict[str, list[str]]:
    """Attributes from the nearest to the farthest by each statistic that has values."""
    known = associations.filter(pl.col("value").is_not_null())
    out = {}
    for name in [*STATISTICS, "cramers_v"]:
        found = known.filter(pl.col("statistic") == name).sort(
            ["value", "attribute"], descending=[True, False]
        )
        if found.height and name != "signed_pearson_of_contrast_maps":
            out[name] = found["attribute"].to_list()
    return out


def overlap_table(associations: pl.DataFrame) -> Rows:
    """Every association, ranked within its statistic."""
    ranks = rankings(associations)
    titles = {**STATISTICS, "cramers_v": "labels, Cramér's V"}
    rows = []
    for r in associations.iter_rows(named=True):
        ranked = ranks.get(r["statistic"], [])
        rank = str(ranked.index(r["attribute"]) + 1) if r["attribute"] in ranked else "–"
        rows.append({
            "statistic": titles.get(r["statistic"], r["statistic"]), "attribute": r["attribute"],
            "rank": rank, "value": number(r["value"], 2), "interval": interval(r, 2),
            "p": p_value(r["p"]), "p_holm": p_value(r["p_holm"]),
            "subjects": count(r["subjects"], r["subjects"]),
            "order": [*titles, r["statistic"]].index(r["statistic"]),
        })  # fmt: skip
    return sorted(rows, key=lambda row: (row["order"], row["rank"], row["attribute"]))


def agreement(associations: pl.DataFrame) -> dict[str, Any]:
    """The ranking by contrast maps, what of it is more than chance, and what ranks otherwise.

    `claimed` are the attributes nearer than shuffled labels make them (Holm's p below 0.05),
    `overlapping` the neighbours whose order is not settled.
    """
    ranks = rankings(associations)
    chosen = ranks.get(RANKING, [])
    titles = {**STATISTICS, "cramers_v": "labels, Cramér's V"}
    others = {
        titles[name]: order
        for name, order in ranks.items()
        if [a for a in order if a in chosen] != [a for a in chosen if a in order]
    }
    likely = associations.filter((pl.col("statistic") == RANKING) & (pl.col("p_holm") < 0.05))
    claimed = [a for a in chosen if a in likely["attribute"].to_list()]
    unsettled = _neighbours(associations, chosen)
    return {"order": chosen, "others": others, "claimed": claimed, "overlapping": unsettled}


def _neighbours(associations: pl.DataFrame, order: list[str]) -> list[tuple[str, str]]:
    """Neighbours in the ranking whose intervals overlap: their order is not settled."""
    found = {
        r["attribute"]: r for r in associations.filter(statistic=RANKING).iter_rows(named=True)
    }
    return [
        (a, b)
        for a, b in pairwise(order)
        if found[a]["low"] is None
        or found[b]["high"] is None
        or found[a]["low"] <= found[b]["high"]
    ]


def planted_table(truth: pl.DataFrame | None, associations: pl.DataFrame) -> Rows:
    """Planted against found rank of each attribute; empty without a truth or a ranking."""
    order = rankings(associations).get(RANKING, [])
    if truth is None or not order:
        return []
    return [
        {
            "task": r["task"], "region": r["region"],
            "overlap": number(r["overlap_with_mortality"], 2),
            "planted": r["rank"], "found": order.index(r["task"]) + 1,
        }
        for r in truth.sort("rank").iter_rows(named=True)
        if r["task"] in order
    ]  # fmt: skip
