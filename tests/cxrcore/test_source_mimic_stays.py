"""Deaths, stays and the emergency department in the tables of MIMIC-IV."""

from __future__ import annotations

import pytest
from mimic_tree import ADMISSION, IMAGE, PATIENT, Row, Tree, at, stay
from mimic_tree import tree as tree

from cxrcore.cohort import assemble
from cxrcore.labels import CENSORED, IN_HOSPITAL_ONLY, NOT_IN_STAY
from cxrcore.sources import _admissions, _stays, mimic
from data_contracts.errors import SourceError


@pytest.mark.parametrize(
    ("dod", "label", "days", "excluded"),
    [
        ("2180-03-09", None, -1, mimic.DIED_BEFORE),
        ("2180-03-10", "died", 0, None),
        ("2181-03-10", "died", 365, None),
        ("2181-03-11", "survived", 366, None),
        ("2181-03-11 00:00:00", "survived", 366, None),
    ],
)
def test_death_dates(
    tree: Tree, dod: str, label: str | None, days: int, excluded: str | None
) -> None:
    tree.patients = [{**PATIENT, "dod": dod}]
    row = tree.one()
    assert (row["label_mortality"], row["days_to_death"], row["excluded"]) == (
        label,
        days,
        excluded,
    )


@pytest.mark.parametrize(
    ("dod", "deathtime", "flag", "days", "note"),
    [
        ("", "2180-03-12 18:00:00", 1, 2, None),
        ("2180-03-12", "2180-03-12 18:00:00", 1, 2, None),
        ("2180-03-11", "2180-03-12 18:00:00", 1, 1, _stays.DISAGREE),
        ("2180-03-13", "2180-03-12 18:00:00", 1, 3, _stays.DISAGREE),
        ("", "", 1, 2, _stays.FLAG_ONLY),
        ("2180-04-01", "", 1, 22, None),
        ("", "", 0, None, None),
        ("", "", "", None, None),
    ],
)
def test_which_date_is_that_of_the_death(
    tree: Tree, dod: str, deathtime: str, flag: object, days: int | None, note: str | None
) -> None:
    tree.patients = [{**PATIENT, "dod": dod}]
    tree.admissions = [{**ADMISSION, "deathtime": deathtime, "hospital_expire_flag": flag}]
    row = tree.one()
    assert (row["days_to_death"], row["note_mortality"]) == (days, note)
    assert row["label_mortality"] == ("survived" if days is None else "died")
    _, flow = assemble(tree.read(), "mimic", "all", 18, seed=0)
    counted = dict(flow.filter(scope="mortality").select("rule", "images").iter_rows())
    counts = counted[_stays.DISAGREE], counted[_stays.FLAG_ONLY]
    assert counts == (note == _stays.DISAGREE, note == _stays.FLAG_ONLY)


@pytest.mark.parametrize(
    ("admitted", "discharged", "in_stay"),
    [
        ({"days": -3}, {"seconds": 0.5}, True),
        ({"days": -3}, {"seconds": -1}, False),
        ({"hours": 24}, {"days": 3}, True),
        ({"hours": 24, "seconds": 2}, {"days": 3}, False),
        # Entries with their ends exchanged: what counts is that the discharge is not before.
        ({"hours": 2}, {"hours": 1}, True),
        ({"hours": 2}, {"hours": -1}, False),
    ],
)
@pytest.mark.parametrize("dod", ["", "2180-09-01"])
def test_the_stay_that_a_mortality_label_needs(
    tree: Tree, admitted: dict[str, float], discharged: dict[str, float], in_stay: bool, dod: str
) -> None:
    tree.patients = [{**PATIENT, "dod": dod}]
    tree.admissions = [{**ADMISSION, "admittime": at(**admitted), "dischtime": at(**discharged)}]
    row = tree.one()
    assert row["null_mortality"] == (None if in_stay else NOT_IN_STAY)
    outcome = "died" if dod else "survived"
    assert row["label_mortality"] == (outcome if in_stay else None)


def donor(**times: str) -> Row:
    return {**ADMISSION, "hadm_id": 2, "insurance": "Medicaid", "race": "ASIAN"} | times


