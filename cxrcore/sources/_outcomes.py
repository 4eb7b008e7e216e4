"""Mortality where a mapping names deaths, and until when they are on record.

The rule is that of `docs/methods/extract.md`: both outcomes need the whole horizon on record.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from cxrcore.labels import CENSORED, MORTALITY_CLASSES
from cxrcore.sources._mapping import Mortality

if TYPE_CHECKING:
    import polars as pl

_LONGEST = 1_000_000
NOT_OBSERVED = "end of observation not stated"


def outcome_columns(mortality: Mortality | None) -> dict[str, pl.Expr]:
    """`days_to_death` and `observed_days` (Int32): to the death, and to the end of the record.

    The frame has `death` and `until`, times beside `study_time` or days after it.
    """
    import polars as pl

    if mortality is None:
        return {name: pl.lit(None, pl.Int32) for name in ("days_to_death", "observed_days")}
    death, until = pl.col("death"), pl.col("until")
    if mortality.death:
        if mortality.fixed:
            until = pl.lit(dt.datetime.fromisoformat(mortality.fixed))
        day = pl.col("study_time").dt.date()
        death, until = ((t.dt.date() - day).dt.total_days() for t in (death, until))
    elif mortality.fixed:
        until = pl.lit(int(mortality.fixed))
    # Beyond any life, so that no number is too large for the column.
    days = {"days_to_death": death, "observed_days": until}
    return {n: d.floor().clip(-_LONGEST, _LONGEST).cast(pl.Int32) for n, d in days.items()}


def mortality_columns(horizon: int, task: str = "mortality") -> dict[str, pl.Expr]:
    """`label_<task>`, death within `horizon` days, and why it is missing as `null_<task>`.

    Whether there is a label depends on `observed_days` alone, not on the outcome.
    """
    import polars as pl

    observed = pl.col("observed_days")
    reason = (
        pl.when(observed.is_null()).then(pl.lit(NOT_OBSERVED))
        .when(observed < horizon).then(pl.lit(CENSORED))
    )  # fmt: skip
    died = pl.col("days_to_death").is_between(0, horizon).fill_null(False)
    outcome = pl.when(died).then(pl.lit("died")).otherwise(pl.lit("survived"))
    return {
        f"label_{task}": pl.when(reason.is_null()).then(outcome).cast(pl.Enum(MORTALITY_CLASSES)),
        f"null_{task}": reason.cast(pl.Enum([NOT_OBSERVED, CENSORED])),
    }


def outcome_faults(table: pl.DataFrame, mortality: Mortality) -> list[str]:
    """A fault if the end of observation is that of the patient, which the death itself sets."""
    import polars as pl

    until = mortality.observed_until or mortality.observed_days
    dead = table.drop_nulls(["days_to_death", "observed_days"])
    ended = dead.filter(pl.col("observed_days") <= pl.col("days_to_death")).height
    if until is None or mortality.fixed or 2 * ended <= dead.height:
        return []
    return [
        f"column '{until.column}' ends with the death in {ended:,} of {dead.height:,} deaths: want "
        "the day until which deaths are on record for everyone, as a column or a date"
    ]
