from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrcore import labels
from cxrcore.sources import _outcomes

STUDY = dt.datetime(2180, 3, 10, 8, 5)


def day(offset: int) -> dt.date:
    return STUDY.date() + dt.timedelta(days=offset)


def mortality(
    died: int | None,
    discharged: int | None,
    horizon: int = 365,
    known_after: int = 365,
    in_stay: bool = True,
) -> tuple[str | None, str | None, int | None, int | None]:
    """Label, reason, days to death, follow-up of one study; the arguments are days from it."""
    last = None if discharged is None else STUDY + dt.timedelta(days=discharged, hours=2)
    frame = pl.DataFrame(
        {
            "study_time": [STUDY],
            "death_date": [None if died is None else day(died)],
            "last_discharge": [last],
            "in_stay": [in_stay],
        },
        schema={
            "study_time": pl.Datetime("us"),
            "death_date": pl.Date,
            "last_discharge": pl.Datetime("us"),
            "in_stay": pl.Boolean,
        },
    )
    frame = frame.with_columns(**labels.follow_up_columns(known_after))
    frame = frame.with_columns(**labels.mortality_columns(horizon, known_after))
    columns = ("label_mortality", "null_mortality", "days_to_death", "follow_up_days")
    label, reason, to_death, follow_up = frame.select(columns).row(0)
    return label, reason, to_death, follow_up


@pytest.mark.parametrize(
    ("died", "discharged", "want"),
    [
        (0, 0, ("died", None, 0, 0)),
        (1, 0, ("died", None, 1, 1)),
        (365, 5, ("died", None, 365, 365)),
        (366, 5, ("survived", None, 366, 366)),
        (None, 0, ("survived", None, None, 365)),
        (None, 40, ("survived", None, None, 405)),
    ],
)
def test_mortality_at_each_boundary(
    died: int | None, discharged: int | None, want: tuple[str | None, ...]
) -> None:
    assert mortality(died, discharged) == want


@pytest.mark.parametrize(
    ("died", "discharged", "follow_up"),
    [(None, 40, 405), (None, -1, 364), (None, -400, 0), (200, -100, 200), (10, None, 10),
     (None, None, None)],
)  # fmt: skip
def test_outside_a_stay_neither_outcome_has_a_label_and_both_have_a_follow_up(
    died: int | None, discharged: int | None, follow_up: int | None
) -> None:
    want = (None, labels.NOT_IN_STAY, died, follow_up)
    assert mortality(died, discharged, in_stay=False) == want


def test_another_horizon_moves_the_boundary() -> None:
    assert mortality(30, 0, horizon=30)[0] == "died"
    assert mortality(31, 0, horizon=30)[0] == "survived"


@pytest.mark.parametrize("died", [None, 370, 800])
def test_a_horizon_beyond_the_known_year_needs_a_later_discharge_for_both_outcomes(
    died: int | None,
) -> None:
    outcome = "died" if died == 370 else "survived"
    assert mortality(died, 364, horizon=730)[:2] == (None, labels.CENSORED)
    assert mortality(died, 365, horizon=730)[:2] == (outcome, None)
    assert mortality(died, 365, horizon=730, in_stay=False)[1] == labels.NOT_IN_STAY


@pytest.mark.parametrize("died", [None, 3, 365])
def test_where_only_deaths_in_hospital_are_known_there_is_no_label(died: int | None) -> None:
    discharged = 400 if died is None else died
    follow_up = 400 if died is None else died
    want = (None, labels.IN_HOSPITAL_ONLY, died, follow_up)
    assert mortality(died, discharged, known_after=0) == want


