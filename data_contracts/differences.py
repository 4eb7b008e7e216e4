"""What `aggregate` writes of two models beside each other: how far apart they predict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.cohort_description import SUPPRESSION
from data_contracts.summary import (
    IS_SUPPRESSED,
    MODEL_KEY,
    example_key,
    interval_is_ordered,
)
from data_contracts.vocabulary import Check, Contract, Field

if TYPE_CHECKING:
    import polars as pl


def _suppressed_rows_are_empty(_: pl.DataFrame) -> pl.Expr:
    import polars as pl

    numbers = ("value", "low", "high", "p", "subjects")
    return ~pl.col("suppressed") | pl.all_horizontal(pl.col(n).is_null() for n in numbers)


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
        Field("low", "float64", "Lower end of the 95 % interval", unit="1", nullable=True),
        Field("high", "float64", "Upper end of the 95 % interval", unit="1", nullable=True),
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
        Check("suppressed rows hold no number", _suppressed_rows_are_empty),
    ),
    example=_example,
    example_attributes={"min_cell_count": 0},
)  # fmt: skip
