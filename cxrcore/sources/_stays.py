"""Deaths and stays in the tables of MIMIC-IV: what the mortality label follows from.

The rules are those of `docs/methods/extract.md`, section "The mortality label".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

DISAGREE = "dod and deathtime disagree: dod is used"
FLAG_ONLY = "died in hospital on an unknown day: that of the discharge is used"
SEVERAL_TIMES = "deathtimes of several days: without a dod the earliest is used"
LATE_TIME = "a deathtime is after the discharge of its admission"
FLAG_DISAGREES = "hospital_expire_flag and deathtime disagree"
AFTER_DEATH = "a stay begins after the death: it does not count"


def deaths(patients: pl.DataFrame, admissions: pl.DataFrame) -> pl.DataFrame:
    """Per subject of `patients`: `death_date`, `died_by` and notes of what the tables contradict.

    The date is `dod`, else that of the earliest `deathtime`, else that of the discharge of an
    admission whose `hospital_expire_flag` is 1. `died_by` is the latest moment the patient can
    have died: the recorded time if it is of that date, else the end of the day.
    """
    import polars as pl

    dod, time, left = pl.col("dod"), pl.col("deathtime"), pl.col("left_dead")
    date, recorded = pl.coalesce(dod, time.dt.date(), left.dt.date()), pl.coalesce(time, left)
    end_of_day = date.cast(pl.Datetime("us")) + pl.duration(days=1, microseconds=-1)
    note = (
        pl.when(dod != time.dt.date()).then(pl.lit(DISAGREE))
        .when(dod.is_null() & time.is_null() & left.is_not_null()).then(pl.lit(FLAG_ONLY))
    )  # fmt: skip
    return patients.join(_died_in_hospital(admissions), on="subject_id", how="left").select(
        "subject_id",
        death_date=date,
        died_by=pl.when(recorded.dt.date() == date).then(recorded).otherwise(end_of_day),
        **{
            "note_mortality": note.cast(pl.Enum([DISAGREE, FLAG_ONLY])),
            "note_mortality.times": pl.when(
                date.is_not_null() & (note != FLAG_ONLY).fill_null(True)
            ).then("contradiction"),
        },
    )


def _died_in_hospital(admissions: pl.DataFrame) -> pl.DataFrame:
    """Per subject: earliest `deathtime`, discharge by the flag, and how the two contradict."""
    import polars as pl

    time, flag = pl.col("deathtime"), pl.col("hospital_expire_flag") == 1
    contradiction = (
        pl.when(time.dt.date().drop_nulls().n_unique() > 1).then(pl.lit(SEVERAL_TIMES))
        .when((time > pl.col("dischtime")).any()).then(pl.lit(LATE_TIME))
        .when((flag != time.is_not_null()).any()).then(pl.lit(FLAG_DISAGREES))
    )  # fmt: skip
    return admissions.group_by("subject_id").agg(
        time.min(),
        left_dead=pl.col("dischtime").filter(flag).min(),
        contradiction=contradiction.cast(pl.Enum([SEVERAL_TIMES, LATE_TIME, FLAG_DISAGREES])),
    )


def stays(tables: Mapping[str, pl.DataFrame], died: pl.DataFrame, *, ed: bool) -> pl.DataFrame:
    """Every stay in hospital and, with `ed`, in the emergency department.

    `died` is that of `deaths`. Gives `subject_id, hadm_id` (null: emergency department),
    `admittime, dischtime, insurance` and `after_death`: whether it begins after the death, as
    those of organ donors do, and is no stay.
    """
    import polars as pl

    columns = ("subject_id", "hadm_id", "admittime", "dischtime", "insurance")
    parts = [tables["admissions"].select(columns)]
    if ed:
        parts.append(ed_stays(tables["edstays"]))
    return (
        pl.concat(parts, how="diagonal")
        .join(died.select("subject_id", "died_by"), on="subject_id", how="left")
        .with_columns(after_death=(pl.col("admittime") > pl.col("died_by")).fill_null(False))
        .drop("died_by")
    )


def ed_stays(edstays: pl.DataFrame) -> pl.DataFrame:
    """The stays in the emergency department: `subject_id, admittime, dischtime`."""
    return edstays.select("subject_id", admittime="intime", dischtime="outtime")


def last_discharges(stays: pl.DataFrame) -> pl.DataFrame:
    """Per subject: `last_discharge`, and `note_mortality.stay` where a stay does not count."""
    import polars as pl

    late = pl.col("after_death")
    note = pl.when(late.any()).then(pl.lit(AFTER_DEATH)).cast(pl.Enum([AFTER_DEATH]))
    return stays.group_by("subject_id").agg(
        note.alias("note_mortality.stay"),
        last_discharge=pl.col("dischtime").filter(~late).max(),
    )


def studies_in_stays(studies: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """The `subject_id, study_time` of `studies` that are in a stay, with `in_stay` true.

    `begun` says whether one of these stays had begun.

    The stay contains the study or begins within 24 hours after it, and its discharge is not
    before the study: then deaths are on record from the study on, whatever the outcome.
    """
    import polars as pl

    t, begin, end = pl.col("study_time"), pl.col("admittime"), pl.col("dischtime")
    return (
        studies.lazy()
        .join(stays.lazy(), on="subject_id")
        .filter(begin <= t + pl.duration(hours=24), end >= t)
        .group_by("subject_id", "study_time")
        .agg(in_stay=pl.lit(True), begun=(begin <= t).any())
        .collect()
    )
