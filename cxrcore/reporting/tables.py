"""The report's tables as rows of text. Counts of few patients are hidden here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from cxrcore.reading import RANKING, TITLES, metric_of, rankings
from cxrcore.reporting.figures import number
from data_contracts.cohort_tables import Rows
from data_contracts.disclosure import count, hidden_parts, shown, told_by_other_tasks


def interval(row: Mapping[str, Any], digits: int = 3) -> str:
    """Low to high, in words that survive a minus sign."""
    if row["low"] is None:
        return "–"
    return f"{number(row['low'], digits)} to {number(row['high'], digits)}"


def reading_table(metrics: pl.DataFrame) -> Rows:
    """How well each target is read on the test split, a row per task and metric."""
    rows = metrics.filter(split="test", stratum="all")
    return [
        {
            "chance": r["low"] is not None and r["low"] <= 0.5 <= r["high"],
            "task": r["task"], "name": r["metric"], "metric": _metric_title(r["metric"]),
            "value": number(r["value"]),
            "interval": interval(r), "images": count(r["images"], r["subjects"]),
            "subjects": count(r["subjects"], r["subjects"]),
        }
        for r in rows.iter_rows(named=True)
    ]  # fmt: skip


def _metric_title(name: str) -> str:
    kind, _, of_class = name.partition(":")
    title = {"auroc": "AUROC", "auprc": "AUPRC", "brier": "Brier score"}.get(kind, kind)
    return title.replace("_", " ") + (f", {of_class}" if of_class else "")


def strata_table(metrics: pl.DataFrame) -> Rows:
    """AUROC on the test split by view, age and attribute."""
    rows: Rows = []
    auroc = metrics.filter(split="test", metric="auroc")
    divided = auroc.filter(pl.col("stratum") != "all")
    patients = dict(auroc.filter(stratum="all").select("task", "subjects").iter_rows())
    for (task, stratum), found in divided.group_by("task", "stratum", maintain_order=True):
        whole = metric_of(auroc, str(task), "auroc")["subjects"]
        parts: dict[str | None, int] = dict(found.select("level", "subjects").iter_rows())
        # Patients without a known level can be worked out from the total.
        hide = hidden_parts(parts | {None: max(0, whole - sum(parts.values()))})
        if told_by_other_tasks(patients, str(task), str(stratum)):
            hide = set(parts)
        rows += [
            {
                "task": task, "stratum": str(stratum).replace("_", " "), "level": r["level"],
                "value": number(r["value"]), "interval": interval(r),
                "subjects": shown(r["subjects"], r["level"] in hide),
            }
            for r in found.iter_rows(named=True)
        ]  # fmt: skip
    return rows


def overlap_table(associations: pl.DataFrame) -> Rows:
    """Every association, `judged`, ranked within its statistic; those not read come last."""
    ranks = {
        (name, r["attribute"]): place
        for name, ranked in rankings(associations).items()
        for r in ranked
        # Equal values share a rank.
        for place in [1 + [other["value"] for other in ranked].index(r["value"])]
    }
    rows = []
    for r in associations.iter_rows(named=True):
        rank = ranks.get((r["statistic"], r["attribute"]))
        rows.append({
            "statistic": TITLES.get(r["statistic"], r["statistic"]), "attribute": r["attribute"],
            "rank": "–" if rank is None else str(rank), "value": number(r["value"], 2),
            "interval": interval(r, 2), "subjects": count(r["subjects"], r["subjects"]),
            "not_read": r["not_read"],
            "order": ([*TITLES, r["statistic"]].index(r["statistic"]), rank or len(ranks) + 1),
        })  # fmt: skip
    return sorted(rows, key=lambda row: (*row["order"], row["attribute"]))


def planted_table(
    truth: pl.DataFrame | None, metrics: pl.DataFrame, associations: pl.DataFrame
) -> Rows:
    """Planted against found for each task with a model; empty without a truth.

    The rank is found among the attributes that are read.
    """
    if truth is None:
        return []
    order = [r["attribute"] for r in rankings(associations).get(RANKING, [])]
    found = {r["attribute"]: r for r in associations.filter(statistic=RANKING).to_dicts()}
    rows = []
    for r in truth.sort("rank").iter_rows(named=True):
        area, row = metric_of(metrics, r["task"], "auroc"), found.get(r["task"])
        if area["task"] is None:
            continue
        rows.append({
            "task": r["task"], "region": r["region"], "strength": number(r["strength"], 1),
            "overlap": number(r["overlap_with_mortality"], 2),
            "planted": r["rank"] or "–", "auroc": number(area["value"]),
            "interval": interval(area), "r": number(row["value"], 2) if row else "–",
            "found": order.index(r["task"]) + 1 if r["task"] in order else "–",
            "not_read": row["not_read"] if row else "",
        })  # fmt: skip
    return rows
