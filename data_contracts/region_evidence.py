"""What `aggregate` writes of where evidence lies: its share in each region of the common frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.cohort_description import SUPPRESSION
from data_contracts.summary import (
    INTERPRETABILITY,
    INTERVAL,
    IS_SUPPRESSED,
    MODEL_KEY,
    empty_if_suppressed,
    example_key,
    interval_is_ordered,
)
from data_contracts.vocabulary import Check, Contract, Field

if TYPE_CHECKING:
    import polars as pl

#: Boxes of the frame that together cover it. The patient's right is at the picture's left.
REGIONS = (
    "right upper zone", "right middle zone", "right lower zone",
    "left upper zone", "left middle zone", "left lower zone",
    "mediastinum", "above the lungs", "below the lungs", "beside the lungs",
)  # fmt: skip


def _is_a_share(_: pl.DataFrame) -> pl.Expr:
    import polars as pl

    return pl.col("share").is_null() | pl.col("share").is_between(0, 1)


def _example() -> dict[str, Any]:
    import polars as pl

    def counts(*values: int | None) -> pl.Series:
        return pl.Series(values, dtype=pl.Int64)

    return example_key(2) | {
        "method": ["gradcam"] * 2,
        "region": pl.Series(["mediastinum", "below the lungs"], dtype=pl.Enum(REGIONS)),
        "share": pl.Series([0.3, None], dtype=pl.Float64),
        "low": pl.Series([0.2, None], dtype=pl.Float64),
        "high": pl.Series([0.4, None], dtype=pl.Float64),
        "area": pl.Series([0.11, 0.2], dtype=pl.Float64),
        "images": counts(120, None),
        "subjects": counts(120, None),
        "without_box": counts(0, None),
        "suppressed": [False, True],
        "interpretable": [True, True],
        "reason": pl.Series([None, None], dtype=pl.String),
    }


REGION_EVIDENCE = Contract(
    name="region_evidence",
    version="1.0",
    kind="table",
    path_template="summary/region_evidence.parquet",
    description=(
        "Share of each model's evidence in each region of the common frame; regions are boxes "
        "relative to the lung box, not a segmentation. Without rows where no image has a lung box"
    ),
    key=("task", "name", "region"),
    fields=(
        *MODEL_KEY,
        Field("method", "string", "Attribution method"),
        Field("region", "enum",
              "Zones: thirds of the height of the lungs, without the middle quarter of their "
              "width, which is the mediastinum; above, below and beside: the rest of the frame",
              categories=REGIONS),
        Field("share", "float64",
              "The region's share of the mean square over the classes of the crude "
              "class-difference maps of the aligned images, less what noise adds", unit="1",
              nullable=True),
        *INTERVAL,
        Field("area", "float64",
              "The region's share of the frame: what evidence without a place would give",
              unit="1"),
        Field("images", "int64", "Labelled test images with a lung box; null: suppressed",
              unit="images", nullable=True),
        Field("subjects", "int64", "Their patients; null: suppressed", unit="patients",
              nullable=True),
        Field("without_box", "int64",
              "Labelled test images that are left out, since no lungs were found; null: "
              "suppressed", unit="images", nullable=True),
        IS_SUPPRESSED,
        *INTERPRETABILITY,
    ),
    attributes=(SUPPRESSION,),
    checks=(
        Check("low is not above high", interval_is_ordered),
        Check("shares lie from 0 to 1", _is_a_share),
        empty_if_suppressed("share", "low", "high", "images", "subjects", "without_box"),
    ),
    example=_example,
    example_attributes={"min_cell_count": 0},
)  # fmt: skip
