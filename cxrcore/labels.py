"""From hospital records to classes: mortality, race and insurance.

The rules are those of `docs/methods/extract.md`, sections "The mortality label", "Race" and
"Insurance".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from data_contracts.cohort import LABEL_PREFIX, tasks_of
from data_contracts.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

MORTALITY_CLASSES = ("survived", "died")
GENDER_CLASSES = ("F", "M")
RACE_CLASSES = ("White", "Black", "Asian")
#: Of the body mass index in kg/m² (WHO Technical Report Series 894, 2000).
BMI_CLASSES = ("under 18.5", "18.5 to under 25", "25 to under 30", "30 and over")

NOT_IN_STAY = "study not in a stay"
CENSORED = "censored before the follow-up horizon"
FROM_65 = "65 years or older, or of unknown age"
IN_HOSPITAL_ONLY = "only deaths in hospital are on record"

#: Days after the last discharge for which MIMIC-IV from version 2 has deaths on record.
KNOWN_AFTER_DISCHARGE = 365

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "White": (
        "WHITE", "WHITE - BRAZILIAN", "WHITE - EASTERN EUROPEAN", "WHITE - OTHER EUROPEAN",
        "WHITE - RUSSIAN",
    ),
    "Black": (
        "BLACK/AFRICAN", "BLACK/AFRICAN AMERICAN", "BLACK/CAPE VERDEAN", "BLACK/CARIBBEAN ISLAND",
    ),
    "Asian": (
        "ASIAN", "ASIAN - ASIAN INDIAN", "ASIAN - CHINESE", "ASIAN - KOREAN",
        "ASIAN - SOUTH EAST ASIAN",
    ),
    "Hispanic or Latino": (
        "HISPANIC OR LATINO", "HISPANIC/LATINO", "HISPANIC/LATINO - CENTRAL AMERICAN",
        "HISPANIC/LATINO - COLUMBIAN", "HISPANIC/LATINO - CUBAN", "HISPANIC/LATINO - DOMINICAN",
        "HISPANIC/LATINO - GUATEMALAN", "HISPANIC/LATINO - HONDURAN", "HISPANIC/LATINO - MEXICAN",
        "HISPANIC/LATINO - PUERTO RICAN", "HISPANIC/LATINO - SALVADORAN",
    ),
    "American Indian or Alaska Native": ("AMERICAN INDIAN/ALASKA NATIVE",),
    "Pacific Islander": ("NATIVE HAWAIIAN OR OTHER PACIFIC ISLANDER",),
}  # fmt: skip

#: Do not determine the group. PORTUGUESE and SOUTH AMERICAN name an origin that fits several.
_MISSING_RACES = (
    "MULTIPLE RACE/ETHNICITY", "OTHER", "PATIENT DECLINED TO ANSWER", "PORTUGUESE",
    "SOUTH AMERICAN", "UNABLE TO OBTAIN", "UNKNOWN",
)  # fmt: skip

#: Group of every race string of MIMIC-IV 1.0 to 3.1; None: missing.
RACE_GROUPS: Mapping[str, str | None] = {
    **{text: group for group, texts in _GROUPS.items() for text in texts},
    **dict.fromkeys(_MISSING_RACES),
}

#: Class of every insurance string of MIMIC-IV 1.0 to 3.1.
INSURANCES: Mapping[str, str] = {
    "MEDICAID": "Medicaid", "MEDICARE": "Medicare", "PRIVATE": "Private",
    "OTHER": "Other", "SELF-PAY": "Other", "NO CHARGE": "Other",
}  # fmt: skip
#: Strings that only tables of version 3 have; there "Other" no longer holds the privately insured.
_INSURANCES_OF_V3 = frozenset({"PRIVATE", "SELF-PAY", "NO CHARGE"})


def follow_up_columns(known_after_discharge: int) -> dict[str, pl.Expr]:
    """`days_to_death` and `follow_up_days` of each study.

    The frame has `study_time` (Datetime), `death_date` (Date, null: none on record) and
    `last_discharge` (Datetime, null: none). Deaths are on record up to `known_after_discharge`
    days after the last discharge. A death before the study has negative days.
    """
    import polars as pl

    to_death = (pl.col("death_date") - pl.col("study_time").dt.date()).dt.total_days()
    # A study after the end of observation has no follow-up.
    end = _observed_days(known_after_discharge).clip(0)
    return {
        "days_to_death": to_death.cast(pl.Int32),
        "follow_up_days": pl.coalesce(to_death, end).cast(pl.Int32),
    }


def mortality_columns(
    horizon: int, known_after_discharge: int, task: str = "mortality"
) -> dict[str, pl.Expr]:
    """`label_<task>` and, where it is missing, the reason as `null_<task>`.

    The frame has `study_time`, `last_discharge` and `days_to_death` as in `follow_up_columns`,
    and `in_stay` (Boolean): whether the study is in a stay, see `cxrcore.sources._stays`. Who has
    a label does not depend on the outcome for a `horizon` (days) up to `known_after_discharge`.
    Beyond it a study is observed to its end only if a later discharge says so. Without any
    knowledge after the discharge (0 days) there is no label: whoever dies in hospital would
    never be observed to the end. Deaths before the study are for the caller to exclude.
    """
    import polars as pl

    missing = {NOT_IN_STAY: ~pl.col("in_stay")}
    if known_after_discharge == 0:
        missing = {IN_HOSPITAL_ONLY: pl.lit(True)}
    elif horizon > known_after_discharge:
        missing[CENSORED] = _observed_days(known_after_discharge) < horizon
    reason = pl.coalesce(pl.when(holds).then(pl.lit(text)) for text, holds in missing.items())
    died = pl.col("days_to_death").is_between(0, horizon)
    outcome = pl.when(died).then(pl.lit("died")).otherwise(pl.lit("survived"))
    return {
        f"label_{task}": pl.when(reason.is_null()).then(outcome).cast(pl.Enum(MORTALITY_CLASSES)),
        f"null_{task}": reason.cast(pl.Enum(list(missing))),
    }


def _observed_days(known_after_discharge: int) -> pl.Expr:
    """Days from the study to the end of observation, negative for a study after it."""
    import polars as pl

    day, last = pl.col("study_time").dt.date(), pl.col("last_discharge").dt.date()
    return (last - day).dt.total_days() + known_after_discharge


def bmi_class() -> pl.Expr:
    """The class of each `bmi`, null where it is not known; see `BMI_CLASSES`."""
    import polars as pl

    reached = sum((pl.col("bmi") >= limit).cast(pl.Int32) for limit in (18.5, 25, 30))
    names = dict(enumerate(BMI_CLASSES))
    return reached.replace_strict(names, return_dtype=pl.Enum(BMI_CLASSES))  # type: ignore[union-attr]


def race_group(column: str = "race") -> pl.Expr:
    """The group of each race string, null where it determines none; see `RACE_GROUPS`."""
    import polars as pl

    return normalised(column).replace_strict(RACE_GROUPS, default=None, return_dtype=pl.String)


def of_version_3(insurances: pl.Series) -> bool:
    """Whether admissions with these insurances are of MIMIC-IV 3.0 or later.

    No column tells version 2 from 3. Private, Self-pay and No charge exist in version 3 only;
    tables without any of them are taken for version 2.
    """
    strings = insurances.str.strip_chars().str.to_uppercase()
    return not _INSURANCES_OF_V3.isdisjoint(strings.unique().to_list())


def insurance_classes(insurances: pl.Series) -> tuple[str, ...]:
    """The classes in order that admissions with these insurances distinguish."""
    private = ("Private",) if of_version_3(insurances) else ()
    return ("Medicaid", "Medicare", *private, "Other")


def only_under_65(images: pl.DataFrame, tasks: Collection[str]) -> pl.DataFrame:
    """The images without the labels of `tasks` from 65 years on, or of unknown age.

    From that age on nearly everyone in the United States has Medicare, so a network may tell the
    insurance by the age. Raises `UsageError` for a task that the images do not have.
    """
    import polars as pl

    for task in tasks:
        label, null = f"{LABEL_PREFIX}{task}", f"null_{task}"
        if label not in images.columns:
            known = ", ".join(tasks_of(images.columns))
            raise UsageError(f"--under65 {task}: the source has no such label; it has {known}")
        young = (pl.col("age") < 65).fill_null(False)
        reasons = [*images.schema[null].categories, FROM_65]  # type: ignore[attr-defined]
        reason = pl.when(~young).then(pl.lit(FROM_65))
        images = images.with_columns(
            pl.when(young).then(label).alias(label),
            pl.coalesce(pl.col(null).cast(pl.String), reason).cast(pl.Enum(reasons)).alias(null),
        )
    return images


def normalised(column: str) -> pl.Expr:
    """The text of a category as the mappings of this module have it: trimmed, upper case."""
    import polars as pl

    return pl.col(column).str.strip_chars().str.to_uppercase()


def unknown_categories(
    frame: pl.DataFrame, column: str, known: Collection[str],
    row_name: Callable[[int], str] | None = None,
) -> list[str]:  # fmt: skip
    """A fault that counts the rows with a category of `column` outside `known`, or none.

    It names the first row, where `row_name` says what a row is called by its index; never a value.
    """
    kinds = frame.select(column).unique().with_columns(category=normalised(column))
    kinds = kinds.filter(~kinds["category"].is_in(list(known))).drop_nulls()
    rows = frame[column].is_in(kinds[column].implode()).fill_null(False).arg_true()
    if rows.is_empty():
        return []
    count = kinds["category"].n_unique()
    what = "an unknown category" if count == 1 else f"{count:,} unknown categories"
    at = f", first in {row_name(rows[0])}" if row_name else ""
    return [f"column '{column}': {len(rows):,} of {frame.height:,} rows have {what}{at}"]
