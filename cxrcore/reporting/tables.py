"""The report's tables as rows of text. What may be shown was decided before: null is suppressed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import polars as pl

from cxrcore.associations.verdict import NOT_BEYOND_CHANCE
from cxrcore.reporting.figures import number
from data_contracts import titles
from data_contracts.cohort_tables import Rows, count
from data_contracts.disclosure import SUPPRESSED

#: The covariates of a statistic of prognosis.
_BESIDE = {
    titles.statistic("hazard_ratio"): "adjusted for age and sex",
    titles.statistic("c_index_gain"): "beside age",
}


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


def added_value_table(added: pl.DataFrame, models: pl.DataFrame) -> Rows:
    """A row per task: AUROC of metadata, of metadata with the image, and the gain."""
    rows = of_primary(added, models).to_dicts()
    found = []
    for task in dict.fromkeys(row["task"] for row in rows):
        of_one = {row["quantity"]: row for row in rows if row["task"] == task}
        gain = of_one["gain"]
        found.append({
            "task": task, "metadata": gain["metadata"],
            "without": value(of_one["metadata"]), "with": value(of_one["metadata and image"]),
            "gain": value(gain), "interval": interval(gain), "subjects": count(gain["subjects"]),
            "p": _p_text(gain["p"]),
            "reason": gain["reason"] or "",
        })  # fmt: skip
    return found


def differences_table(differences: pl.DataFrame, models: pl.DataFrame) -> Rows:
    """A row per model beside the one that stands for its task: the difference of their AUROCs."""
    of_task = pl.col("other_task") == pl.col("task")
    chosen = of_primary(differences, models).filter(of_task, metric="auroc")
    return [
        {
            "task": row["task"], "name": row["name"], "other": row["other_name"],
            "value": value(row), "interval": interval(row), "p": _p_text(row["p"]),
            "subjects": count(row["subjects"]), "reason": row["reason"] or "",
        }
        for row in chosen.iter_rows(named=True)
    ]  # fmt: skip


def _p_text(p: float | None) -> str:
    return "–" if p is None else _p_value(p).removeprefix("=\u00a0")


def replication_table(replication: pl.DataFrame) -> Rows:
    """A row per other workspace, attribute and level: both verdicts and the difference."""
    return [
        {
            "workspace": r["workspace"], "attribute": r["attribute"],
            "evidence_level": r["evidence_level"],
            **{
                side: f"{r['verdict' + end]} ({number(r['value' + end], 2)})"
                if r["verdict" + end] else "–"
                for side, end in (("here", ""), ("there", "_there"))
            },
            "difference": number(r["difference"], 2), "interval": interval(r, 2),
            "reason": r["reason"] or "",
        }
        for r in replication.iter_rows(named=True)
    ]  # fmt: skip


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


def verdict_table(verdicts: pl.DataFrame) -> Rows:
    """A row per attribute; `cells` by level its verdict, value, interval, p and reason."""
    rows = []
    for attribute in verdicts["attribute"].unique(maintain_order=True):
        of_one = verdicts.filter(attribute=attribute)
        cells = {r["evidence_level"]: _verdict_cell(r) for r in of_one.iter_rows(named=True)}
        rows.append({"attribute": attribute, "cells": cells})
    return rows


def _verdict_cell(row: Mapping[str, Any]) -> dict[str, str]:
    p = "" if row["p_holm"] is None else f"p\u00a0{_p_value(row['p_holm'])}"
    # The caption says what the value is, and p that it is not beyond chance.
    reason = (row["reason"] or "").replace(", the smallest value of interest", "")
    reason = reason.removeprefix(f"{NOT_BEYOND_CHANCE}; ")
    return {
        "verdict": row["verdict"], "value": value(row, 2), "interval": interval(row, 2), "p": p,
        "reason": f"CI {reason}" if row["verdict"] == "not shared" else reason,
    }  # fmt: skip


def _p_value(p: float) -> str:
    # No line ends inside it.
    return "<\u00a00.001" if p < 0.001 else f"=\u00a0{number(p, 2 if p >= 0.1 else 3)}"


def evidence_table(associations: pl.DataFrame, *, divided: bool) -> Rows:
    """Every statistic of every attribute; `divided`: in each stratum, else over all patients."""
    chosen = associations.filter("primary", (pl.col("stratum") != "all") == divided)
    order = {name: i for i, name in enumerate(titles.LEVELS)}
    rows = []
    for r in chosen.iter_rows(named=True):
        null = {"low": r["null_low"], "high": r["null_high"]}
        rows.append({
            "evidence_level": r["evidence_level"], "statistic": titles.statistic(r["statistic"]),
            "adjustment": titles.ADJUSTMENTS[r["adjustment"]], "attribute": r["attribute"],
            "within": f"{r['stratum'].replace('_', ' ')}: {r['level']}" if divided else "",
            "value": value(r, 2), "interval": interval(r, 2),
            "p": _p_text(r["p_holm"]),
            "null": r["null"] or "–", "band": interval(null, 2),
            "ceiling": number(r["ceiling"], 2), "subjects": count(r["subjects"]),
            "reason": r["reason"] or "",
        })  # fmt: skip
    return sorted(rows, key=lambda r: (order[r["evidence_level"]], r["statistic"], r["adjustment"]))


def prognosis_table(associations: pl.DataFrame) -> Rows:
    """What the reference's log-odds say of survival, each with its own covariates."""
    rows = evidence_table(associations.filter(evidence_level="prognosis"), divided=False)
    crude = titles.ADJUSTMENTS["crude"]
    return [
        row | {"adjustment": crude if row["adjustment"] == crude else _BESIDE[row["statistic"]]}
        for row in rows
    ]


def order_text(orders: pl.DataFrame, verdicts: pl.DataFrame, level: str) -> str:
    """The attributes of a level by value: `>` where that is claimed of neighbours, else `~`.

    In brackets the share of patient resamples in which the first of the two is larger.
    """
    ranked = verdicts.filter(pl.col("evidence_level") == level).drop_nulls("rank")
    names = ranked.sort("rank", "attribute")["attribute"].to_list()
    of_level = orders.filter(pl.col("evidence_level") == level)
    found = {(r["attribute"], r["other"]): r for r in of_level.iter_rows(named=True)}
    return "".join([*names[:1], *(f"{_sign(found.get(two))} {two[1]}" for two in pairwise(names))])


def _sign(order: Mapping[str, Any] | None) -> str:
    """The sign between two attributes, with the share of resamples in which the first is larger."""
    sign = " >" if order and order["above"] else " ~"
    share = order["share"] if order else None
    return sign if share is None else f"{sign} ({100 * share:.0f}\u00a0%)"


def planted_table(
    truth: pl.DataFrame | None, auroc: Mapping[str, dict[str, Any]], verdicts: pl.DataFrame
) -> Rows:
    """Planted beside recovered for each task with a model; empty without a truth."""
    if truth is None:
        return []
    of_maps = verdicts.filter(pl.col("evidence_level") == "attribution")
    found = {r["attribute"]: r for r in of_maps.iter_rows(named=True)}
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
            "found": (row["rank"] or "–") if row else "–",
            "verdict": row["verdict"] if row else "–",
        })  # fmt: skip
    return rows
