"""The tables of a cohort that is large enough to be shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from dashboards import LEAST

from data_contracts.cohort_description import COHORT_CHARACTERISTICS, COHORT_FLOW
from data_contracts.disclosure.cohort import disclosed_characteristics, disclosed_flow
from data_contracts.images import IMAGE_REJECTS, REJECT_REASONS
from data_contracts.store import Provenance, write_table
from data_contracts.vocabulary import Contract

Rows = list[dict[str, Any]]

FLOW = (
    ("cohort", "in the source", 5000, 0),
    ("cohort", "not a frontal view (AP or PA)", 2500, 2500),
    ("cohort", "younger than 18 years, or of unknown age", 2400, 100),
    ("mortality", "study not in a stay", 7, 7),
    ("mortality", "usable", 2393, 0),
)


def write_cohort(workspace: Path) -> None:
    """Flow, characteristics, and rejects in two shards."""
    flow: Rows = [
        {"step": i, "scope": scope, "rule": rule, "images": n, "studies": n, "subjects": n,
         "excluded_images": out} for i, (scope, rule, n, out) in enumerate(FLOW)
    ]  # fmt: skip
    write_flow(workspace, flow)
    sizes = {"train": 1400, "val": 400, "test": 600, "all": 2400}
    people: Rows = []
    for split, n in sizes.items():
        levels = {("subjects", "all"): n, ("view", "PA"): n - 100, ("view", "AP"): 100}
        for (variable, level), part in levels.items():
            share = None if variable == "subjects" else part / n
            people.append({
                "variable": variable, "level": level, "split": split, "images": part,
                "subjects": part, "value": share,
            })  # fmt: skip
        people.append({
            "variable": "age", "level": "mean", "split": split, "images": n, "subjects": n,
            "value": 61.25,
        })  # fmt: skip
    characteristics = disclosed_characteristics(frame_of(COHORT_CHARACTERISTICS, people), LEAST)
    write(COHORT_CHARACTERISTICS, COHORT_CHARACTERISTICS.path(workspace), characteristics)
    for shard, reasons in ((1, ["too_small"] * 15 + ["blank"] * 3), (2, ["too_small"] * 10)):
        write_rejects(workspace, shard, reasons)


def write_rejects(workspace: Path, shard: int, reasons: list[str], shards: int = 2) -> None:
    for old in workspace.glob(f"images/rejects-*-of-{3 - shards}.parquet"):
        old.unlink()
    rows = [
        {"image_id": f"image{shard}-{i}", "path": "p", "reason": reason, "detail": "d"}
        for i, reason in enumerate(reasons)
    ]
    path = IMAGE_REJECTS.path(workspace, shard=str(shard), shards=str(shards))
    write(IMAGE_REJECTS, path, frame_of(IMAGE_REJECTS, rows))


def write_flow(workspace: Path, flow: Rows) -> None:
    """What `extract` would show of these counts."""
    frame = disclosed_flow(frame_of(COHORT_FLOW, flow), LEAST)
    write(COHORT_FLOW, COHORT_FLOW.path(workspace), frame)


def frame_of(contract: Contract, rows: Rows) -> pl.DataFrame:
    schema = dict(pl.DataFrame(contract.example()).schema)
    if "reason" in schema:
        schema["reason"] = pl.Enum(REJECT_REASONS)
    return pl.DataFrame(rows, schema=schema)


def write(contract: Contract, path: Path, frame: pl.DataFrame) -> None:
    attributes = {n: LEAST for n in contract.example_attributes if n == "min_cell_count"}
    write_table(contract, path, frame, Provenance("extract", {}, ()), attributes)