@given(
    st.integers(0, 900) | st.none(),
    st.integers(-900, 900) | st.none(),
    st.integers(1, 700),
    st.booleans(),
)
def test_a_study_has_a_label_or_a_reason_and_is_never_followed_for_less_than_no_time(
    died: int | None, discharged: int | None, horizon: int, in_stay: bool
) -> None:
    in_stay = in_stay and discharged is not None and discharged >= 0
    label, reason, to_death, follow_up = mortality(died, discharged, horizon, in_stay=in_stay)
    assert (label is None) != (reason is None)
    assert to_death == died
    assert follow_up is None or follow_up >= 0
    if label == "survived":
        assert follow_up is not None
        assert follow_up >= horizon


@given(
    st.none() | st.integers(0, 900), st.none() | st.integers(-500, 900), st.integers(1, 800),
    st.integers(1, 800), st.booleans(),
)  # fmt: skip
def test_a_longer_horizon_takes_no_death_back(
    died: int | None, discharged: int | None, horizon: int, longer: int, in_stay: bool
) -> None:
    horizon, longer = sorted((horizon, longer))
    near, far = (mortality(died, discharged, h, in_stay=in_stay)[0] for h in (horizon, longer))
    assert far in (("died", None) if near == "died" else ("survived", "died", None))
    assert near is not None or far is None
    if longer <= labels.KNOWN_AFTER_DISCHARGE:
        assert (near is None) == (far is None)


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


def test_insurance_tells_the_version_of_the_tables() -> None:
    v2 = pl.Series(["Medicaid", "Other", None])
    assert not labels.of_version_3(v2)
    assert labels.insurance_classes(v2) == ("Medicaid", "Medicare", "Other")
    for string in ("Private", " self-pay", "NO CHARGE"):
        v3 = pl.Series(["Medicare", string])
        assert labels.of_version_3(v3)
        assert labels.insurance_classes(v3) == ("Medicaid", "Medicare", "Private", "Other")


def test_without_an_insurance_the_tables_are_taken_for_version_2() -> None:
    assert not labels.of_version_3(pl.Series([None, None], dtype=pl.String))


def test_unknown_categories_are_counted_with_their_first_row() -> None:
    frame = pl.DataFrame({"race": ["WHITE", "Martian", "MARTIAN ", "VENUSIAN", None]})
    (fault,) = labels.unknown_categories(frame, "race", labels.RACE_GROUPS)
    assert fault == "column 'race': 3 of 5 rows have 2 unknown categories"
    (fault,) = labels.unknown_categories(frame, "race", labels.RACE_GROUPS, "line {}".format)
    assert fault.endswith("2 unknown categories, first in line 1")
    assert labels.unknown_categories(frame.head(1), "race", labels.RACE_GROUPS) == []


DAYS = st.none() | st.integers(0, 900)


@given(st.lists(st.tuples(DAYS, DAYS), min_size=1), st.integers(1, 800), st.integers(1, 800))
def test_of_a_table_a_longer_horizon_takes_no_death_back_and_gives_no_label(
    patients: list[tuple[int | None, int | None]], one: int, other: int
) -> None:
    schema = dict.fromkeys(("days_to_death", "observed_days"), pl.Int32)
    frame = pl.DataFrame(patients, schema=schema, orient="row")
    near, far = (
        frame.select(**_outcomes.mortality_columns(horizon))["label_mortality"].to_list()
        for horizon in sorted((one, other))
    )
    for sooner, later in zip(near, far, strict=True):
        assert later is None or later == sooner or (sooner, later) == ("survived", "died")


def test_from_65_on_a_task_has_no_label_but_a_reason() -> None:
    payer, other = pl.Enum(["a", "b"]), pl.Enum(["not stated"])
    images = pl.DataFrame({
        "age": [64.9, 65.0, None, 40.0],
        "label_payer": pl.Series(["a", "b", "a", None], dtype=payer),
        "null_payer": pl.Series([None, None, None, "not stated"], dtype=other),
    })  # fmt: skip
    young = labels.only_under_65(images, ["payer"])
    assert young["label_payer"].to_list() == ["a", None, None, None]
    assert young["null_payer"].to_list() == [None, labels.FROM_65, labels.FROM_65, "not stated"]
    assert young["label_payer"].dtype == payer
