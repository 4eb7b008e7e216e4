"""What `aggregate` writes of other workspaces: the same questions, asked of other patients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.associations import ADJUSTMENTS, EVIDENCE_LEVELS, VERDICTS_OF_A_LEVEL
from data_contracts.cohort_description import SUPPRESSION
from data_contracts.summary import interval_is_ordered
from data_contracts.vocabulary import Check, Contract, Field

if TYPE_CHECKING:
    import polars as pl


def _example() -> dict[str, Any]:
    import polars as pl

    def numbers(*values: float | None) -> pl.Series:
        return pl.Series(values, dtype=pl.Float64)

    return {
        "workspace": ["chexpert"],
        "reference": ["mortality"],
        "attribute": ["gender"],
        "evidence_level": pl.Series(["attribution"], dtype=pl.Enum(EVIDENCE_LEVELS)),
        "statistic": ["pearson_of_class_differences"],
        "adjustment": pl.Series(["adjusted"], dtype=pl.Enum(ADJUSTMENTS)),
        "verdict": pl.Series(["shared"], dtype=pl.Enum(VERDICTS_OF_A_LEVEL)),
        "value": numbers(0.6),
        "verdict_there": pl.Series(["undetermined"], dtype=pl.Enum(VERDICTS_OF_A_LEVEL)),
        "value_there": numbers(0.4),
        "difference": numbers(0.2),
        "low": numbers(-0.1),
        "high": numbers(0.5),
        "reason": pl.Series([None], dtype=pl.String),
    }


def _a_difference_or_a_reason(_: pl.DataFrame) -> pl.Expr:
    import polars as pl

    return pl.col("difference").is_null() == pl.col("reason").is_not_null()


REPLICATION = Contract(
    name="replication",
    version="1.0",
    kind="table",
    path_template="summary/replication.parquet",
    description="The verdicts of this workspace beside those of others; no rows: none was given",
    key=("workspace", "reference", "attribute", "evidence_level"),
    fields=(
        Field("workspace", "string", "Name of the other workspace's folder"),
        Field("reference", "string", "The task the attributes are compared with"),
        Field("attribute", "string", "The other task"),
        Field("evidence_level", "enum", "Where shared evidence is looked for",
              categories=EVIDENCE_LEVELS),
        Field("statistic", "string", "Name of the statistic that decides"),
        Field("adjustment", "enum", "What it is adjusted for", categories=ADJUSTMENTS),
        Field("verdict", "enum", "What may be said here", categories=VERDICTS_OF_A_LEVEL,
              nullable=True),
        Field("value", "float64", "The statistic here", unit="1", nullable=True),
        Field("verdict_there", "enum", "What may be said there",
              categories=VERDICTS_OF_A_LEVEL, nullable=True),
        Field("value_there", "float64", "The statistic there", unit="1", nullable=True),
        Field("difference", "float64", "The statistic here less that there", unit="1",
              nullable=True),
        Field("low", "float64", "Lower end of the difference's 95 % interval", unit="1",
              nullable=True),
        Field("high", "float64", "Upper end of the difference's 95 % interval", unit="1",
              nullable=True),
        Field("reason", "string", "Why there is no difference", nullable=True),
    ),
    attributes=(SUPPRESSION,),
    checks=(
        Check("low is not above high", interval_is_ordered),
        Check("a difference, or a reason why not", _a_difference_or_a_reason),
    ),
    example=_example,
    example_attributes={"min_cell_count": 0},
)  # fmt: skip