@pytest.mark.parametrize(
    ("begins", "after_death"),
    [("2180-03-12 19:00:00", True), ("2180-03-12 17:00:00", False), ("2180-03-13 00:00:00", True)],
)
def test_an_admission_that_begins_after_the_death_is_no_stay(
    tree: Tree, begins: str, after_death: bool
) -> None:
    tree.patients = [{**PATIENT, "dod": "2180-03-12"}]
    later = donor(admittime=begins, dischtime="2180-03-15 12:00:00")
    tree.admissions = [{**ADMISSION, "deathtime": "2180-03-12 18:00:00"}, later]
    tree.images = [
        IMAGE, {**IMAGE, "dicom_id": "aa-2", "StudyDate": 21800312, "StudyTime": 183000}
    ]  # fmt: skip
    frame = tree.read()
    # Discharged at 18:25 by its own admission, so only the other one could hold the second.
    assert frame["label_mortality"].to_list() == ["died", None if after_death else "died"]
    note = _stays.AFTER_DEATH if after_death else None
    assert frame["note_mortality.stay"].to_list() == [note, note]
    assert frame["label_insurance"][1] == ("Medicare" if after_death else "Medicaid")
    # Nor is its discharge, five days after the study, one that observation lasts longer by.
    assert tree.read(horizon=368)["null_mortality"][0] == (CENSORED if after_death else None)
    # Race stays a fact about the person.
    assert frame["null_race"].to_list() == [_admissions.CONFLICT] * 2
    _, flow = assemble(frame, "mimic", "all", 18, seed=0)
    assert flow.filter(rule=_stays.AFTER_DEATH)["images"].item() == 2 * after_death


def test_an_admission_on_the_day_of_a_death_without_a_time_is_a_stay(tree: Tree) -> None:
    tree.patients = [{**PATIENT, "dod": "2180-03-10"}]
    tree.admissions = [{**ADMISSION, "admittime": "2180-03-10 23:59:00"}]
    assert tree.one()["label_mortality"] == "died"


@pytest.mark.parametrize("dod", ["", "2180-09-01"])
def test_stays_in_the_emergency_department_count_from_version_3_on(tree: Tree, dod: str) -> None:
    outcome = "died" if dod else "survived"
    tree.patients = [{**PATIENT, "dod": dod}]
    tree.extra = {
        "iv/ed/edstays": [
            {"subject_id": 10000032, "stay_id": 1, "intime": at(hours=-1), "outtime": at(hours=3)},
            {"subject_id": 10000032, "stay_id": 2, "intime": at(days=4), "outtime": at(days=5)},
        ]
    }
    tree.admissions = [stay(1, -100, -90, "Other")]
    assert "ed/edstays.csv.gz" in tree.files()
    row = tree.one()
    assert (row["null_mortality"], row["mortality_rule"]) == (NOT_IN_STAY, "hospital-stay")
    assert dod or row["follow_up_days"] == 365 - 90
    tree.admissions = [stay(1, -100, -90, "Private")]
    row = tree.one()
    assert (row["label_mortality"], row["mortality_rule"]) == (outcome, "hospital-or-ed-stay")
    assert dod or row["follow_up_days"] == 365 + 5
    # It is no admission: the insurance is still that of the earlier one.
    assert row["admission_match"] == "earlier_within_a_year"
    assert tree.one(horizon=400)["mortality_rule"] == "hospital-or-ed-stay-outcome-dependent"


ED: Row = {
    "subject_id": 10000032, "stay_id": 1, "intime": at(hours=-1), "outtime": at(hours=3),
    "gender": "F", "race": "ASIAN - CHINESE",
}  # fmt: skip


def test_a_patient_of_the_emergency_department_only(tree: Tree) -> None:
    tree.patients = [{**PATIENT, "gender": ""}, {**PATIENT, "subject_id": 2}]
    tree.admissions = [{**ADMISSION, "subject_id": 2, "insurance": "Private"}]
    tree.extra = {"iv/ed/edstays": [ED]}
    row = tree.one()
    assert (row["label_race"], row["label_gender"]) == ("Asian", "F")
    assert (row["label_mortality"], row["follow_up_days"]) == ("survived", 365)
    assert (row["label_insurance"], row["null_insurance"]) == (None, _admissions.ED_ONLY)
    tree.extra = {"iv/ed/edstays": [ED, {**ED, "stay_id": 2, "race": "WHITE", "gender": "M"}]}
    row = tree.one()
    assert (row["null_race"], row["null_gender"]) == (_admissions.CONFLICT, mimic.NO_GENDER)
    later = {**ED, "stay_id": 2, "intime": at(days=4), "race": "WHITE"}
    tree.extra = {"iv/ed/edstays": [later, ED]}
    assert tree.read(race_conflict="latest")["label_race"].item() == "White"
    tree.patients[0] = {**PATIENT, "gender": "M"}
    row = tree.one()
    assert (row["label_gender"], row["note_gender"]) == ("M", mimic.GENDER_DISAGREES)
    tree.extra = {"iv/ed/edstays": [{**ED, "race": "martian", "gender": "X"}]}
    with pytest.raises(SourceError, match=r"edstays.*'gender': 1 of 1 .*edstays.*'race': 1"):
        tree.read()


