"""What `aggregate` writes of two models beside each other: how far apart they predict."""

from __future__ import annotations

from typing import Any

from data_contracts.cohort_description import SUPPRESSION
from data_contracts.summary import (
    ENDS,
    IS_SUPPRESSED,
    MODEL_KEY,
    empty_if_suppressed,
    example_key,
    interval_is_ordered,
)
from data_contracts.vocabulary import Check, Contract, Field


def _example() -> dict[str, Any]:
    import polars as pl

    return example_key(2) | {
        "other_task": ["gender", "race"],
        "other_name": ["seed1", "main"],
        "metric": ["auroc", "auroc"],
        "value": pl.Series([0.02, None], dtype=pl.Float64),
        "low": pl.Series([-0.01, None], dtype=pl.Float64),
        "high": pl.Series([0.05, None], dtype=pl.Float64),
        "p": pl.Series([0.2, None], dtype=pl.Float64),
        "subjects": pl.Series([120, None], dtype=pl.Int64),
        "suppressed": [False, False],
        "reason": pl.Series([None, "fewer than two test patients of a class"], dtype=pl.String),
    }


DIFFERENCES = Contract(
    name="differences",
    version="1.0",
    kind="table",
    path_template="summary/differences.parquet",
    description="Test AUROC of one model minus that of another, paired by patient",
    key=("task", "name", "other_task", "other_name", "metric"),
    fields=(
        *MODEL_KEY,
        Field("other_task", "string", "The other model's task"),
        Field("other_name", "string", "The other model's name"),
        Field("metric", "string",
              "auroc; auroc:CLASS, of two models of one task, is one class against the rest"),
        Field("value", "float64", "AUROC of the model minus that of the other one", unit="1",
              nullable=True),
        *ENDS,
        Field("p", "float64", "p value of no difference; null: not tested", unit="1",
              nullable=True),
        Field("subjects", "int64", "Test patients with a label of either task", unit="patients",
              nullable=True),
        IS_SUPPRESSED,
        Field("reason", "string", "Why there is no value", nullable=True),
    ),
    attributes=(SUPPRESSION,),
    checks=(
        Check("low is not above high", interval_is_ordered),
        empty_if_suppressed("value", "low", "high", "p", "subjects"),
    ),
    example=_example,
    example_attributes={"min_cell_count": 0},
)  # fmt: skip
