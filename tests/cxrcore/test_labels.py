from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrcore import labels

STUDY = dt.datetime(2180, 3, 10, 8, 5)


def day(offset: int) -> dt.date:
    return STUDY.date() + dt.timedelta(days=offset)


def mortality(
    died: int | None, discharged: int | None, horizon: int = 365, known_after: int = 365
) -> tuple[str | None, str | None, int | None, int | None]:
    """Label, reason, days to death, follow-up of one study; the arguments are days from it."""
    frame = pl.DataFrame(
        {
            "study_time": [STUDY],
            "death_date": [None if died is None else day(died)],
            "last_discharge": [
                None if discharged is None else STUDY + dt.timedelta(days=discharged, hours=2)
            ],
        },
        schema={
            "study_time": pl.Datetime("us"),
            "death_date": pl.Date,
            "last_discharge": pl.Datetime("us"),
        },
    )
    row = frame.select(**labels.mortality_columns(horizon, known_after)).row(0)
    return row[0], row[1], row[2], row[3]


@pytest.mark.parametrize(
    ("died", "discharged", "want"),
    [
        (0, 0, ("died", None, 0, 0)),
        (1, 0, ("died", None, 1, 1)),
        (365, 5, ("died", None, 365, 365)),
        (366, 5, ("survived", None, 366, 366)),
        (None, 0, ("survived", None, None, 365)),
        (None, 40, ("survived", None, None, 405)),
        (None, -1, (None, labels.CENSORED, None, 364)),
        (None, -400, (None, labels.CENSORED, None, 0)),
        (200, -100, ("died", None, 200, 200)),
        (None, None, (None, labels.NO_DISCHARGE, None, None)),
        (10, None, ("died", None, 10, 10)),
    ],
)
def test_mortality_at_each_boundary(
    died: int | None, discharged: int | None, want: tuple[str | None, ...]
) -> None:
    assert mortality(died, discharged) == want


def test_the_hour_of_study_and_discharge_does_not_count() -> None:
    frame = pl.DataFrame(
        {
            "study_time": [dt.datetime(2180, 3, 10, 23, 59)],
            "death_date": [None],
            "last_discharge": [dt.datetime(2180, 3, 10, 0, 1)],
        },
        schema_overrides={"death_date": pl.Date},
    )
    assert (
        frame.select(**labels.mortality_columns(365, 365))["label_mortality"].item() == "survived"
    )


def test_another_horizon_moves_the_boundary() -> None:
    assert mortality(30, 0, horizon=30)[0] == "died"
    assert mortality(31, 0, horizon=30)[0] == "survived"
    assert mortality(None, -1, horizon=30)[1] == labels.CENSORED


def test_a_horizon_beyond_the_known_year_needs_a_later_discharge() -> None:
    assert mortality(None, 364, horizon=730)[1] == labels.CENSORED
    assert mortality(None, 365, horizon=730)[0] == "survived"


def test_where_only_deaths_in_hospital_are_known_observation_ends_with_the_discharge() -> None:
    assert mortality(None, 364, known_after=0)[1] == labels.CENSORED
    assert mortality(None, 365, known_after=0) == ("survived", None, None, 365)
    assert mortality(3, 3, known_after=0)[0] == "died"


@given(st.integers(0, 900) | st.none(), st.integers(-900, 900) | st.none(), st.integers(1, 700))
def test_a_study_has_a_label_or_a_reason_and_is_never_followed_for_less_than_no_time(
    died: int | None, discharged: int | None, horizon: int
) -> None:
    label, reason, to_death, follow_up = mortality(died, discharged, horizon)
    assert (label is None) != (reason is None)
    assert to_death == died
    assert follow_up is None or follow_up >= 0
    if label == "survived":
        assert follow_up is not None
        assert follow_up >= horizon


def race(text: str | None) -> str | None:
    frame = pl.DataFrame({"race": [text]}, schema={"race": pl.String})
    group: str | None = frame.select(labels.race_group()).item()
    return group


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("WHITE", "White"),
        ("  white - russian ", "White"),
        ("BLACK/CAPE VERDEAN", "Black"),
        ("ASIAN - SOUTH EAST ASIAN", "Asian"),
        ("HISPANIC/LATINO", "Hispanic or Latino"),
        ("HISPANIC/LATINO - COLUMBIAN", "Hispanic or Latino"),
        ("NATIVE HAWAIIAN OR OTHER PACIFIC ISLANDER", "Pacific Islander"),
        ("UNKNOWN", None),
        ("PATIENT DECLINED TO ANSWER", None),
        ("UNABLE TO OBTAIN", None),
        ("OTHER", None),
        ("MULTIPLE RACE/ETHNICITY", None),
        ("PORTUGUESE", None),
        (None, None),
    ],
)
def test_race_groups(text: str | None, want: str | None) -> None:
    assert race(text) == want


def test_every_race_string_of_the_versions_is_known() -> None:
    # 33 of version 2, and the bare HISPANIC/LATINO of version 1.
    assert len(labels.RACE_GROUPS) == 34
    assert set(labels.RACE_CLASSES) < {g for g in labels.RACE_GROUPS.values() if g}


def test_insurance_classes_follow_the_version_of_the_tables() -> None:
    v2 = pl.Series(["MEDICAID", "OTHER", None])
    assert labels.insurance_classes(v2) == ("Medicaid", "Medicare", "Other")
    for string in ("PRIVATE", "SELF-PAY", "NO CHARGE"):
        v3 = pl.Series(["MEDICARE", string])
        assert labels.insurance_classes(v3) == ("Medicaid", "Medicare", "Private", "Other")


def test_unknown_categories_are_named_with_their_rows() -> None:
    frame = pl.DataFrame({"race": ["WHITE", "Martian", "MARTIAN ", "VENUSIAN", None]})
    (fault,) = labels.unknown_categories(frame, "race", labels.RACE_GROUPS)
    assert fault == "column 'race' has unknown categories: 'MARTIAN' (2 rows), 'VENUSIAN' (1 rows)"
    assert labels.unknown_categories(frame.head(1), "race", labels.RACE_GROUPS) == []


def test_only_five_unknown_categories_are_spelt_out() -> None:
    frame = pl.DataFrame({"race": [f"PLANET {letter}" for letter in "ABCDEFG"]})
    (fault,) = labels.unknown_categories(frame, "race", labels.RACE_GROUPS)
    assert fault.endswith("and 2 more")
