"""The report's tables as rows of text. What may be shown was decided before: null is suppressed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from cxrcore.interpretation import rankings
from cxrcore.reporting.figures import number
from data_contracts import titles
from data_contracts.cohort_tables import Rows, count
from data_contracts.disclosure import SUPPRESSED
from data_contracts.titles import RANKING


def interval(row: Mapping[str, Any], digits: int = 3) -> str:
    """Low to high, in words that survive a minus sign."""
    if row["low"] is None:
        return "–"
    return f"{number(row['low'], digits)} to {number(row['high'], digits)}"


def value(row: Mapping[str, Any], digits: int = 3) -> str:
    """A row's value, or why there is none."""
    return SUPPRESSED if row["suppressed"] else number(row["value"], digits)


def of_primary(rows: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """The rows of the models that stand for their tasks."""
    return rows.join(models.filter("primary"), on=["task", "name"], how="semi",
                     maintain_order="left")  # fmt: skip


def test_auroc(metrics: pl.DataFrame, models: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """By task the undivided test row of its model's AUROC."""
    rows = of_primary(metrics.filter(metric="auroc", split="test", stratum="all"), models)
    return {row["task"]: row for row in rows.iter_rows(named=True)}


def performance_table(metrics: pl.DataFrame, models: pl.DataFrame) -> Rows:
    """Performance on the test split, a row per task and metric."""
    return [
        {
            "chance": r["low"] is not None and r["low"] <= 0.5 <= r["high"],
            "task": r["task"], "metric": r["metric"], "title": titles.metric(r["metric"]),
            "value": value(r), "interval": interval(r), "images": count(r["images"]),
            "subjects": count(r["subjects"]),
        }
        for r in of_primary(metrics.filter(split="test", stratum="all"), models).to_dicts()
    ]  # fmt: skip


def models_table(metrics: pl.DataFrame, models: pl.DataFrame) -> Rows:
    """Every model with its test AUROC, or R²; empty when each task has one only."""
    if models.height == models["task"].n_unique():
        return []
    score = metrics.filter(pl.col("metric").is_in(["auroc", "r2"]), split="test", stratum="all")
    found = {(r["task"], r["name"]): r for r in score.iter_rows(named=True)}
    rows = []
    for model in models.iter_rows(named=True):
        row = found.get((model["task"], model["name"]))
        rows.append(model | {
            "value": value(row) if row else "–", "interval": interval(row) if row else "–",
            "control": "" if model["control"] == "none" else model["control"],
            "reason": model["reason"] or "",
        })  # fmt: skip
    return rows


def strata_table(metrics: pl.DataFrame, models: pl.DataFrame) -> Rows:
    """AUROC on the test split by view, age and attribute."""
    divided = metrics.filter(pl.col("stratum") != "all", split="test", metric="auroc")
    return [
        {
            "task": r["task"], "stratum": r["stratum"].replace("_", " "), "level": r["level"],
            "value": value(r), "interval": interval(r), "subjects": count(r["subjects"]),
        }
        for r in of_primary(divided, models).iter_rows(named=True)
    ]  # fmt: skip


def associations_table(associations: pl.DataFrame) -> Rows:
    """Every association, ranked within its statistic; those not interpretable come last."""
    ranks = {
        (name, r["attribute"]): place
        for name, ranked in rankings(associations).items()
        for r in ranked
        # Equal values share a rank.
        for place in [1 + [other["value"] for other in ranked].index(r["value"])]
    }
    order = list(titles.STATISTICS)
    rows = []
    for r in associations.iter_rows(named=True):
        rank = ranks.get((r["statistic"], r["attribute"]))
        rows.append({
            "statistic": titles.statistic(r["statistic"]), "attribute": r["attribute"],
            "rank": "–" if rank is None else str(rank), "value": value(r, 2),
            "interval": interval(r, 2), "subjects": count(r["subjects"]),
            "reason": r["reason"] or "",
            "order": ([*order, r["statistic"]].index(r["statistic"]), rank or len(ranks) + 1),
        })  # fmt: skip
    return sorted(rows, key=lambda row: (*row["order"], row["attribute"]))


def planted_table(
    truth: pl.DataFrame | None, auroc: Mapping[str, dict[str, Any]], associations: pl.DataFrame
) -> Rows:
    """Planted beside recovered for each task with a model; empty without a truth.

    The rank is found among the attributes whose maps may be interpreted.
    """
    if truth is None:
        return []
    order = [r["attribute"] for r in rankings(associations).get(RANKING, [])]
    found = {r["attribute"]: r for r in associations.filter(statistic=RANKING).to_dicts()}
    rows = []
    for r in truth.sort("rank").iter_rows(named=True):
        area, row = auroc.get(r["task"]), found.get(r["task"])
        if area is None:
            continue
        rows.append({
            "task": r["task"], "region": r["region"], "strength": number(r["strength"], 1),
            "overlap": number(r["overlap_with_mortality"], 2),
            "planted": r["rank"] or "–", "auroc": value(area),
            "interval": interval(area), "r": value(row, 2) if row else "–",
            "found": order.index(r["task"]) + 1 if r["task"] in order else "–",
            "reason": (row["reason"] or "") if row else "",
        })  # fmt: skip
    return rows
