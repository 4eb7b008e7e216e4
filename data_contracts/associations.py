"""What `aggregate` writes of pairs of tasks: how much evidence they share."""

from __future__ import annotations

from typing import Any

from data_contracts.cohort_description import SUPPRESSION
from data_contracts.model import CONTROLS
from data_contracts.summary import INTERPRETABILITY, INTERVAL, IS_SUPPRESSED, interval_is_ordered
from data_contracts.vocabulary import Check, Contract, Field

EVIDENCE_LEVELS = ("label", "score", "representation", "use", "attribution")


def _example_associations() -> dict[str, Any]:
    import polars as pl

    def of(kind: Any, *values: Any) -> pl.Series:
        return pl.Series(values, dtype=kind)

    return {
        "reference": ["mortality"],
        "reference_name": ["main"],
        "attribute": ["gender"],
        "attribute_name": ["main"],
        "seed": of(pl.Int64, 0),
        "control": of(pl.Enum(CONTROLS), "none"),
        "evidence_level": of(pl.Enum(EVIDENCE_LEVELS), "attribution"),
        "statistic": ["pearson_of_class_differences"],
        "value": of(pl.Float64, 0.3),
        "low": of(pl.Float64, 0.1),
        "high": of(pl.Float64, 0.5),
        "p": of(pl.Float64, None),
        "p_holm": of(pl.Float64, None),
        "null": of(pl.String, None),
        "subjects": of(pl.Int64, 120),
        "primary": [True],
        "suppressed": [False],
        "interpretable": [True],
        "reason": of(pl.String, None),
    }


ASSOCIATIONS = Contract(
    name="associations",
    version="2.0",
    kind="table",
    path_template="summary/associations.parquet",
    description="How much evidence each attribute shares with the reference task, by level",
    key=("reference", "reference_name", "attribute", "attribute_name", "evidence_level",
         "statistic"),
    fields=(
        Field("reference", "string", "The task the attributes are compared with"),
        Field("reference_name", "string", "Name of its model; null: no model is involved",
              nullable=True),
        Field("attribute", "string", "The other task"),
        Field("attribute_name", "string", "Name of its model; null: no model is involved",
              nullable=True),
        Field("seed", "int64", "Seed of the attribute's model", unit="1", nullable=True),
        Field("control", "enum", "Which null model the attribute's model is, or none",
              categories=CONTROLS, nullable=True),
        Field("evidence_level", "enum", "Where shared evidence is looked for",
              categories=EVIDENCE_LEVELS),
        Field("statistic", "string", "Name of the statistic"),
        Field("value", "float64", "The statistic", unit="1", nullable=True),
        *INTERVAL,
        Field("p", "float64", "Permutation p value over patients; null: not tested",
              unit="1", nullable=True),
        Field("p_holm", "float64", "p after Holm's correction over the attributes",
              unit="1", nullable=True),
        Field("null", "string", "The null model that p refers to", nullable=True),
        Field("subjects", "int64", "Patients compared", unit="patients", nullable=True),
        Field("primary", "bool", "Whether each model stands for its task, or none is involved"),
        IS_SUPPRESSED,
        *INTERPRETABILITY,
    ),
    attributes=(SUPPRESSION,),
    checks=(Check("low is not above high", interval_is_ordered),),
    example=_example_associations,
    example_attributes={"min_cell_count": 0},
)  # fmt: skip
