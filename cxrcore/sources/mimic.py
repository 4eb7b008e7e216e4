"""MIMIC-CXR radiographs with the MIMIC-IV hospital tables, versions 1.0, 2.x and 3.x."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.labels import GENDER_CLASSES, mortality_columns, normalised
from cxrcore.sources._adapter import Adapter
from cxrcore.sources._admissions import (
    insurance_columns,
    match_admissions,
    race_columns,
    subject_races,
)
from cxrcore.sources._mimic_tables import locate, of_version_1, read_mimic_tables
from data_contracts.cohort import VIEWS

if TYPE_CHECKING:
    import polars as pl

NO_METADATA = "in only one of record list and metadata"
NOT_FRONTAL = "not a frontal view (AP or PA)"
NOT_IN_PATIENTS = "subject not in the patients table"
NO_TIME = "no study date or time"
DIED_BEFORE = "date of death before the study"
NO_GENDER = "gender not stated"

#: Days after the last discharge for which deaths are on record. Version 1.0, whose tables are in
#: `core`, has in-hospital deaths only: none after the last discharge.
KNOWN_AFTER_DISCHARGE = 365

_VIEW_CODES = {"ANTERO-POSTERIOR": "AP", "POSTERO-ANTERIOR": "PA"}


def read(files: Mapping[str, Path], horizon: int) -> pl.DataFrame:
    """Every image of the record list; see `Adapter.read` for the columns."""
    tables = read_mimic_tables(files)
    admissions = tables["admissions"]
    images = _images(tables["records"], tables["metadata"], tables.get("findings"))
    images = _with_patients(images, tables)
    known_after = 0 if of_version_1(files) else KNOWN_AFTER_DISCHARGE
    images = images.with_columns(**mortality_columns(horizon, known_after)).with_columns(
        excluded=_excluded()
    )
    kept = images.filter(images["excluded"].is_null())
    stays = admissions.select("subject_id", "hadm_id", "admittime", "dischtime", "insurance")
    studies = match_admissions(kept.select("subject_id", "study_time").unique(), stays)
    return (
        images.join(studies, on=["subject_id", "study_time"], how="left")
        .join(subject_races(admissions), on="subject_id", how="left")
        .with_columns(**race_columns(), **insurance_columns(admissions), **_gender_columns())
        .select(_COLUMNS)
    )


def _images(
    records: pl.DataFrame, metadata: pl.DataFrame, findings: pl.DataFrame | None
) -> pl.DataFrame:
    """One row per image of either table, with view, study time and `no_finding`."""
    import polars as pl

    view, code = normalised("ViewPosition"), normalised("ViewCodeSequence_CodeMeaning")
    rescued = pl.coalesce(
        view, code.replace_strict(_VIEW_CODES, default=None, return_dtype=pl.String)
    )
    described = metadata.select(
        image_id="dicom_id",
        view=pl.when(rescued.is_in(VIEWS)).then(rescued).cast(pl.Enum(VIEWS)),
        study_time=pl.col("StudyDate").cast(pl.Datetime("us")) + pl.col("StudyTime"),
        described=True,
    )
    images = records.rename({"dicom_id": "image_id"}).join(
        described, on="image_id", how="full", coalesce=True
    )
    if findings is None:
        return images.with_columns(no_finding=pl.lit(None, pl.Boolean))
    # The labeller leaves "No Finding" blank when it names findings.
    stated = findings.select("study_id", no_finding=pl.col("No Finding").fill_null(0) == 1)
    return images.join(stated, on="study_id", how="left")


def _with_patients(images: pl.DataFrame, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Add gender, age at the study, date of death and last discharge."""
    import polars as pl

    admissions = tables["admissions"]
    discharges = admissions.select("subject_id", end="dischtime")
    if "edstays" in tables:
        discharges = pl.concat([discharges, tables["edstays"].select("subject_id", end="outtime")])
    last = discharges.group_by("subject_id").agg(last_discharge=pl.col("end").max())
    deaths = admissions.group_by("subject_id").agg(
        died_in_hospital=pl.col("deathtime").min().dt.date()
    )
    patients = tables["patients"].with_columns(in_patients=True)
    for facts in (last, deaths):
        patients = patients.join(facts, on="subject_id", how="left")
    age = pl.col("anchor_age") + pl.col("study_time").dt.year() - pl.col("anchor_year")
    return images.join(patients, on="subject_id", how="left").with_columns(
        death_date=pl.coalesce("dod", "died_in_hospital"),
        # Ages above 89 are withheld: 91 stands for all of them, as in `anchor_age`.
        age=pl.when(age > 89).then(91).otherwise(age).cast(pl.Float32),
    )


def _excluded() -> pl.Expr:
    """The first rule that excludes an image, null if none does."""
    import polars as pl

    rules = {
        NO_METADATA: pl.col("path").is_null() | pl.col("described").is_null(),
        NOT_FRONTAL: pl.col("view").is_null(),
        NOT_IN_PATIENTS: pl.col("in_patients").is_null(),
        NO_TIME: pl.col("study_time").is_null(),
        DIED_BEFORE: (pl.col("days_to_death") < 0).fill_null(False),
    }
    first = pl.coalesce(pl.when(holds).then(pl.lit(rule)) for rule, holds in rules.items())
    return first.cast(pl.Enum(list(rules)))


def _gender_columns() -> dict[str, pl.Expr]:
    import polars as pl

    label = normalised("gender").cast(pl.Enum(GENDER_CLASSES))
    missing = pl.when(label.is_null()).then(pl.lit(NO_GENDER)).cast(pl.Enum([NO_GENDER]))
    return {"label_gender": label, "null_gender": missing}


_TASKS = ("mortality", "gender", "race", "insurance")
_COLUMNS = (
    "image_id", "study_id", "subject_id", "path", "view", "study_time", "age", "days_to_death",
    "follow_up_days", "no_finding", "admission_match", "excluded", "note_race",
    *(f"{prefix}_{task}" for prefix in ("label", "null") for task in _TASKS),
)  # fmt: skip

ADAPTER = Adapter(
    folders={
        "mimic_iv": "MIMIC-IV, with hosp/ (core/ in version 1.0)",
        "mimic_cxr": "MIMIC-CXR, with cxr-record-list.csv.gz and files/",
    },
    tasks=_TASKS,
    locate=locate,
    read=read,
)
