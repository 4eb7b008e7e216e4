"""The rules of the MIMIC source on hand-made tables: one subject, one study, one thing varied."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from mimic_tree import ADMISSION, IMAGE, PATIENT, Row, T, Tree, at, stay
from mimic_tree import tree as tree

from cxrcore.sources import _admissions, mimic
from data_contracts.errors import SourceError


def test_a_plain_study(tree: Tree) -> None:
    assert tree.one() == {
        "image_id": "aa-1",
        "study_id": "50414267",
        "subject_id": "10000032",
        "path": "files/p10/p10000032/s50414267/aa-1.dcm",
        "view": "PA",
        "study_time": T,
        "age": 54.0,
        "days_to_death": None,
        "follow_up_days": 367,
        "no_finding": None,
        "admission_match": "contained",
        "excluded": None,
        "mortality_rule": "hospital-stay",
        "period": "2014 - 2016",
        "note_mortality": None,
        "note_mortality.stay": None,
        "note_mortality.times": None,
        "note_gender": None,
        "note_race": None,
        "bmi": None,
        "linkage": "in_admission",
        "odd_tables": "1 rows in patients (known: 299,712), patients without any dod, "
        "1 rows in admissions (known: 431,088)",
        "label_mortality": "survived",
        "label_gender": "F",
        "label_race": "White",
        "label_insurance": "Medicare",
        "null_mortality": None,
        "null_gender": None,
        "null_race": None,
        "null_insurance": None,
    }


@pytest.mark.parametrize(
    ("clock", "want"),
    [
        (80556.875, "08:05:56.875000"),
        (0, "00:00:00"),
        (59.5, "00:00:59.500000"),
        (213014.53100000002, "21:30:14.531000"),
        (235959.999, "23:59:59.999000"),
    ],
)
def test_study_time_is_padded(tree: Tree, clock: float, want: str) -> None:
    tree.images = [{**IMAGE, "StudyTime": clock}]
    assert tree.one()["study_time"] == dt.datetime.fromisoformat(f"2180-03-10 {want}")


@pytest.mark.parametrize("clock", [240000, 86100, 80561, -1, "abc", "nan"])
def test_an_impossible_time_is_counted(tree: Tree, clock: object) -> None:
    tree.images = [IMAGE, {**IMAGE, "dicom_id": "aa-2", "StudyTime": clock}]
    with pytest.raises(SourceError, match=r"'StudyTime': 1 of 2 rows are not times of day"):
        tree.read()


@pytest.mark.parametrize(
    ("position", "code", "want"),
    [
        ("AP", "", "AP"),
        (" pa ", "", "PA"),
        ("", "antero-posterior", "AP"),
        ("", "postero-anterior", "PA"),
        ("", "left lateral", None),
        ("", "", None),
        ("LATERAL", "postero-anterior", None),
        ("AP AXIAL", "antero-posterior", None),
    ],
)
def test_only_frontal_views_stay(tree: Tree, position: str, code: str, want: str | None) -> None:
    tree.images = [{**IMAGE, "ViewPosition": position, "ViewCodeSequence_CodeMeaning": code}]
    row = tree.one()
    assert row["view"] == want
    assert row["excluded"] == (None if want else mimic.NOT_FRONTAL)


@pytest.mark.parametrize(
    ("position", "code", "procedure", "want"),
    [("", "", "CHEST (PORTABLE AP)", "AP"), ("", "", "chest (pa)", "PA"),
     ("", "", "CHEST (PA AND LAT)", None), ("", "", "CHEST PORT. LINE PLACEMENT", None),
     ("", "lateral", "CHEST (PORTABLE AP)", None), ("LL", "", "CHEST (PORTABLE AP)", None),
     ("PA", "", "CHEST (PORTABLE AP)", "PA"), ("", "", "", None)],
)  # fmt: skip
def test_a_view_that_only_the_procedure_names(
    tree: Tree, position: str, code: str, procedure: str, want: str | None
) -> None:
    views = {"ViewPosition": position, "ViewCodeSequence_CodeMeaning": code}
    tree.images = [{**IMAGE, **views, "PerformedProcedureStepDescription": procedure}]
    assert tree.one()["view"] == want


@pytest.mark.parametrize(
    ("anchor_age", "anchor_year", "want"),
    [(52, 2180, 52), (52, 2178, 54), (52, 2185, 47), (89, 2180, 89), (89, 2179, 91),
     (91, 2180, 91), (91, 2170, 91), (91, 2183, 88), (-5, 2180, None), (52, 218, None)],
)  # fmt: skip
def test_age_at_the_study(tree: Tree, anchor_age: int, anchor_year: int, want: int | None) -> None:
    tree.patients = [{**PATIENT, "anchor_age": anchor_age, "anchor_year": anchor_year}]
    assert tree.one()["age"] == want


@pytest.mark.parametrize(
    ("admitted", "discharged", "want"),
    [
        ({"seconds": -56}, {"days": 1}, "contained"),
        ({"seconds": 0}, {"days": 1}, "contained"),
        ({"days": -3}, {"seconds": 0.5}, "contained"),
        ({"minutes": 1}, {"days": 1}, "within_24h_before"),
        ({"hours": 24}, {"days": 3}, "within_24h_before"),
        ({"hours": 24, "seconds": 2}, {"days": 3}, "none"),
        ({"days": -3}, {"seconds": -1}, "earlier_within_a_year"),
        ({"days": -400}, {"days": -365, "seconds": 1}, "earlier_within_a_year"),
        ({"days": -400}, {"days": -365, "seconds": -1}, "none"),
    ],
)
def test_the_windows_of_an_admission(
    tree: Tree, admitted: dict[str, float], discharged: dict[str, float], want: str
) -> None:
    tree.admissions = [{**ADMISSION, "admittime": at(**admitted), "dischtime": at(**discharged)}]
    row = tree.one()
    assert row["admission_match"] == want
    assert row["label_insurance"] == ("Medicare" if want != "none" else None)
    assert row["label_race"] == "White"
    if want == "none":
        assert row["null_insurance"] == _admissions.NO_ADMISSION


@pytest.mark.parametrize(
    ("stays", "want"),
    [
        # The containing one before the one that begins soon, and that before the earlier one.
        ([stay(1, -2, 0.1, "Medicaid"), stay(2, 0.5, 3, "Other")], "Medicaid"),
        ([stay(1, 0.5, 3, "Other"), stay(2, -9, -0.1, "Medicaid")], "Other"),
        # The nearest of several of one kind.
        ([stay(1, -90, -80, "Medicaid"), stay(2, -30, -20, "Other")], "Other"),
        ([stay(1, 0.8, 4, "Medicaid"), stay(2, 0.3, 0.7, "Other")], "Other"),
        # A long stay contains the study although a shorter one within it has ended.
        ([stay(1, -9, 9, "Medicaid"), stay(2, -5, -3, "Other")], "Medicaid"),
        ([stay(1, -9, 9, "Medicaid"), stay(2, -1, 1, "Other")], "Other"),
        # An entry with its ends exchanged is not an earlier stay.
        ([stay(1, 5, -5, "Medicaid"), stay(2, -40, -30, "Other")], "Other"),
        # Two equal ones: the lower number, whatever the order of the rows.
        ([stay(2, -1, 1, "Medicaid"), stay(1, -1, 1, "Other")], "Other"),
    ],
)
def test_which_of_several_admissions(tree: Tree, stays: list[Row], want: str) -> None:
    tree.admissions = stays
    assert tree.one()["label_insurance"] == want
    tree.admissions = stays[::-1]
    assert tree.one()["label_insurance"] == want


@pytest.mark.parametrize(
    ("here", "elsewhere", "want", "reason", "note"),
    [
        ("WHITE", "WHITE - RUSSIAN", "White", None, None),
        ("BLACK/AFRICAN", "UNKNOWN", "Black", None, _admissions.RACE_FILLED),
        ("UNABLE TO OBTAIN", "ASIAN", "Asian", None, _admissions.RACE_FILLED),
        ("WHITE", "BLACK/AFRICAN", None, _admissions.CONFLICT, None),
        ("WHITE", "HISPANIC OR LATINO", None, _admissions.CONFLICT, None),
        ("OTHER", "", None, _admissions.RACE_MISSING, None),
        ("HISPANIC OR LATINO", "UNKNOWN", None, _admissions.RACE_OUTSIDE, None),
    ],
)
def test_race_over_the_admissions(
    tree: Tree, here: str, elsewhere: str, want: str | None, reason: str | None, note: str | None
) -> None:
    other = {**stay(2, -900, -890, "Other"), "race": elsewhere}
    tree.admissions = [{**ADMISSION, "race": here}, other]
    row = tree.one()
    assert (row["label_race"], row["null_race"], row["note_race"]) == (want, reason, note)


@pytest.mark.parametrize(
    ("races", "majority", "latest"),
    [
        (["WHITE", "WHITE - RUSSIAN", "BLACK/AFRICAN"], "White", "Black"),
        (["ASIAN", "ASIAN", "WHITE", "UNKNOWN"], "Asian", "White"),
        (["HISPANIC OR LATINO", "WHITE", "WHITE"], "White", "White"),
        (["WHITE", "HISPANIC OR LATINO", "HISPANIC OR LATINO"], None, None),
        (["WHITE", "ASIAN"], None, "Asian"),
        (["WHITE", "UNKNOWN"], "White", "White"),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_whose_race_counts_where_the_stays_disagree(
    tree: Tree, races: list[str], majority: str | None, latest: str | None, order: int
) -> None:
    stays: list[Row] = [
        {**stay(i, 30 * i, 30 * i + 1, "Other"), "race": race} for i, race in enumerate(races)
    ]
    tree.admissions = stays[::order]
    known = set(races) - {"UNKNOWN"}
    for policy, want in (("majority", majority), ("latest", latest), ("exclude", None)):
        row = tree.read(race_conflict=policy).row(0, named=True)
        if len(known) == 1:
            assert (row["label_race"], row["note_race"]) == ("White", _admissions.RACE_FILLED)
            continue
        assert row["label_race"] == want
        settled = _admissions.RACE_SETTLED.get(policy) if want else None
        assert row["note_race"] == settled
        assert (row["null_race"] is None) == (want is not None)


def test_of_two_latest_stays_with_different_races_neither_counts(tree: Tree) -> None:
    tree.admissions = [ADMISSION, {**ADMISSION, "hadm_id": 2, "race": "ASIAN"}]
    row = tree.read(race_conflict="latest").row(0, named=True)
    assert (row["label_race"], row["null_race"]) == (None, _admissions.CONFLICT)


def test_the_race_of_another_subject_does_not_count(tree: Tree) -> None:
    tree.patients = [PATIENT, {**PATIENT, "subject_id": 2}]
    tree.admissions = [ADMISSION, {**ADMISSION, "subject_id": 2, "hadm_id": 2, "race": "ASIAN"}]
    assert tree.one()["label_race"] == "White"


def test_insurance_of_version_3(tree: Tree) -> None:
    for text, want in (("Private", "Private"), ("Self-pay", "Other"), ("No charge", "Other")):
        tree.admissions = [{**ADMISSION, "insurance": text}]
        frame = tree.read()
        assert frame["label_insurance"].item() == want
        classes = pl.Enum(["Medicaid", "Medicare", "Private", "Other"])
        assert frame.schema["label_insurance"] == classes


def test_an_empty_insurance_is_missing(tree: Tree) -> None:
    tree.admissions = [{**ADMISSION, "insurance": ""}]
    row = tree.one()
    assert row["label_insurance"] is None
    assert row["null_insurance"] == _admissions.INSURANCE_MISSING


@pytest.mark.parametrize(("stated", "want"), [("1.0", True), ("", False), ("0.0", False)])
def test_no_finding(tree: Tree, stated: str, want: bool) -> None:
    tree.extra = {"cxr/mimic-cxr-2.0.0-chexpert": [{"study_id": 50414267, "No Finding": stated}]}
    tree.images = [IMAGE, {**IMAGE, "dicom_id": "aa-2", "study_id": 1}]
    assert tree.read()["no_finding"].to_list() == [want, None]
