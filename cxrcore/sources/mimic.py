"""MIMIC-CXR radiographs with the MIMIC-IV hospital tables, versions 1.0, 2.x and 3.x."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.labels import (
    GENDER_CLASSES,
    KNOWN_AFTER_DISCHARGE,
    follow_up_columns,
    mortality_columns,
    normalised,
    of_version_3,
)
from cxrcore.sources._adapter import Adapter
from cxrcore.sources._admissions import (
    insurance_columns,
    linkage,
    match_admissions,
    race_columns,
    subject_races,
)
from cxrcore.sources._further_labels import with_labels
from cxrcore.sources._label_rules import LabelRules, RaceConflict, horizon_tasks
from cxrcore.sources._measurements import with_bmi
from cxrcore.sources._mimic_labels import IDS, join_labels
from cxrcore.sources._mimic_tables import locate, of_version_1, read_mimic_tables
from cxrcore.sources._stays import deaths, ed_stays, last_discharges, stays, studies_in_stays
from data_contracts.cohort import AGES, VIEWS

if TYPE_CHECKING:
    import polars as pl

NO_METADATA = "in only one of record list and metadata"
NOT_FRONTAL = "not a frontal view (AP or PA)"
NOT_IN_PATIENTS = "subject not in the patients table"
NO_TIME = "no study date or time"
DIED_BEFORE = "date of death before the study"
NO_GENDER = "gender not stated"
GENDER_DISAGREES = "another gender in the emergency department: that of the patients table is used"

#: Words of PerformedProcedureStepDescription, as in CHEST (PORTABLE AP), CHEST (PA AND LAT).
_NAMED_VIEWS = r"\b(?:PA|AP|LAT|LATERAL|OBL\w*|LORDOTIC|DECUB\w*)\b"
_PORTABLE = r"\bPORT(?:ABLE)?\b"
_VIEW_CODES = {"ANTERO-POSTERIOR": "AP", "POSTERO-ANTERIOR": "PA"}


def read(files: Mapping[str, Path], rules: LabelRules) -> pl.DataFrame:
    """Every image of the record list; see `Adapter.read` for the columns."""
    import polars as pl

    tables, odd = read_mimic_tables(files)
    insurances = tables["admissions"]["insurance"].unique()
    known_after = 0 if of_version_1(files) else KNOWN_AFTER_DISCHARGE
    # Before version 3 dod ends a year after the last discharge from the hospital.
    ed = not tables["edstays"].is_empty() and of_version_3(insurances)
    tables = _of_radiographed(tables)
    admissions, edstays = tables["admissions"], tables["edstays"]
    died = deaths(tables["patients"], admissions)
    encounters = stays(tables, died, ed=ed)
    patients = tables["patients"].rename({"anchor_year_group": "period"})
    patients = patients.join(died, on="subject_id").drop("died_by")
    patients = patients.join(_ed_genders(edstays), on="subject_id", how="left")
    patients = patients.join(last_discharges(encounters), on="subject_id", how="left")
    images = _images(tables["records"], tables["metadata"], tables.get("findings"))
    images = _with_patients(images, patients).with_columns(**follow_up_columns(known_after))
    images = with_bmi(images, tables.get("omr")).with_columns(excluded=_excluded())
    images = (
        _with_stays(images, encounters.filter(~encounters["after_death"]), edstays)
        .join(_races(rules.race_conflict, admissions, edstays), on="subject_id", how="left")
        .with_columns(
            **_mortality_columns(rules.horizons, known_after), **race_columns(rules.race_conflict),
            **insurance_columns(insurances), **_gender_columns(),
            mortality_rule=_mortality_rule(max(rules.horizons), known_after, ed),
            odd_tables=pl.lit(", ".join(odd) or None, pl.String),
        )
    )  # fmt: skip
    tasks, labels = dict.fromkeys((*horizon_tasks(rules.horizons), *_TASKS)), rules.further
    labelled = with_labels(join_labels(images, files, labels), labels, IDS, tasks)
    return labelled.select(
        *_COLUMNS, *(f"{p}_{name}" for p in _PREFIXES for name in [*tasks, *labels])
    )


def _of_radiographed(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The tables without patients of whom there are no images: most of the hospital's."""
    ours = tables["records"].select("subject_id").unique()
    of_hospital = ("patients", "admissions", "edstays", "omr")
    return {
        name: table.join(ours, on="subject_id", how="semi") if name in of_hospital else table
        for name, table in tables.items()
    }


def _images(
    records: pl.DataFrame, metadata: pl.DataFrame, findings: pl.DataFrame | None
) -> pl.DataFrame:
    """One row per image of either table, with view, study time and `no_finding`."""
    import polars as pl

    view, code = normalised("ViewPosition"), normalised("ViewCodeSequence_CodeMeaning")
    procedure = normalised("PerformedProcedureStepDescription")
    rescued = pl.coalesce(
        view, code.replace_strict(_VIEW_CODES, default=None, return_dtype=pl.String),
        pl.when(code.is_null()).then(_view_of_procedure(procedure)),
    )  # fmt: skip
    described = metadata.select(
        image_id="dicom_id",
        view=pl.when(rescued.is_in(VIEWS)).then(rescued).cast(pl.Enum(VIEWS)),
        study_time=pl.col("StudyDate").cast(pl.Datetime("us")) + pl.col("StudyTime"),
        described=True,
        portable=pl.when(procedure.is_not_null()).then(
            pl.when(procedure.str.contains(_PORTABLE)).then(pl.lit("yes")).otherwise(pl.lit("no"))
        ),
    )
    images = records.rename({"dicom_id": "image_id"}).join(
        described, on="image_id", how="full", coalesce=True
    )
    if findings is None:
        return images.with_columns(no_finding=pl.lit(None, pl.Boolean))
    # The labeller leaves "No Finding" blank when it names findings.
    stated = findings.select("study_id", no_finding=pl.col("No Finding").fill_null(0) == 1)
    return images.join(stated, on="study_id", how="left")