def test_transfers_stand_in_for_the_missing_module_of_the_emergency_department(tree: Tree) -> None:
    columns = ("subject_id", "intime", "outtime")
    ed = {k: ED[k] for k in columns}
    other = {**ed, "outtime": at(days=40)}
    tree.patients = [PATIENT, {**PATIENT, "subject_id": 2}]
    tree.admissions = [{**ADMISSION, "subject_id": 2, "insurance": "Private"}]
    tree.extra = {
        "iv/hosp/transfers": [
            {**ed, "eventtype": "ED"}, {**other, "eventtype": "transfer"},
            {**other, "outtime": "", "eventtype": "discharge"},
        ]
    }  # fmt: skip
    row = tree.one()
    assert (row["label_mortality"], row["mortality_rule"]) == ("survived", "hospital-or-ed-stay")
    assert (row["follow_up_days"], row["null_insurance"]) == (365, _admissions.ED_ONLY)
    assert row["null_race"] == _admissions.NO_RECORD
    tree.extra["iv/ed/edstays"] = [ED]
    assert tree.one()["label_race"] == "Asian"
    assert "hosp/transfers.csv.gz" not in tree.files()


@pytest.mark.parametrize(
    ("times", "flags", "want"),
    [
        (["2180-03-12 18:00:00", "2180-03-13 18:00:00"], [1, 1], _stays.SEVERAL_TIMES),
        (["2180-03-12 18:30:00", ""], [1, 0], _stays.LATE_TIME),
        (["2180-03-12 18:00:00", ""], [0, 0], _stays.FLAG_DISAGREES),
        (["2180-03-12 18:00:00", ""], [1, 1], _stays.FLAG_DISAGREES),
        (["2180-03-12 18:00:00", ""], [1, 0], None),
        (["2180-03-12 18:00:00", ""], ["", ""], None),
        (["", ""], [0, 0], None),
    ],
)
def test_deaths_that_the_tables_contradict_are_counted(
    tree: Tree, times: list[str], flags: list[object], want: str | None
) -> None:
    later = {**ADMISSION, "hadm_id": 2, "dischtime": "2180-03-13 18:25:00"}
    tree.admissions = [
        {**stay, "deathtime": time, "hospital_expire_flag": flag}
        for stay, time, flag in zip((ADMISSION, later), times, flags, strict=True)
    ]
    row = tree.one()
    assert row["note_mortality.times"] == want
    assert row["days_to_death"] == (2 if any(times) else None)
    _, flow = assemble(tree.read(), "mimic", "all", 18, seed=0)
    counts = dict(flow.filter(scope="mortality").select("rule", "images").iter_rows())
    for note in (_stays.SEVERAL_TIMES, _stays.LATE_TIME, _stays.FLAG_DISAGREES):
        assert counts[note] == (note == want)


def test_version_1_lies_in_core_and_has_no_mortality_label(tree: Tree) -> None:
    tree.module = "core"
    old = {("ethnicity" if k == "race" else k): v for k, v in ADMISSION.items()}
    later = {**old, "hadm_id": 2, "admittime": at(days=360), "dischtime": at(days=365)}
    tree.admissions = [{**old, "ethnicity": "BLACK/AFRICAN AMERICAN"}, later]
    assert "core/patients.csv.gz" in tree.files()
    row = tree.one()
    assert row["label_mortality"] is row["mortality_rule"] is None
    assert (row["null_mortality"], row["follow_up_days"]) == (IN_HOSPITAL_ONLY, 365)
    later["deathtime"] = later["dischtime"]
    row = tree.one()
    assert (row["null_mortality"], row["days_to_death"]) == (IN_HOSPITAL_ONLY, 365)
