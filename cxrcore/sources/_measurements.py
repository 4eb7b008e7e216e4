"""The body mass index in MIMIC-IV's `hosp/omr`: the measurement nearest before each study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrcore.labels import normalised
from data_contracts.cohort import BMI_LIMITS

if TYPE_CHECKING:
    import polars as pl

#: Names of the one measurement in kg/m² (`MIT-LCP/mimic-code`, issue 1918), upper case.
_NAMES = ("BMI", "BMI (KG/M2)")
#: Days before the study within which a measurement counts.
WINDOW = 365


def with_bmi(images: pl.DataFrame, omr: pl.DataFrame | None) -> pl.DataFrame:
    """Add `bmi` (Float32), in kg/m²: null without a measurement, all null without `omr`.

    It is the median of the plausible values of the nearest day up to the study's, of the year
    before it. Later ones do not count: whoever dies has none.
    """
    import polars as pl

    if omr is None:
        return images.with_columns(bmi=pl.lit(None, pl.Float32))
    value = pl.col("result_value").cast(pl.Float32, strict=False)
    measured = (
        omr.filter(normalised("result_name").is_in(_NAMES) & value.is_between(*BMI_LIMITS))
        .group_by("subject_id", day="chartdate")
        .agg(bmi=value.median())
        .drop_nulls("day")
        .sort("day")
    )
    key = ["subject_id", "study_time"]
    studies = images.select(key).drop_nulls().unique()
    studies = studies.with_columns(day=pl.col("study_time").dt.date()).sort("day")
    found = studies.join_asof(
        measured, on="day", by="subject_id", tolerance=f"{WINDOW}d", check_sortedness=False
    )
    return images.join(found.drop("day"), on=key, how="left")
