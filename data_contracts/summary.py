"""What `aggregate` writes of every model: which there are, how well they predict, their curves.

A suppressed row stands for few patients, or would reveal few: its numbers are null. A model is
known by its task and name everywhere; seed and control say what kind of model it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.cohort import SPLITS
from data_contracts.cohort_description import SUPPRESSION
from data_contracts.model import CONTROLS, TARGET_KINDS
from data_contracts.vocabulary import Check, Contract, Field

if TYPE_CHECKING:
    import polars as pl

CURVE_KINDS = ("roc", "precision_recall", "calibration", "survival")

MODEL_KEY = (
    Field("task", "string", "The task"),
    Field("name", "string", "Name of the model"),
    Field("seed", "int64", "Seed that it was trained with", unit="1"),
    Field("control", "enum", "Which null model this is, or none", categories=CONTROLS),
)  # fmt: skip
WHERE = (
    Field("split", "enum", "The split", categories=SPLITS),
    Field("stratum", "string", "Variable the images are divided by; 'all': undivided"),
    Field("level", "string", "Level of that variable; 'all': undivided"),
)
INTERPRETABILITY = (
    Field("interpretable", "bool", "Whether the row may be interpreted"),
    Field("reason", "string", "Why not", nullable=True),
)
INTERVAL = (
    Field("low", "float64", "2.5th percentile over patient resamples", unit="1", nullable=True),
    Field("high", "float64", "97.5th percentile over patient resamples", unit="1", nullable=True),
)
#: Of an interval that no resamples give.
ENDS = (
    Field("low", "float64", "Lower end of the 95 % interval", unit="1", nullable=True),
    Field("high", "float64", "Upper end of the 95 % interval", unit="1", nullable=True),
)
#: What is withheld of a suppressed metric.
METRIC_NUMBERS = ("value", "low", "high", "images", "subjects", "positives")
IS_SUPPRESSED = Field("suppressed", "bool", "Whether numbers are withheld: few patients")


def example_key(rows: int) -> dict[str, Any]:
    """The columns of `MODEL_KEY` for so many rows of one model."""
    import polars as pl

    return {
        "task": ["gender"] * rows,
        "name": ["main"] * rows,
        "seed": pl.Series([0] * rows, dtype=pl.Int64),
        "control": pl.Series(["none"] * rows, dtype=pl.Enum(CONTROLS)),
    }


def interval_is_ordered(_: pl.DataFrame) -> pl.Expr:
    import polars as pl

    return pl.col("low").is_null() | (pl.col("low") <= pl.col("high"))


def empty_if_suppressed(*numbers: str) -> Check:
    """That suppressed rows hold none of some numbers."""

    def is_empty(_: pl.DataFrame) -> pl.Expr:
        import polars as pl

        return ~pl.col("suppressed") | pl.all_horizontal(pl.col(n).is_null() for n in numbers)

    return Check("suppressed rows hold no number", is_empty)


def _example_models() -> dict[str, Any]:
    import polars as pl

    return example_key(1) | {
        "primary": [True],
        "group": ["main"],
        "target_kind": pl.Series(["classes"], dtype=pl.Enum(TARGET_KINDS)),
        "classes": ["F, M"],
        "architecture": ["resnet18"],
        "epochs": pl.Series([3], dtype=pl.Int32),
        "has_maps": [True],
        "interpretable": [True],
        "reason": pl.Series([None], dtype=pl.String),
    }


MODELS = Contract(
    name="models",
    version="1.1",
    kind="table",
    path_template="summary/models.parquet",
    description="Every model of the summary, and whether its maps may be interpreted",
    key=("task", "name"),
    fields=(
        *MODEL_KEY,
        Field("primary", "bool", "Whether it stands for its task where one model is shown"),
        Field("group", "string", "First name of the models that differ from it in the seed alone"),
        Field("target_kind", "enum", "What the network predicts", categories=TARGET_KINDS),
        Field("classes", "string", "Names of the outputs, with commas"),
        Field("architecture", "string", "Name of the backbone"),
        Field("epochs", "int32", "Epochs that it was trained for", unit="1"),
        Field("has_maps", "bool", "Whether attributions of it were read"),
        *INTERPRETABILITY,
    ),
    example=_example_models,
)  # fmt: skip


def _example_metrics() -> dict[str, Any]:
    import polars as pl

    return example_key(2) | {
        "split": pl.Series(["test", "test"], dtype=pl.Enum(SPLITS)),
        "stratum": ["all", "view"],
        "level": ["all", "PA"],
        "metric": ["auroc", "auroc"],
        "value": pl.Series([0.9, 0.8], dtype=pl.Float64),
        "low": pl.Series([0.8, 0.6], dtype=pl.Float64),
        "high": pl.Series([1.0, 0.95], dtype=pl.Float64),
        "images": pl.Series([120, 60], dtype=pl.Int64),
        "subjects": pl.Series([120, 60], dtype=pl.Int64),
        "positives": pl.Series([60, 30], dtype=pl.Int64),
        "suppressed": [False, False],
    }


METRICS = Contract(
    name="metrics",
    version="2.1",
    kind="table",
    path_template="summary/metrics.parquet",
    description="How well each model predicts its target, with 95 % patient-bootstrap intervals",
    key=("task", "name", "split", "stratum", "level", "metric"),
    fields=(
        *MODEL_KEY,
        *WHERE,
        Field("metric", "string",
              "auroc, auprc, brier, …; auroc:CLASS is one class against the rest"),
        Field("value", "float64", "The metric", unit="1", nullable=True),
        *INTERVAL,
        Field("images", "int64", "Images with a label", unit="images", nullable=True),
        Field("subjects", "int64", "Their patients", unit="patients", nullable=True),
        Field("positives", "int64",
              "Images of the positive class: the last of two, or the named one",
              unit="images", nullable=True),
        IS_SUPPRESSED,
    ),
    attributes=(SUPPRESSION,),
    checks=(
        Check("low is not above high", interval_is_ordered),
        empty_if_suppressed(*METRIC_NUMBERS),
    ),
    example=_example_metrics,
    example_attributes={"min_cell_count": 0},
)  # fmt: skip


def _example_curves() -> dict[str, Any]:
    import polars as pl

    def numbers(*values: float | None) -> pl.Series:
        return pl.Series(values, dtype=pl.Float64)

    return example_key(3) | {
        "split": pl.Series(["test"] * 3, dtype=pl.Enum(SPLITS)),
        "class": ["M"] * 3,
        "curve": pl.Series(["roc"] * 3, dtype=pl.Enum(CURVE_KINDS)),
        "point": pl.Series([0, 1, 2], dtype=pl.Int32),
        "x": numbers(0, 0.5, 1),
        "y": numbers(0, 0.9, 1),
        "low": numbers(0, 0.8, 1),
        "high": numbers(0, 1, 1),
        "at_risk": pl.Series([None] * 3, dtype=pl.Int64),
    }


CURVES = Contract(
    name="curves",
    version="1.1",
    kind="table",
    path_template="summary/curves.parquet",
    description="Points of every curve, with pointwise 95 % bands",
    key=("task", "name", "split", "class", "curve", "point"),
    fields=(
        *MODEL_KEY,
        WHERE[0],
        Field("class", "string",
              "The class that counts as positive; of survival the quarter of the reference's "
              "log-odds, from the lowest"),
        Field("curve", "enum",
              "roc: sensitivity by 1 - specificity; precision_recall: precision by recall; "
              "calibration: observed share by mean predicted probability; "
              "survival: Kaplan and Meier's estimate by days after the radiograph",
              categories=CURVE_KINDS),
        Field("point", "int32", "Order of the points", unit="1"),
        Field("x", "float64", "Abscissa", unit="1; days for survival"),
        Field("y", "float64", "Ordinate", unit="1"),
        Field("low", "float64",
              "2.5th percentile over patient resamples; of survival the end of Greenwood's "
              "interval on the scale log(-log S)", unit="1", nullable=True),
        Field("high", "float64", "97.5th percentile, or the other end", unit="1", nullable=True),
        Field("at_risk", "int64",
              "Of survival the patients alive and under observation at the end of that day",
              unit="patients", nullable=True),
    ),
    attributes=(SUPPRESSION,),
    checks=(Check("low is not above high", interval_is_ordered),),
    example=_example_curves,
    example_attributes={"min_cell_count": 0},
)  # fmt: skip
