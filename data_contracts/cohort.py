"""What `extract` writes: the cohort, how it was reached, and who is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.vocabulary import Check, Contract, Field

if TYPE_CHECKING:
    import polars as pl

SPLITS = ("train", "val", "test")
VIEWS = ("PA", "AP")
LABEL_PREFIX = "label_"


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

    return pl.col("age").is_null() | pl.col("age").is_between(0, 120)


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
        "split": pl.Series(splits, dtype=pl.Enum(SPLITS)),
        "days_to_death": pl.Series([None, 30] * (n // 2), dtype=pl.Int32),
        "follow_up_days": pl.Series([400, 30] * (n // 2), dtype=pl.Int32),
        "no_finding": pl.Series([True, None] * (n // 2), dtype=pl.Boolean),
        "admission_match": pl.Series(["contained"] * n, dtype=pl.Enum(ADMISSION_MATCHES)),
    } | labels


ADMISSION_MATCHES = ("contained", "within_24h_before", "earlier_within_a_year", "none")

COHORT = Contract(
    name="cohort",
    version="1.0",
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
    ),
    checks=(
        Check("one split per subject", _one_split_per_subject),
        Check("sorted by image_id", _sorted_by_image),
        Check("path stays inside the source", _path_is_relative),
        Check("age is within 0 to 120", _ages_are_human),
    ),
    example=_example_cohort,
    example_attributes={"source": "example", "select": "one-per-subject", "split_seed": 0},
)  # fmt: skip


def tasks_of(columns: list[str]) -> list[str]:
    """The tasks a cohort with these columns can label, in their order."""
    return [c.removeprefix(LABEL_PREFIX) for c in columns if c.startswith(LABEL_PREFIX)]


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
    version="1.0",
    kind="table",
    path_template="cohort/flow.parquet",
    description="How the cohort was reached: what each rule left and took away, in order",
    key=("step",),
    fields=(
        Field("step", "int32", "Order of the rule", unit="1"),
        Field("scope", "string",
              "'cohort' for rules that drop images, else the task whose label is set to null"),
        Field("rule", "string", "The rule in words"),
        Field("images", "int64", "Images left after the rule (for a task: images concerned)",
              unit="images"),
        Field("studies", "int64", "Studies left after the rule (for a task: studies concerned)",
              unit="studies"),
        Field("subjects", "int64", "Subjects left after the rule (for a task: subjects concerned)",
              unit="subjects"),
        Field("excluded_images", "int64",
              "Images that this rule took away (for a task: images without a label by it)",
              unit="images"),
    ),
    example=_example_flow,
)  # fmt: skip


def _example_characteristics() -> dict[str, Any]:
    import polars as pl

    return {
        "variable": ["subjects", "age", "age", "view"],
        "level": ["all", "mean", "sd", "PA"],
        "split": ["all"] * 4,
        "images": pl.Series([12, 12, 12, 6], dtype=pl.Int64),
        "subjects": pl.Series([12, 12, 12, 6], dtype=pl.Int64),
        "value": pl.Series([None, 45.5, 3.6, 0.5], dtype=pl.Float64),
    }


COHORT_CHARACTERISTICS = Contract(
    name="cohort_characteristics",
    version="1.0",
    kind="table",
    path_template="cohort/characteristics.parquet",
    description="Table 1: who is in the cohort, by split",
    key=("variable", "level", "split"),
    fields=(
        Field("variable", "string", "'subjects', 'age', 'view', or a task"),
        Field("level", "string", "'all', 'mean', 'sd', a category, or 'missing'"),
        Field("split", "string", "train, val, test or all"),
        Field("images", "int64", "Images counted", unit="images"),
        Field("subjects", "int64", "Subjects counted", unit="subjects"),
        Field("value", "float64",
              "The mean or standard deviation (age, years) or the share of images",
              unit="1; years for age", nullable=True),
    ),
    example=_example_characteristics,
)  # fmt: skip
