"""What `extract` writes: the cohort, how it was reached, and who is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.vocabulary import Check, Contract, Field

if TYPE_CHECKING:
    import polars as pl

SPLITS = ("train", "val", "test")
#: The level of Table 1 that holds a variable's standardised difference from train.
DIFFERENCE = "standardised difference"
VIEWS = ("PA", "AP")
LABEL_PREFIX = "label_"
#: Years; ages beyond them are taken for faulty entries.
AGES = (0, 120)
#: The variable of Table 1; a task cannot have its name.
BODY_MASS_INDEX = "body mass index (kg/m²)"
#: Body mass indices beyond these, in kg/m², are taken for faulty entries.
BMI_LIMITS = (10, 100)

#: How the mortality label was decided: by the stays that count, and for a horizon beyond the
#: year that is observed for everyone by a later discharge, which depends on the outcome; by the
#: time for which deaths are on record; or by the source itself.
MORTALITY_RULES = (
    "hospital-stay",
    "hospital-or-ed-stay",
    "hospital-stay-outcome-dependent",
    "hospital-or-ed-stay-outcome-dependent",
    "observed-to-horizon",
    "as-given",
)

#: What decides the split of a patient: a seeded hash, a file, or the time of the patient.
SPLIT_RULES = ("hash", "file", "time")

#: Image formats by the suffixes of their files: pixels of the same radiograph differ between them.
PIXEL_SOURCES = {
    ".dcm": "dicom", ".dicom": "dicom", ".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png",
    ".webp": "webp", ".tif": "tiff", ".tiff": "tiff",
}  # fmt: skip


def _one_split_per_subject(_: pl.DataFrame) -> pl.Expr:
    import polars as pl

    return pl.col("split").n_unique().over("subject_id") == 1


def _sorted_by_image(_: pl.DataFrame) -> pl.Expr:
    import polars as pl

    return (pl.col("image_id") >= pl.col("image_id").shift(1)).fill_null(True)


def _path_is_relative(_: pl.DataFrame) -> pl.Expr:
    import polars as pl

    path = pl.col("path")
    return ~path.str.starts_with("/") & ~path.str.contains(r"(^|/)\.\.(/|$)")


def _ages_are_human(_: pl.DataFrame) -> pl.Expr:
    import polars as pl

    return pl.col("age").is_null() | pl.col("age").is_between(*AGES)


def _bmis_are_human(_: pl.DataFrame) -> pl.Expr:
    import polars as pl

    return pl.col("bmi").is_null() | pl.col("bmi").is_between(*BMI_LIMITS)


def _example_cohort() -> dict[str, Any]:
    import datetime as dt

    import polars as pl

    n, day = 12, dt.datetime(2180, 1, 1, 9)
    times = [day + dt.timedelta(days=i) for i in range(n)]
    tasks = {"mortality": ("survived", "died"), "gender": ("F", "M")}
    labels = {
        f"{LABEL_PREFIX}{task}": pl.Series(list(classes) * (n // 2), dtype=pl.Enum(classes))
        for task, classes in tasks.items()
    }
    splits = ["train"] * 6 + ["val"] * 2 + ["test"] * 4
    return {
        "image_id": [f"image{i:02d}" for i in range(n)],
        "study_id": [f"study{i:02d}" for i in range(n)],
        "subject_id": [f"subject{i:02d}" for i in range(n)],
        "path": [f"files/image{i:02d}.dcm" for i in range(n)],
        "source": ["example"] * n,
        "view": pl.Series([VIEWS[i % 2] for i in range(n)], dtype=pl.Enum(VIEWS)),
        "study_time": pl.Series(times, dtype=pl.Datetime("us")),
        "age": pl.Series([40.0 + i for i in range(n)], dtype=pl.Float32),
        "bmi": pl.Series([22.5, None] * (n // 2), dtype=pl.Float32),
        "split": pl.Series(splits, dtype=pl.Enum(SPLITS)),
        "days_to_death": pl.Series([None, 30] * (n // 2), dtype=pl.Int32),
        "follow_up_days": pl.Series([400, 30] * (n // 2), dtype=pl.Int32),
        "no_finding": pl.Series([True, None] * (n // 2), dtype=pl.Boolean),
        "admission_match": pl.Series(["contained"] * n, dtype=pl.Enum(ADMISSION_MATCHES)),
    } | labels


ADMISSION_MATCHES = ("contained", "within_24h_before", "earlier_within_a_year", "none")

COHORT = Contract(
    name="cohort",
    version="1.5",
    kind="table",
    path_template="cohort/cohort.parquet",
    description="One row per image of the analysis: its patient, split and labels",
    key=("image_id",),
    fields=(
        Field("image_id", "string", "Name of the image in its source; the primary key"),
        Field("study_id", "string", "The examination (DICOM study) the image belongs to"),
        Field("subject_id", "string", "The patient; the unit of splitting and resampling"),
        Field("path", "string", "Image file relative to the root of the source"),
        Field("source", "string", "Name of the source adapter"),
        Field("view", "enum", "Projection of the frontal image", nullable=True, categories=VIEWS),
        Field("study_time", "datetime", "Start of the study, as shifted by the source",
              nullable=True),
        Field("age", "float32", "Age at the study; 91 stands for 90 and above in MIMIC",
              unit="years", nullable=True),
        Field("bmi", "float32",
              "Body mass index, nearest in the year before the study; null: not known",
              unit="kg/m2", nullable=True),
        Field("split", "enum", "The one split of the subject, for all tasks", categories=SPLITS),
        Field("days_to_death", "int32", "From the study to death; null: no death on record",
              unit="days", nullable=True),
        Field("follow_up_days", "int32", "From the study to death or the end of observation",
              unit="days", nullable=True),
        Field("no_finding", "bool", "The report names no finding; null: not stated", nullable=True),
        Field("admission_match", "enum",
              "How the study was matched to an admission; null: the source has none",
              nullable=True, categories=ADMISSION_MATCHES),
        Field("label_*", "enum",
              "Class of the task named after the prefix, classes in order; null: not usable for it",
              nullable=True),
    ),
    attributes=(
        Field("source", "string", "Name of the source adapter"),
        Field("select", "string", "Which images of a subject were kept"),
        Field("split_seed", "int64", "Seed of the hashed split and of the choice of images"),
        Field("mortality_rule", "enum",
              "Which studies have a mortality label; null: none has, or not known (version 1.0)",
              nullable=True, categories=MORTALITY_RULES),
        Field("split_digest", "string",
              "Digest of the file that gave the split; null: the seeded hash did",
              nullable=True),
        Field("split_by", "enum", "What gave the split; null: not known (before 1.4)",
              nullable=True, categories=SPLIT_RULES),
        Field("test_period", "string",
              "The latest period, whose patients are test; null: the split is not by time",
              nullable=True),
        Field("pixel_source", "enum",
              "Image format that the paths name; null: none, several, or not known (before 1.2)",
              nullable=True, categories=tuple(dict.fromkeys(PIXEL_SOURCES.values()))),
    ),
    checks=(
        Check("one split per subject", _one_split_per_subject),
        Check("sorted by image_id", _sorted_by_image),
        Check("path stays inside the source", _path_is_relative),
        Check("age is within 0 to 120", _ages_are_human),
        Check("bmi is within 10 to 100", _bmis_are_human),
    ),
    example=_example_cohort,
    example_attributes={
        "source": "example", "select": "one-per-subject", "split_seed": 0,
        "mortality_rule": "hospital-stay", "pixel_source": "dicom", "split_digest": None,
        "split_by": "hash", "test_period": None,
    },
)  # fmt: skip


def tasks_of(columns: list[str]) -> list[str]:
    """The tasks a cohort with these columns can label, in their order."""
    return [c.removeprefix(LABEL_PREFIX) for c in columns if c.startswith(LABEL_PREFIX)]
