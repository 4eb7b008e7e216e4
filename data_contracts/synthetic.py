"""What `synthesize` writes beside the source tree: the truth that was planted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data_contracts.errors import CxrError, concerns_content
from data_contracts.vocabulary import Contract, Field

#: What a correct analysis may say of an attribute at a level of evidence: that its evidence is
#: shared; shared in crude numbers, never in those adjusted for age; either; never shared.
EXPECTATIONS = ("shared", "crude only", "either", "not shared")

PRESET = Field("preset", "string", "Name of what was planted, such as planted or null")


def _example_truth() -> dict[str, Any]:
    import polars as pl

    def expected(value: str) -> pl.Series:
        return pl.Series([None, value], dtype=pl.Enum(EXPECTATIONS))

    return {
        "task": ["mortality", "gender"],
        "region": ["right lower zone", "none"],
        "strength": pl.Series([1.0, 0.0], dtype=pl.Float64),
        "agreement": pl.Series([1.0, 1.0], dtype=pl.Float64),
        "overlap_with_mortality": pl.Series([1.0, 0.0], dtype=pl.Float64),
        "rank": pl.Series([0, 1], dtype=pl.Int32),
        "label_association": pl.Series([1.0, 0.0], dtype=pl.Float64),
        "age_association": pl.Series([0.0, 0.0], dtype=pl.Float64),
        "expected_label": expected("not shared"),
        "expected_attribution": expected("not shared"),
    }


SYNTHETIC_TRUTH = Contract(
    name="synthetic_truth",
    version="1.2",
    kind="table",
    path_template="synthetic/truth.parquet",
    description=(
        "What was planted for each task of a synthetic collection, and the ranking it implies"
    ),
    key=("task",),
    fields=(
        Field("task", "string", "The task"),
        Field("region", "string",
              "Where its sign was planted, in words; age: where age shows; border: at the image's "
              "border and in its exposure; none: nowhere"),
        Field("strength", "float64",
              "Contrast of the sign, in units of the local noise; of age: from one standard "
              "deviation below the mean to one above; 0: no sign",
              unit="noise sd"),
        Field("agreement", "float64",
              "Share of the patients whose sign shows their class; that of others shows any class "
              "by chance; null: 1",
              unit="1", nullable=True),
        Field("overlap_with_mortality", "float64",
              "Intersection over union of its region and mortality's",
              unit="1"),
        Field("rank", "int32",
              "Expected rank of similarity with mortality: 1 is the nearest, equal overlaps rank "
              "equally; 0: mortality itself, or no sign",
              unit="1"),
        Field("label_association", "float64",
              "Chosen correlation of the label with mortality's latent score",
              unit="1"),
        Field("age_association", "float64",
              "Chosen correlation of the label's latent score with age; null: 0",
              unit="1", nullable=True),
        Field("expected_*", "enum",
              "What a correct analysis may say of the task beside mortality, at the level of "
              "evidence named after the prefix: shared; crude only (shared before adjustment for "
              "age, not after); either; not shared. Undetermined is always correct; null: not "
              "stated",
              categories=EXPECTATIONS, nullable=True),
    ),
    attributes=(
        PRESET,
        Field("seed", "int64", "Seed of the collection"),
    ),
    example=_example_truth,
    example_attributes={"preset": "planted", "seed": 0},
)  # fmt: skip


def _example_regions() -> dict[str, Any]:
    import numpy as np

    region = np.zeros((2, 16, 16), dtype=np.float32)
    region[0, 8:12, 2:6] = 1
    return {"task": ["mortality", "gender"], "region": region}


SYNTHETIC_REGIONS = Contract(
    name="synthetic_regions",
    version="1.1",
    kind="arrays",
    path_template="synthetic/truth.h5",
    description="Share of images in which each pixel belongs to the task's sign",
    fields=(
        Field("task", "string", "The task", dims=("task",)),
        Field("region", "float32",
              "Share of images whose sign covers the pixel, in the square frame",
              unit="1", dims=("task", "size", "size")),
    ),
    attributes=(
        PRESET,
        Field("seed", "int64", "Seed of the collection"),
    ),
    example=_example_regions,
    example_attributes={"preset": "planted", "seed": 0},
)  # fmt: skip


def is_synthetic(path: Path) -> bool:
    """Whether a source file was written by `synthesize`: its collection's truth lies beside it."""
    from data_contracts.store import read_table

    for folder in path.resolve().parents:
        truth = folder.parent / "truth.parquet"
        if folder.name == "source" and truth.is_file():
            try:
                read_table(SYNTHETIC_TRUTH, truth)
            except CxrError as error:
                if not concerns_content(error):
                    raise
                return False
            return True
    return False
