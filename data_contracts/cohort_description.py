"""What `extract` writes for people: how the cohort was reached, and who is in it.

Counts that may not be shown are null: few patients, and what would reveal them.
"""

from __future__ import annotations

from typing import Any

from data_contracts.cohort import BODY_MASS_INDEX, DIFFERENCE
from data_contracts.disclosure.cohort import disclosed_characteristics, disclosed_flow
from data_contracts.vocabulary import Contract, Field, Upgrade

#: By default fewer patients than this are not shown.
MIN_CELL_COUNT = 11

SUPPRESSION = Field(
    "min_cell_count", "int32", "Counts of fewer patients are null; 0: none is", unit="patients"
)


def _suppressed(_: object) -> dict[str, Any]:
    """The attributes of version 1, which held every count."""
    return {"min_cell_count": MIN_CELL_COUNT}


def _example_flow() -> dict[str, Any]:
    import polars as pl

    counts = {n: pl.Series(v, dtype=pl.Int64) for n, v in {
        "images": [14, 12, 12], "studies": [14, 12, 12], "subjects": [13, 12, 12],
        "excluded_images": [0, 2, 0],
    }.items()}  # fmt: skip
    return {
        "step": pl.Series([0, 1, 2], dtype=pl.Int32),
        "scope": ["cohort", "cohort", "mortality"],
        "rule": ["in the source", "age below 18", "usable"],
    } | counts


COHORT_FLOW = Contract(
    name="cohort_flow",
    version="2.0",
    kind="table",
    path_template="cohort/flow.parquet",
    description="How the cohort was reached: what each rule left and excluded, in order",
    key=("step",),
    fields=(
        Field("step", "int32", "Order of the rule", unit="1"),
        Field("scope", "string",
              "'cohort' for rules that drop images, else the task whose label is set to null"),
        Field("rule", "string", "The rule in words"),
        Field("images", "int64", "Images left after the rule (for a task: images concerned)",
              unit="images", nullable=True),
        Field("studies", "int64", "Studies left after the rule (for a task: studies concerned)",
              unit="studies", nullable=True),
        Field("subjects", "int64", "Subjects left after the rule (for a task: subjects concerned)",
              unit="subjects", nullable=True),
        Field("excluded_images", "int64",
              "Images that this rule excluded (for a task: images without a label by it)",
              unit="images", nullable=True),
    ),
    attributes=(
        SUPPRESSION,
        Field("synthetic", "bool", "Whether the patients do not exist; null: not known",
              nullable=True),
    ),
    example=_example_flow,
    example_attributes={"min_cell_count": 0, "synthetic": True},
    upgrades={"1": Upgrade(_suppressed, lambda flow: disclosed_flow(flow, MIN_CELL_COUNT))},
)  # fmt: skip


def _example_characteristics() -> dict[str, Any]:
    import polars as pl

    return {
        "variable": ["subjects", "age", "age", "view", "age"],
        "level": ["all", "mean", "sd", "PA", DIFFERENCE],
        "split": [*["all"] * 4, "test"],
        "images": pl.Series([12, 12, 12, 6, 4], dtype=pl.Int64),
        "subjects": pl.Series([12, 12, 12, 6, 4], dtype=pl.Int64),
        "value": pl.Series([None, 45.5, 3.6, 0.5, 0.1], dtype=pl.Float64),
    }


COHORT_CHARACTERISTICS = Contract(
    name="cohort_characteristics",
    version="2.3",
    kind="table",
    path_template="cohort/characteristics.parquet",
    description="Table 1: who is in the cohort, by split",
    key=("variable", "level", "split"),
    fields=(
        Field("variable", "string",
              "'subjects', 'age', 'view', 'linkage' (of studies to stays), a task, or "
              f"'{BODY_MASS_INDEX}'"),
        Field("level", "string",
              "'all', 'mean', 'sd', a category, 'missing' or 'standardised difference' from train"),
        Field("split", "string", "train, val, test or all"),
        Field("images", "int64", "Images counted", unit="images", nullable=True),
        Field("subjects", "int64", "Subjects counted", unit="subjects", nullable=True),
        Field("value", "float64",
              "Mean, standard deviation (years), share of images, or standardised difference",
              unit="1; years for age", nullable=True),
    ),
    attributes=(SUPPRESSION,),
    example=_example_characteristics,
    example_attributes={"min_cell_count": 0},
    upgrades={
        "1": Upgrade(_suppressed, lambda t: disclosed_characteristics(t, MIN_CELL_COUNT))
    },
)  # fmt: skip
