"""What `aggregate` writes of the image beside what is known without it: age, gender, view."""

from __future__ import annotations

from typing import Any

from data_contracts.cohort import SPLITS
from data_contracts.cohort_description import SUPPRESSION
from data_contracts.summary import (
    INTERVAL,
    IS_SUPPRESSED,
    MODEL_KEY,
    empty_if_suppressed,
    example_key,
    interval_is_ordered,
)
from data_contracts.vocabulary import Check, Contract, Field

QUANTITIES = ("metadata", "metadata and image", "gain")


def _example() -> dict[str, Any]:
    import polars as pl

    return example_key(3) | {
        "metadata": ["age, view"] * 3,
        "quantity": pl.Series(QUANTITIES, dtype=pl.Enum(QUANTITIES)),
        "value": pl.Series([0.7, 0.9, 0.2], dtype=pl.Float64),
        "low": pl.Series([0.6, 0.8, 0.1], dtype=pl.Float64),
        "high": pl.Series([0.8, 1.0, 0.3], dtype=pl.Float64),
        "p": pl.Series([None, None, 0.001], dtype=pl.Float64),
        "images": pl.Series([120] * 3, dtype=pl.Int64),
        "subjects": pl.Series([120] * 3, dtype=pl.Int64),
        "suppressed": [False] * 3,
        "reason": pl.Series([None] * 3, dtype=pl.String),
    }


ADDED_VALUE = Contract(
    name="added_value",
    version="1.0",
    kind="table",
    path_template="summary/added_value.parquet",
    description="Test AUROC of metadata alone, of metadata with the image, and the gain",
    key=("task", "name", "quantity"),
    fields=(
        *MODEL_KEY,
        Field("metadata", "string", "Columns of the cohort that the baseline knows, with commas"),
        Field("quantity", "enum", "AUROC of metadata, of metadata and image, or the difference",
              categories=QUANTITIES),
        Field("value", "float64", "AUROC, macro beyond two classes, or their difference",
              unit="1", nullable=True),
        *INTERVAL,
        Field("p", "float64", "p value of no gain; null: not tested", unit="1", nullable=True),
        Field("images", "int64", "Test images with a label", unit="images", nullable=True),
        Field("subjects", "int64", "Their patients", unit="patients", nullable=True),
        IS_SUPPRESSED,
        Field("reason", "string", "Why there is no value", nullable=True),
    ),
    attributes=(SUPPRESSION,),
    checks=(
        Check("low is not above high", interval_is_ordered),
        empty_if_suppressed("value", "low", "high", "p", "images", "subjects"),
    ),
    example=_example,
    example_attributes={"min_cell_count": 0},
)  # fmt: skip


def _example_predictions() -> dict[str, Any]:
    import polars as pl

    return {
        "task": ["gender"] * 3,
        "image_id": ["image00", "image01", "image02"],
        "subject_id": ["subject00", "subject01", "subject02"],
        "split": pl.Series(["train", "val", "test"], dtype=pl.Enum(SPLITS)),
        "target": pl.Series([0, 1, 1], dtype=pl.Int8),
        "log_odds": pl.Series([[0.4, -0.4]] * 3, dtype=pl.List(pl.Float32)),
    }


METADATA_PREDICTIONS = Contract(
    name="metadata_predictions",
    version="1.0",
    kind="table",
    path_template="baselines/metadata.parquet",
    description="What age, gender and view alone say of every labelled image, of each task",
    key=("task", "image_id"),
    fields=(
        Field("task", "string", "The task"),
        Field("image_id", "string", "Key into the cohort"),
        Field("subject_id", "string", "The patient"),
        Field("split", "enum", "Split of the subject; fitted to train", categories=SPLITS),
        Field("target", "int8", "Index of the true class", unit="1"),
        Field("log_odds", "list[float32]", "Of each class against the rest", unit="logit",
              dims=("class",)),
    ),
    example=_example_predictions,
)  # fmt: skip
