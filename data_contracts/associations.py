"""What `aggregate` writes of pairs of tasks: evidence by level, verdicts, and their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.cohort_description import SUPPRESSION
from data_contracts.model import CONTROLS
from data_contracts.summary import INTERPRETABILITY, INTERVAL, IS_SUPPRESSED, interval_is_ordered
from data_contracts.vocabulary import Check, Contract, Field

if TYPE_CHECKING:
    import polars as pl

EVIDENCE_LEVELS = ("label", "score", "representation", "use", "attribution", "prognosis")
#: Of what an estimate is free: nothing; age, sex and view; the reference's classes too; age and
#: view, by a matched test set.
ADJUSTMENTS = ("crude", "adjusted", "within_class", "matched")
VERDICTS_OF_A_LEVEL = ("shared", "not shared", "undetermined")

_PAIR = (
    Field("reference", "string", "The task the attributes are compared with"),
    Field("attribute", "string", "The other task; 'survival' at the level prognosis"),
    Field("evidence_level", "enum", "Where shared evidence is looked for",
          categories=EVIDENCE_LEVELS),
)  # fmt: skip
_STATISTIC = (
    Field("statistic", "string", "Name of the statistic"),
    Field("adjustment", "enum",
          "crude; adjusted for age, sex and view; within the reference's classes too; or on a "
          "test set matched by age and view",
          categories=ADJUSTMENTS),
)  # fmt: skip
_TEST = (
    Field("p_holm", "float64", "p after Holm's correction over the attributes", unit="1",
          nullable=True),
    Field("null", "string", "The null that p refers to", nullable=True),
    Field("smallest_effect", "float64",
          "The smallest value that the test would have called significant", unit="1",
          nullable=True),
)  # fmt: skip
_SUBJECTS = Field("subjects", "int64", "Patients compared", unit="patients", nullable=True)
_TRAININGS = Field(
    "trainings", "int64", "Seeds behind the row; of 1 the interval is over patients alone",
    unit="1", nullable=True,
)  # fmt: skip


def _of(kind: Any, *values: Any) -> pl.Series:
    import polars as pl

    return pl.Series(values, dtype=kind)


def _example_associations() -> dict[str, Any]:
    import polars as pl

    return {
        "reference": ["mortality"],
        "reference_name": ["main"],
        "attribute": ["gender"],
        "attribute_name": ["main"],
        "seed": _of(pl.Int64, 0),
        "control": _of(pl.Enum(CONTROLS), "none"),
        "evidence_level": _of(pl.Enum(EVIDENCE_LEVELS), "attribution"),
        "statistic": ["pearson_of_class_differences"],
        "adjustment": _of(pl.Enum(ADJUSTMENTS), "crude"),
        "stratum": ["all"],
        "level": ["all"],
        "value": _of(pl.Float64, 0.3),
        "low": _of(pl.Float64, 0.1),
        "high": _of(pl.Float64, 0.5),
        "p": _of(pl.Float64, 0.04),
        "p_holm": _of(pl.Float64, 0.12),
        "null": _of(pl.String, "Moran surrogates"),
        "smallest_effect": _of(pl.Float64, 0.45),
        "null_low": _of(pl.Float64, -0.4),
        "null_high": _of(pl.Float64, 0.45),
        "ceiling": _of(pl.Float64, 0.99),
        "subjects": _of(pl.Int64, 120),
        "trainings": _of(pl.Int64, 1),
        "primary": [True],
        "suppressed": [False],
        "interpretable": [True],
        "reason": _of(pl.String, None),
    }


ASSOCIATIONS = Contract(
    name="associations",
    version="3.1",
    kind="table",
    path_template="summary/associations.parquet",
    description="How much evidence each attribute shares with the reference task, by level",
    key=("reference", "reference_name", "attribute", "attribute_name", "trainings",
         "evidence_level", "statistic", "adjustment", "stratum", "level"),
    fields=(
        _PAIR[0],
        Field("reference_name", "string", "Name of its model; null: no model is involved",
              nullable=True),
        _PAIR[1],
        Field("attribute_name", "string", "Name of its model; null: no model is involved",
              nullable=True),
        Field("seed", "int64", "Seed of the other model: the attribute's, else the reference's",
              unit="1", nullable=True),
        Field("control", "enum", "Which null model is in the pair, or none", categories=CONTROLS,
              nullable=True),
        _PAIR[2],
        *_STATISTIC,
        Field("stratum", "string", "Variable the images are divided by; 'all': undivided"),
        Field("level", "string", "Level of that variable; 'all': undivided"),
        Field("value", "float64", "The statistic", unit="1", nullable=True),
        *INTERVAL,
        Field("p", "float64", "p value under the null; null: not tested", unit="1",
              nullable=True),
        *_TEST,
        Field("null_low", "float64", "5th percentile of the statistic under the null", unit="1",
              nullable=True),
        Field("null_high", "float64", "95th percentile of the statistic under the null",
              unit="1", nullable=True),
        Field("ceiling", "float64",
              "The statistic where all evidence is shared: the reference task with itself",
              unit="1", nullable=True),
        _SUBJECTS,
        _TRAININGS,
        Field("primary", "bool", "Whether the row stands for its pair of tasks"),
        IS_SUPPRESSED,
        *INTERPRETABILITY,
    ),
    attributes=(SUPPRESSION,),
    checks=(Check("low is not above high", interval_is_ordered),),
    example=_example_associations,
    example_attributes={"min_cell_count": 0},
)  # fmt: skip


def _example_verdicts() -> dict[str, Any]:
    import polars as pl

    return {
        "reference": ["mortality"],
        "attribute": ["gender"],
        "evidence_level": _of(pl.Enum(EVIDENCE_LEVELS), "attribution"),
        "verdict": _of(pl.Enum(VERDICTS_OF_A_LEVEL), "undetermined"),
        "statistic": ["pearson_of_class_differences"],
        "adjustment": _of(pl.Enum(ADJUSTMENTS), "adjusted"),
        "value": _of(pl.Float64, 0.3),
        "low": _of(pl.Float64, 0.1),
        "high": _of(pl.Float64, 0.5),
        "p_holm": _of(pl.Float64, 0.12),
        "null": _of(pl.String, "Moran surrogates"),
        "smallest_effect": _of(pl.Float64, 0.45),
        "relevant_effect": _of(pl.Float64, 0.5),
        "control_value": _of(pl.Float64, 0.1),
        "rank": _of(pl.Int32, 1),
        "subjects": _of(pl.Int64, 120),
        "trainings": _of(pl.Int64, 1),
        "suppressed": [False],
        "reason": _of(pl.String, "not beyond chance"),
    }


VERDICTS = Contract(
    name="verdicts",
    version="1.0",
    kind="table",
    path_template="summary/verdicts.parquet",
    description="Whether an attribute shares evidence with the reference task, by level",
    key=("reference", "attribute", "evidence_level"),
    fields=(
        *_PAIR,
        Field("verdict", "enum", "What may be said", categories=VERDICTS_OF_A_LEVEL),
        *_STATISTIC,
        Field("value", "float64", "The statistic", unit="1", nullable=True),
        *INTERVAL,
        *_TEST,
        Field("relevant_effect", "float64",
              "The smallest value of interest: 'not shared' needs the interval below it",
              unit="1"),
        Field("control_value", "float64",
              "The statistic of permuted-label networks, the largest of several", unit="1",
              nullable=True),
        Field("rank", "int32", "Rank among the attributes by this statistic, from 1", unit="1",
              nullable=True),
        _SUBJECTS,
        _TRAININGS,
        IS_SUPPRESSED,
        Field("reason", "string", "Why the verdict is not 'shared'", nullable=True),
    ),
    attributes=(
        SUPPRESSION,
        Field("sentence", "string", "What the levels say together"),
    ),
    checks=(Check("low is not above high", interval_is_ordered),),
    example=_example_verdicts,
    example_attributes={"min_cell_count": 0, "sentence": "Nothing is shared at any level."},
)  # fmt: skip


def _share_is_a_share(_: pl.DataFrame) -> pl.Expr:
    import polars as pl

    return pl.col("share").is_null() | pl.col("share").is_between(0, 1)


def _example_orders() -> dict[str, Any]:
    import polars as pl

    return {
        "reference": ["mortality"],
        "evidence_level": _of(pl.Enum(EVIDENCE_LEVELS), "attribution"),
        "attribute": ["insurance"],
        "other": ["gender"],
        "share": _of(pl.Float64, 0.99),
        "above": [True],
    }


ORDERS = Contract(
    name="orders",
    version="1.0",
    kind="table",
    path_template="summary/orders.parquet",
    description="Which of two attributes shares more evidence with the reference task, by level",
    key=("reference", "evidence_level", "attribute", "other"),
    fields=(
        _PAIR[0],
        _PAIR[2],
        Field("attribute", "string", "The attribute with the larger estimate"),
        Field("other", "string", "The one with the smaller estimate"),
        Field("share", "float64", "Share of patient resamples in which it is the larger one",
              unit="1", nullable=True),
        Field("above", "bool", "Whether that order is claimed"),
    ),
    attributes=(SUPPRESSION,),
    checks=(Check("share is within 0 to 1", _share_is_a_share),),
    example=_example_orders,
    example_attributes={"min_cell_count": 0},
)  # fmt: skip
