"""The cohort's tables as rows of text, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from data_contracts.cohort import DIFFERENCE
from data_contracts.disclosure import SUPPRESSED, is_small

if TYPE_CHECKING:
    import polars as pl

    from data_contracts.header import Header

Rows = list[dict[str, Any]]


def count(value: int | None) -> str:
    """A number of images or patients; a mark where it is not disclosed."""
    return SUPPRESSED if value is None else f"{value:,}"


def flow_table(flow: pl.DataFrame) -> Rows:
    """COHORT_FLOW in order."""
    sizes = ("images", "studies", "subjects")
    return [
        {
            "scope": row["scope"], "rule": row["rule"], **{n: count(row[n]) for n in sizes},
            "excluded": count(row["excluded_images"]),
        }
        for row in flow.sort("step").iter_rows(named=True)
    ]  # fmt: skip


def table_one(characteristics: pl.DataFrame) -> dict[str, Any]:
    """COHORT_CHARACTERISTICS, wide: a column per split."""
    order = ("train", "val", "test", "all")
    splits = [s for s in order if s in set(characteristics["split"])]
    facts = {
        (r["variable"], r["level"], r["split"]): r for r in characteristics.iter_rows(named=True)
    }
    rows: Rows = []
    for variable, level in dict.fromkeys((v, lv) for v, lv, _ in facts):
        found = [facts.get((variable, level, split)) for split in splits]
        cells = [_cell(row) if row else "0" for row in found]
        shown = level.replace("_", " ") if variable == "linkage" else level
        title = "patients" if variable == "subjects" else variable
        rows.append({"variable": title, "level": shown, "cells": cells})
    return {"splits": splits, "rows": rows}


def _cell(row: Mapping[str, Any]) -> str:
    if row["subjects"] is None:
        return SUPPRESSED
    if row["level"] == DIFFERENCE:
        return "–" if row["value"] is None else f"{row['value']:z.2f}".replace("-", "−")
    if row["level"] in ("mean", "sd"):
        return "–" if row["value"] is None else f"{row['value']:.1f}"
    share = "" if row["value"] is None else f" ({100 * row['value']:.1f} %)"
    return count(row["subjects"]) + share


def near_duplicates(headers: Sequence[Header], least: int) -> str:
    """Pairs of images that show nearly the same, by the headers of IMAGE_REJECTS.

    Empty where they were not counted; `least` as in `disclosure`.
    """
    pairs: list[Any] = [h.attributes.get("near_duplicate_pairs") for h in headers]
    if not pairs or None in pairs:
        return ""
    return count(None if is_small(sum(pairs), least) else sum(pairs))


def reject_table(rejects: pl.DataFrame, least: int) -> Rows:
    """Rejected images by reason, the most frequent first; `least` as in `disclosure`."""
    import polars as pl

    counted = (
        rejects.group_by(pl.col("reason").cast(pl.String))
        .len()
        .sort(["len", "reason"], descending=[True, False])
    )
    return [
        {
            "reason": r["reason"].replace("_", " "),
            "images": count(None if is_small(r["len"], least) else r["len"]),
        }
        for r in counted.iter_rows(named=True)
    ]