def _view_of_procedure(procedure: pl.Expr) -> pl.Expr:
    """The view that a procedure names, null where it names several or another."""
    import polars as pl

    named = procedure.str.extract_all(_NAMED_VIEWS).list.unique()
    return pl.when(named.list.len() == 1).then(named.list.first())


def _with_patients(images: pl.DataFrame, patients: pl.DataFrame) -> pl.DataFrame:
    """Add the columns of `patients`, and the age at the study."""
    import polars as pl

    age = pl.col("anchor_age") + pl.col("study_time").dt.year() - pl.col("anchor_year")
    patients = patients.with_columns(in_patients=True)
    return images.join(patients, on="subject_id", how="left").with_columns(
        # Ages above 89 are withheld: 91 stands for all of them, as in `anchor_age`.
        age=pl.when(age.is_between(*AGES))
        .then(pl.when(age > 89).then(91).otherwise(age))
        .cast(pl.Float32),
    )


def _with_stays(
    images: pl.DataFrame, encounters: pl.DataFrame, edstays: pl.DataFrame
) -> pl.DataFrame:
    """Add the admission of each included image's study, `in_stay`, `in_ed` and `linkage`."""
    import polars as pl

    key = ["subject_id", "study_time"]
    studies = images.filter(pl.col("excluded").is_null()).select(key).unique()
    matched = match_admissions(studies, encounters.drop_nulls("hadm_id"))
    in_ed = studies_in_stays(studies, ed_stays(edstays)).rename(
        {"in_stay": "in_ed", "begun": "begun_in_ed"}
    )
    return (
        images.join(matched.drop("after_death"), on=key, how="left")
        .join(studies_in_stays(studies, encounters).drop("begun"), on=key, how="left")
        .join(in_ed, on=key, how="left")
        .with_columns(pl.col("in_stay", "in_ed", "begun_in_ed").fill_null(False))
        .with_columns(linkage=linkage())
    )


def _mortality_columns(horizons: Sequence[int], known_after: int) -> dict[str, pl.Expr]:
    columns: dict[str, pl.Expr] = {}
    for task, days in horizon_tasks(horizons).items():
        columns |= mortality_columns(days, known_after, task)
    return columns


def _mortality_rule(horizon: int, known_after: int, ed: bool) -> pl.Expr:
    """The name of the rule that gives the mortality label; null: there is no label."""
    import polars as pl

    stay = "hospital-or-ed-stay" if ed else "hospital-stay"
    rule = f"{stay}-outcome-dependent" if horizon > known_after else stay
    return pl.lit(rule if known_after else None, pl.String)


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


def _races(policy: RaceConflict, admissions: pl.DataFrame, edstays: pl.DataFrame) -> pl.DataFrame:
    """`subject_races` of all stays; those without a race in the emergency department are none."""
    return subject_races(
        policy, admissions, edstays.drop_nulls("race").rename({"intime": "admittime"})
    )


def _ed_genders(edstays: pl.DataFrame) -> pl.DataFrame:
    """Per subject `ed_gender`, the one that all stays in the emergency department state."""
    import polars as pl

    stated = edstays.select("subject_id", ed_gender=normalised("gender")).drop_nulls().unique()
    return stated.filter(pl.len().over("subject_id") == 1)


def _gender_columns() -> dict[str, pl.Expr]:
    import polars as pl

    stated, of_ed = normalised("gender"), pl.col("ed_gender")
    label = pl.coalesce(stated, of_ed).cast(pl.Enum(GENDER_CLASSES))
    missing = pl.when(label.is_null()).then(pl.lit(NO_GENDER)).cast(pl.Enum([NO_GENDER]))
    disagrees = pl.when(stated != of_ed).then(pl.lit(GENDER_DISAGREES))
    note = disagrees.cast(pl.Enum([GENDER_DISAGREES]))
    return {"label_gender": label, "null_gender": missing, "note_gender": note}


_TASKS = ("mortality", "gender", "race", "insurance")
_PREFIXES = ("label", "null")
_COLUMNS = (
    "image_id", "study_id", "subject_id", "path", "view", "study_time", "age", "bmi",
    "days_to_death", "follow_up_days", "no_finding", "admission_match", "excluded",
    "mortality_rule", "period", "note_mortality", "note_mortality.stay", "note_mortality.times",
    "note_gender", "note_race", "linkage", "odd_tables",
)  # fmt: skip

ADAPTER = Adapter(
    title="MIMIC-CXR with MIMIC-IV",
    folders={
        "mimic_iv": "MIMIC-IV, with hosp/ (core/ in version 1.0)",
        "mimic_cxr": "MIMIC-CXR or MIMIC-CXR-JPG, with the metadata and files/",
    },
    optional_files={"omr": "hosp/omr of MIMIC-IV"},
    tasks=_TASKS,
    locate=locate,
    read=read,
    settings=frozenset({"split_by", "race_conflict"}),
    known_counts={"images": 377_110, "studies": 227_835, "patients": 65_379,
                  "AP": 147_169, "PA": 96_155},
)  # fmt: skip
