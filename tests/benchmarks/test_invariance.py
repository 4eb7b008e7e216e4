"""What is no evidence changes no answer, through the whole of aggregate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from benchmarks.simulation.artifacts import MAPS, summarised, write
from benchmarks.simulation.worlds import GRID, REFERENCE, SMALL, WORLDS
from cxrcore.associations.inputs import Draws
from cxrcore.summary import Settings, Summary
from data_contracts.associations import ASSOCIATIONS
from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.cohort import COHORT
from data_contracts.predictions import FEATURES, PREDICTIONS
from data_contracts.store import (
    Header,
    Provenance,
    open_arrays,
    read_table,
    write_arrays,
    write_table,
)
from data_contracts.vocabulary import Contract

FEW = Settings(replicates=100, draws=Draws(99, 99), seed=0, min_cell_count=0)
ROWS_OF = {
    FEATURES: ("image_id", "features"),
    ATTRIBUTIONS: ("image_id", "maps", "outputs", "lung_box"),
}
KEYS = [{"task": task, "name": name} for task in SMALL.tasks for name in SMALL.models]


def origin(header: Header) -> Provenance:
    return Provenance(header.job, header.config, header.inputs)


def twice(frame: pl.DataFrame) -> pl.DataFrame:
    """Every image once more under another id."""
    ids = [c for c in ("image_id", "study_id", "path") if c in frame.columns]
    return pl.concat([frame, frame.with_columns(pl.col(ids) + "-again")])


def change(workspace: Path) -> None:
    """Duplicate and shuffle the images, add one map to all, and swap the reference's classes."""
    classes = list(SMALL.tasks[REFERENCE])[::-1]
    label = pl.col(f"label_{REFERENCE}").cast(pl.String).cast(pl.Enum(classes))
    path = COHORT.path(workspace)
    cohort = read_table(COHORT, path)
    frame = twice(cohort.frame).sort("image_id").with_columns(label)
    write_table(COHORT, path, frame, origin(cohort.header), cohort.header.attributes)
    for keys in KEYS:
        swapped = {"classes": classes} if keys["task"] == REFERENCE else {}
        path = PREDICTIONS.path(workspace, **keys)
        table = read_table(PREDICTIONS, path)
        frame = twice(table.frame).sample(fraction=1, shuffle=True, seed=0)
        if swapped:
            lists = pl.col("logits", "probabilities").list.reverse()
            frame = frame.with_columns(lists, target=(1 - pl.col("target")).cast(pl.Int8))
        attributes = table.header.attributes | swapped
        write_table(PREDICTIONS, path, frame, origin(table.header), attributes)
        change_arrays(FEATURES, FEATURES.path(workspace, **keys), {})
        change_arrays(ATTRIBUTIONS, ATTRIBUTIONS.path(workspace, **keys, **MAPS), swapped)


def change_arrays(contract: Contract, path: Path, swapped: Mapping[str, Any]) -> None:
    with open_arrays(contract, path) as arrays:
        found, header = {name: arrays.read(name) for name in arrays.names()}, arrays.header
    row, column = np.mgrid[:GRID, :GRID]
    if "maps" in found:
        found["maps"] = found["maps"] + np.float16(2) * (abs(row - 6) + abs(column - 2) < 3)
    if swapped and "maps" in found:
        found |= {name: found[name][:, ::-1] for name in ("maps", "outputs")}
    order = np.random.default_rng(0).permutation(2 * len(found["image_id"]))
    again = np.char.add(found["image_id"], "-again")
    for name in ROWS_OF[contract]:
        doubled = np.concatenate([found[name], again if name == "image_id" else found[name]])
        found[name] = doubled[order]
    write_arrays(contract, path, found, origin(header), header.attributes | dict(swapped))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Summary, Summary]:
    """The summary of one workspace before and after the change."""
    workspace = tmp_path_factory.mktemp("drawn")
    write(workspace, WORLDS["used"], np.random.default_rng(1))
    before = summarised(workspace, FEW)
    change(workspace)
    return before, summarised(workspace, FEW)


def test_no_verdict_changes(both: tuple[Summary, Summary]) -> None:
    before, after = both
    columns = ["evidence_level", "attribute", "verdict", "subjects", "rank"]
    assert before.verdicts.select(columns).equals(after.verdicts.select(columns))
    assert "shared" in before.verdicts["verdict"].cast(pl.String).to_list()
    claimed = ["evidence_level", "attribute", "other", "above"]
    assert before.orders.select(claimed).equals(after.orders.select(claimed))


def test_estimates_and_intervals_stay_and_signed_ones_turn(both: tuple[Summary, Summary]) -> None:
    before, after = (one.associations for one in both)
    rows = before.join(after, on=ASSOCIATIONS.key, nulls_equal=True, suffix="_after")
    assert rows.height == before.height == after.height
    for row in rows.iter_rows(named=True):
        statistic = row["statistic"].partition(":")[0]
        # Duplicates move the knots of age a little.
        near = 2e-3 if row["adjustment"] == "crude" else 1e-2
        values = [row["value"], row["low"], row["high"]]
        turned = [row["value_after"], row["low_after"], row["high_after"]]
        if statistic == "odds_ratio":
            values, turned = ([v and np.log(v) for v in some] for some in (values, turned))
        # Between the reference's own classes both sides turn.
        if statistic in ("odds_ratio", "score_difference") and row["attribute"] != REFERENCE:
            turned = [v if v is None else -v for v in (turned[0], turned[2], turned[1])]
        for value, later in zip(values, turned, strict=True):
            assert (value is None) == (later is None), row
            assert value is None or abs(value - later) <= near * max(1, abs(value)), row


def test_no_metric_changes(both: tuple[Summary, Summary]) -> None:
    key = ["task", "name", "split", "stratum", "level", "metric"]
    before, after = (
        one.metrics.filter(pl.col("task") != REFERENCE, pl.col("metric") != "images")
        for one in both
    )
    rows = before.join(after, on=key, suffix="_after")
    assert rows.height == before.height == after.height
    # Calibration is fitted in steps, and least exactly in resamples that nearly separate.
    is_fitted = rows["metric"].str.starts_with("calibration")
    for name in ("value", "low", "high"):
        assert rows[name].is_null().equals(rows[f"{name}_after"].is_null(), check_names=False)
        moved = (rows[name] - rows[f"{name}_after"]).abs()
        assert (moved.filter(~is_fitted) < 1e-9).all(), name
        assert (moved.filter(is_fitted) < 1e-7).all(), name


def test_no_share_of_a_region_changes(both: tuple[Summary, Summary]) -> None:
    before, after = (one.region_evidence for one in both)
    rows = before.join(after, on=["task", "name", "region"], suffix="_after")
    assert rows.height == before.height == after.height
    assert rows["share"].drop_nulls().len() > 0
    for name in ("share", "low", "high"):
        assert rows[name].is_null().equals(rows[f"{name}_after"].is_null(), check_names=False)
        # What is added to every map is rounded with it, to 16 bits.
        assert ((rows[name] - rows[f"{name}_after"]).abs() < 1e-3).all(), name
