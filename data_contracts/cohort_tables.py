"""The cohort's tables as rows of text, for people. Counts of few patients are hidden here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from data_contracts.disclosure import (
    HIDDEN,
    count,
    hidden_in_all,
    hidden_parts,
    hidden_steps,
    is_few,
    shown,
)
from data_contracts.summary import SMALLEST_CELL

if TYPE_CHECKING:
    import polars as pl

Rows = list[dict[str, Any]]

_SIZES = ("images", "studies", "subjects")


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
    import polars as pl

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
        few = row["value"] is None or row["subjects"] < SMALLEST_CELL
        return "–" if few else f"{row['value']:.1f}"
    share = "" if hide or row["value"] is None else f" ({100 * row['value']:.1f} %)"
    return shown(row["subjects"], hide) + share


def reject_table(rejects: pl.DataFrame) -> Rows:
    """Images left out by reason, the most frequent first; few images are hidden."""
    import polars as pl

    counted = (
        rejects.group_by(pl.col("reason").cast(pl.String))
        .len()
        .sort(["len", "reason"], descending=[True, False])
    )
    return [
        {"reason": r["reason"].replace("_", " "), "images": count(r["len"], r["len"])}
        for r in counted.iter_rows(named=True)
    ]
