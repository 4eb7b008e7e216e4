"""What `aggregate` writes of patients divided by two variables together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.cohort_description import SUPPRESSION
from data_contracts.summary import IS_SUPPRESSED, MODEL_KEY, example_key, interval_is_ordered
from data_contracts.vocabulary import Check, Contract, Field

if TYPE_CHECKING:
    import polars as pl

NUMBERS = ("value", "low", "high", "images", "subjects", "positives")


def _suppressed_rows_are_empty(_: pl.DataFrame) -> pl.Expr:
    import polars as pl

    return ~pl.col("suppressed") | pl.all_horizontal(pl.col(n).is_null() for n in NUMBERS)


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
        Field("low", "float64", "Lower end of the 95 % interval", unit="1", nullable=True),
        Field("high", "float64", "Upper end of the 95 % interval", unit="1", nullable=True),
        Field("images", "int64", "Images with a label", unit="images", nullable=True),
        Field("subjects", "int64", "Their patients", unit="patients", nullable=True),
        Field("positives", "int64", "Images of the last of two classes", unit="images",
              nullable=True),
        IS_SUPPRESSED,
    ),
    attributes=(SUPPRESSION,),
    checks=(
        Check("low is not above high", interval_is_ordered),
        Check("suppressed rows hold no number", _suppressed_rows_are_empty),
    ),
    example=_example,
    example_attributes={"min_cell_count": 0},
)  # fmt: skip
