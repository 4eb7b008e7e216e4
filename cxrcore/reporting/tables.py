"""The report's tables as rows of text. Counts of few patients are hidden here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from cxrcore.reading import RANKING, TITLES, metric_of, rankings
from cxrcore.reporting import disclosure
from cxrcore.reporting.disclosure import (
    HIDDEN,
    count,
    hidden_in_all,
    hidden_parts,
    hidden_steps,
    is_few,
)
from cxrcore.reporting.figures import number
from data_contracts.summary import SMALLEST_CELL

Rows = list[dict[str, Any]]

_SIZES = ("images", "studies", "subjects")


def interval(row: Mapping[str, Any], digits: int = 3) -> str:
    """Low to high, in words that survive a minus sign."""
    if row["low"] is None:
        return "–"
    return f"{number(row['low'], digits)} to {number(row['high'], digits)}"


def flow_table(flow: pl.DataFrame) -> Rows:
    """COHORT_FLOW in order; few patients are hidden, also as a difference between rows."""
    rows: Rows = []
    for (scope,), steps in flow.sort("step").group_by("scope", maintain_order=True):
        found = steps.to_dicts()
        cells = _rules(found) if scope == "cohort" else _task_rules(found)
        rows += [
            {"scope": scope, "rule": step["rule"], **texts}
            for step, texts in zip(found, cells, strict=True)
        ]
    return rows


def _rules(steps: Rows) -> list[dict[str, str]]:
    """Cells of the rules that drop images: what each left, and how many images it took."""
    hide = {n: hidden_steps([s[n] for s in steps]) for n in _SIZES}
    out = []
    for i, step in enumerate(steps):
        near = hide["images"][max(0, i - 1) : i + 1]
        taken = step["excluded_images"]
        few = is_few(taken) or not any(near)
        out.append({
            **{n: HIDDEN if hide[n][i] else count(step[n], step["subjects"]) for n in _SIZES},
            "excluded": count(taken, taken) if few or not taken else HIDDEN,
        })  # fmt: skip
    return out


def _task_rules(steps: Rows) -> list[dict[str, str]]:
    """Cells of a task: images without a label by reason, which with the usable make the cohort."""
    last = len(steps) - 1
    parts = {i: s["subjects"] for i, s in enumerate(steps) if s["excluded_images"] or i == last}
    hide = hidden_parts(parts)
    out = []
    for i, step in enumerate(steps):
        few = is_few(step["subjects"])
        masked = {n: HIDDEN if i in hide and not few else count(step[n], step["subjects"])
                  for n in _SIZES}  # fmt: skip
        out.append({**masked, "excluded": masked["images"] if step["excluded_images"] else "0"})
    return out


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


def _hidden(characteristics: pl.DataFrame) -> set[tuple[Any, ...]]:
    """Cells to hide: the levels of a variable add up to the split, and the splits to 'all'."""
    counted = characteristics.filter(~pl.col("level").is_in(["mean", "sd"]))
    names = ("variable", "level", "split")
    patients = {tuple(r[n] for n in names): r["subjects"] for r in counted.iter_rows(named=True)}
    sums: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for key in patients:
        if key[0] != "subjects":
            sums.setdefault(("split", key[0], key[2]), []).append(key)
        if key[2] != "all":
            sums.setdefault(("level", *key[:2]), []).append(key)
    return hidden_in_all(patients, list(sums.values()))


def _cell(row: Mapping[str, Any], hide: bool) -> str:
    if row["level"] in ("mean", "sd"):
        return number(row["value"], 1) if row["subjects"] >= SMALLEST_CELL else "–"
    share = "" if hide or row["value"] is None else f" ({100 * row['value']:.1f} %)"
    return disclosure.shown(row["subjects"], hide) + share


def reject_table(rejects: pl.DataFrame) -> Rows:
    """Images left out by reason, the most frequent first; few images are hidden."""
    counted = (
        rejects.group_by(pl.col("reason").cast(pl.String))
        .len()
        .sort(["len", "reason"], descending=[True, False])
    )
    return [
        {"reason": r["reason"].replace("_", " "), "images": count(r["len"], r["len"])}
        for r in counted.iter_rows(named=True)
    ]


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
    for (task, stratum), found in divided.group_by("task", "stratum", maintain_order=True):
        whole = metric_of(auroc, str(task), "auroc")["subjects"]
        parts: dict[str | None, int] = dict(found.select("level", "subjects").iter_rows())
        # Patients without a known level can be worked out from the total.
        hide = hidden_parts(parts | {None: max(0, whole - sum(parts.values()))})
        rows += [
            {
                "task": task, "stratum": str(stratum).replace("_", " "), "level": r["level"],
                "value": number(r["value"]), "interval": interval(r),
                "subjects": disclosure.shown(r["subjects"], r["level"] in hide),
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
