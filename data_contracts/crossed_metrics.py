"""What `aggregate` writes of patients divided by two variables together."""

from __future__ import annotations

from typing import Any

from data_contracts.cohort_description import SUPPRESSION
from data_contracts.summary import (
    ENDS,
    IS_SUPPRESSED,
    METRIC_NUMBERS,
    MODEL_KEY,
    empty_if_suppressed,
    example_key,
    interval_is_ordered,
)
from data_contracts.vocabulary import Check, Contract, Field


def _example() -> dict[str, Any]:
    import polars as pl

    return example_key(2) | {
        "variable": ["view", "view"],
        "level": ["PA", "AP"],
        "other_variable": ["race", "race"],
        "other_level": ["Black", "Black"],
        "value": pl.Series([0.8, None], dtype=pl.Float64),
        "low": pl.Series([0.7, None], dtype=pl.Float64),
        "high": pl.Series([0.9, None], dtype=pl.Float64),
        "images": pl.Series([60, None], dtype=pl.Int64),
        "subjects": pl.Series([55, None], dtype=pl.Int64),
        "positives": pl.Series([20, None], dtype=pl.Int64),
        "suppressed": [False, True],
    }


CROSSED_METRICS = Contract(
    name="crossed_metrics",
    version="1.0",
    kind="table",
    path_template="summary/crossed_metrics.parquet",
    description="Test AUROC of patients divided by two variables together",
    key=("task", "name", "variable", "level", "other_variable", "other_level"),
    fields=(
        *MODEL_KEY,
        Field("variable", "string", "Variable the images are divided by"),
        Field("level", "string", "Level of that variable"),
        Field("other_variable", "string", "Variable they are divided by as well"),
        Field("other_level", "string", "Level of that one"),
        Field("value", "float64", "AUROC, macro beyond two classes", unit="1", nullable=True),
        *ENDS,
        Field("images", "int64", "Images with a label", unit="images", nullable=True),
        Field("subjects", "int64", "Their patients", unit="patients", nullable=True),
        Field("positives", "int64", "Images of the last of two classes", unit="images",
              nullable=True),
        IS_SUPPRESSED,
    ),
    attributes=(SUPPRESSION,),
    checks=(
        Check("low is not above high", interval_is_ordered),
        empty_if_suppressed(*METRIC_NUMBERS),
    ),
    example=_example,
    example_attributes={"min_cell_count": 0},
)  # fmt: skip
