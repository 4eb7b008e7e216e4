"""From hospital records to classes: mortality, race and insurance.

The rules are those of `docs/methods.md`, sections "The mortality label", "Race" and
"Insurance".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

MORTALITY_CLASSES = ("survived", "died")
GENDER_CLASSES = ("F", "M")
RACE_CLASSES = ("White", "Black", "Asian")

NO_DISCHARGE = "no discharge on record"
CENSORED = "censored before the follow-up horizon"

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


def mortality_columns(horizon: int, known_after_discharge: int) -> dict[str, pl.Expr]:
    """`label_mortality`, `null_mortality`, `days_to_death` and `follow_up_days`.

    The frame has `study_time` (Datetime), `death_date` (Date, null: none on record) and
    `last_discharge` (Datetime, null: none). `horizon` is in days; deaths are on record up to
    `known_after_discharge` days after the last discharge. `null_mortality` is the reason for a
    missing label. Deaths before the study are for the caller to exclude.
    """
    import polars as pl

    day, last = pl.col("study_time").dt.date(), pl.col("last_discharge").dt.date()
    to_death = (pl.col("death_date") - day).dt.total_days()
    stay = (last - day).dt.total_days()
    observed = (stay >= 0) & (stay + known_after_discharge >= horizon)
    label = (
        pl.when(to_death.is_between(0, horizon)).then(pl.lit("died"))
        .when((to_death > horizon).fill_null(True) & observed).then(pl.lit("survived"))
    )  # fmt: skip
    reason = pl.when(last.is_null()).then(pl.lit(NO_DISCHARGE)).otherwise(pl.lit(CENSORED))
    # A study after the end of observation has no follow-up.
    end = (stay + known_after_discharge).clip(0)
    return {
        "label_mortality": label.cast(pl.Enum(MORTALITY_CLASSES)),
        "null_mortality": pl.when(label.is_null())
        .then(reason)
        .cast(pl.Enum([NO_DISCHARGE, CENSORED])),
        "days_to_death": to_death.cast(pl.Int32),
        "follow_up_days": pl.coalesce(to_death, end).cast(pl.Int32),
    }


def race_group(column: str = "race") -> pl.Expr:
    """The group of each race string, null where it determines none; see `RACE_GROUPS`."""
    import polars as pl

    return normalised(column).replace_strict(RACE_GROUPS, default=None, return_dtype=pl.String)


def insurance_classes(strings: pl.Series) -> tuple[str, ...]:
    """The classes in order that tables with these (normalised) strings distinguish."""
    of_v3 = not _INSURANCES_OF_V3.isdisjoint(strings.unique().to_list())
    return (
        ("Medicaid", "Medicare", "Private", "Other") if of_v3 else ("Medicaid", "Medicare", "Other")
    )


def normalised(column: str) -> pl.Expr:
    """The text of a category as the mappings of this module have it: trimmed, upper case."""
    import polars as pl

    return pl.col(column).str.strip_chars().str.to_uppercase()


def unknown_categories(frame: pl.DataFrame, column: str, known: Collection[str]) -> list[str]:
    """A fault that names every category of `column` outside `known` with its rows, or none."""
    import polars as pl

    text = frame.select(normalised(column)).drop_nulls()
    unknown = text.filter(~pl.col(column).is_in(list(known)))
    if unknown.is_empty():
        return []
    counts = unknown[column].value_counts().sort("count", column, descending=[True, False])
    shown = [f"'{value[:60]}' ({rows:,} rows)" for value, rows in counts.head(5).iter_rows()]
    more = f" and {counts.height - 5} more" if counts.height > 5 else ""
    return [f"column '{column}' has unknown categories: {', '.join(shown)}{more}"]
