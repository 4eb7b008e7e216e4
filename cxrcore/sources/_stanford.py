"""What CheXpert and CheXpert Plus share: ids in the path, and what values mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

PATIENT = "(patient[0-9]+)/"
STUDY = "(patient[0-9]+/study[0-9]+)/"

VIEW: dict[str, Any] = {"classes": {"PA": ["PA"], "AP": ["AP"]}}
GENDER: dict[str, Any] = {"classes": {"F": ["Female"], "M": ["Male"]}}
#: The race as it stands, whatever the ethnicity; Pacific Islander is none of the classes.
RACE: dict[str, Any] = {
    "classes": {
        "White": ["White", "White, non-Hispanic", "White, Hispanic", "White or Caucasian"],
        "Black": [
            "Black", "Black or African American", "Black, non-Hispanic", "Black, Hispanic",
        ],
        "Asian": ["Asian", "Asian, non-Hispanic", "Asian, Hispanic", "Asian - Historical Conv"],
    }
}  # fmt: skip
INSURANCE: dict[str, Any] = {
    "classes": {
        "Medicaid": ["Medicaid"],
        "Medicare": ["Medicare"],
        "Private": ["Private", "Private Insurance"],
        "Other": ["Other"],
    }
}


def known_ages(table: pl.DataFrame) -> pl.DataFrame:
    """The table without ages of 0, which stand for an unknown one."""
    import polars as pl

    return table.with_columns(age=pl.when(pl.col("age") > 0).then("age"))
