"""The admission that a radiograph belongs to, and the labels that admissions give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrcore.labels import INSURANCES, RACE_CLASSES, insurance_classes, normalised, race_group
from cxrcore.sources._label_rules import RaceConflict
from data_contracts.cohort import ADMISSION_MATCHES

if TYPE_CHECKING:
    import polars as pl

CONFLICT = "two different known race groups"
NO_ADMISSION = "no admission for the study"
NO_RECORD = "no stay of the patient is on record"
ED_ONLY = "in the emergency department only, where insurance is not recorded"
RACE_MISSING = "race unknown, declined, other or multiple"
RACE_OUTSIDE = "race group outside the classes"
INSURANCE_MISSING = "insurance not stated"
RACE_SETTLED = {
    "majority": f"{CONFLICT}: that of the most stays is used",
    "latest": f"{CONFLICT}: that of the latest stay is used",
}
RACE_FILLED = "race known at some stays only: the known one is used"

_CONTAINED, _BEFORE, _EARLIER, _NONE = ADMISSION_MATCHES


def match_admissions(studies: pl.DataFrame, admissions: pl.DataFrame) -> pl.DataFrame:
    """The admission of each study.

    `studies` has distinct `subject_id, study_time`; `admissions` has `subject_id, hadm_id,
    admittime, dischtime` and more. Gives `studies` with `admission_match` (Enum) and the
    columns of the matched admission, null for `none`. Of several, a containing admission goes
    before one that begins within 24 h, and that before the one with the latest discharge within
    a year; among equals the one nearest in time.
    """
    import polars as pl

    t, begin, end = pl.col("study_time"), pl.col("admittime"), pl.col("dischtime")
    kind = (
        pl.when(t.is_between(begin, end)).then(pl.lit(_CONTAINED))
        .when((begin > t) & (begin - t <= pl.duration(hours=24))).then(pl.lit(_BEFORE))
        .when((begin <= t) & (end < t) & (t - end <= pl.duration(days=365))).then(pl.lit(_EARLIER))
    ).cast(pl.Enum(ADMISSION_MATCHES))  # fmt: skip
    away = pl.when(kind == _EARLIER).then(t - end).otherwise((t - begin).abs())
    matched = (
        studies.lazy()
        .join(admissions.lazy(), on="subject_id")
        .with_columns(admission_match=kind, away=away)
        .drop_nulls("admission_match")
        .sort("admission_match", "away", "hadm_id")
        .unique(["subject_id", "study_time"], keep="first", maintain_order=True)
        .drop("away")
    )
    return (
        studies.lazy()
        .join(matched, on=["subject_id", "study_time"], how="left")
        .with_columns(pl.col("admission_match").fill_null(_NONE))
        .collect()
    )


def linkage() -> pl.Expr:
    """The kind of stay that each study is linked to; the first that fits counts.

    The frame has `admission_match`, and of the emergency department `in_ed` (a stay contains the
    study or begins within 24 hours after it) and `begun_in_ed` (it contains the study).
    """
    import polars as pl

    match = pl.col("admission_match")
    kinds = {
        "in_admission": match == _CONTAINED,
        "in_ed_stay": pl.col("begun_in_ed"),
        "within_24h_before": (match == _BEFORE) | pl.col("in_ed"),
        "within_a_year_after": match == _EARLIER,
        "none": match == _NONE,
    }
    first = pl.coalesce(pl.when(holds).then(pl.lit(kind)) for kind, holds in kinds.items())
    return pl.when(match.is_not_null()).then(first).cast(pl.Enum(list(kinds)))


def subject_races(policy: RaceConflict, *stays: pl.DataFrame) -> pl.DataFrame:
    """Per subject of any table: `race_group`, `conflict` (of known groups) and `partly_known`.

    Each table has `subject_id`, `race` and `admittime`. The group is the one known; of several
    that of the most stays, or of the latest, as the policy says. Where it says neither, or two
    groups tie, there is none.
    """
    import polars as pl

    group, begin = pl.col("group"), pl.col("admittime")
    known = group.drop_nulls()
    latest = begin == begin.filter(group.is_not_null()).max()
    of_policy = {
        "exclude": known.unique(), "majority": known.mode(),
        "latest": group.filter(latest).drop_nulls().unique(),
    }[policy]  # fmt: skip
    return (
        pl.concat(table.select("subject_id", "admittime", group=race_group()) for table in stays)
        .group_by("subject_id")
        .agg(
            race_group=pl.when(of_policy.len() == 1).then(of_policy.first()),
            conflict=known.n_unique() > 1,
            partly_known=group.is_null().any() & group.is_not_null().any(),
        )
    )


def race_columns(policy: RaceConflict) -> dict[str, pl.Expr]:
    """`label_race`, `null_race` and `note_race` of images with `subject_races` joined to them.

    Race is a fact about the person: the patient's group holds also where the study's own stay
    does not know it, or the study has none.
    """
    import polars as pl

    conflict, race = pl.col("conflict"), pl.col("race_group")
    reason = (
        pl.when(conflict.is_null()).then(pl.lit(NO_RECORD))
        .when(conflict & race.is_null()).then(pl.lit(CONFLICT))
        .when(race.is_null()).then(pl.lit(RACE_MISSING))
        .when(~race.is_in(RACE_CLASSES)).then(pl.lit(RACE_OUTSIDE))
    )  # fmt: skip
    notes = [*([RACE_SETTLED[policy]] if policy in RACE_SETTLED else []), RACE_FILLED]
    note = (
        pl.when(reason.is_not_null()).then(None)
        .when(conflict).then(pl.lit(notes[0]))
        .when(pl.col("partly_known")).then(pl.lit(RACE_FILLED))
    )  # fmt: skip
    reasons = [CONFLICT, NO_RECORD, RACE_MISSING, RACE_OUTSIDE]
    return {
        "label_race": pl.when(reason.is_null()).then(race).cast(pl.Enum(RACE_CLASSES)),
        "null_race": reason.cast(pl.Enum(reasons)),
        "note_race": note.cast(pl.Enum(notes)),
    }


def insurance_columns(insurances: pl.Series) -> dict[str, pl.Expr]:
    """`label_insurance` and `null_insurance` of images with their admission joined to them.

    `in_ed` says whether the study is in a stay in the emergency department. The classes are those
    that the table of admissions, which has these `insurances`, distinguishes.
    """
    import polars as pl

    classes = insurance_classes(insurances)
    label = normalised("insurance").replace_strict(
        INSURANCES, default=None, return_dtype=pl.Enum(classes)
    )
    matched = pl.col("admission_match") != _NONE
    reason = (
        pl.when(~matched & pl.col("in_ed")).then(pl.lit(ED_ONLY))
        .when(~matched).then(pl.lit(NO_ADMISSION))
        .when(label.is_null()).then(pl.lit(INSURANCE_MISSING))
    )  # fmt: skip
    return {
        "label_insurance": label,
        "null_insurance": reason.cast(pl.Enum([ED_ONLY, NO_ADMISSION, INSURANCE_MISSING])),
    }
