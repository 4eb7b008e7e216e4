"""The rules of the MIMIC source on hand-made tables: one subject, one study, one thing varied."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cxrcore.cohort import assemble
from cxrcore.labels import CENSORED, IN_HOSPITAL_ONLY, NOT_IN_STAY
from cxrcore.sources import _admissions, _stays, adapter, locate, mimic
from data_contracts.errors import SourceError, UsageError

Row = Mapping[str, Any]
T = dt.datetime(2180, 3, 10, 8, 5, 56, 875_000)

PATIENT: Row = {
    "subject_id": 10000032, "gender": "F", "anchor_age": 52, "anchor_year": 2178,
    "anchor_year_group": "2014 - 2016", "dod": "",
}  # fmt: skip
ADMISSION: Row = {
    "subject_id": 10000032, "hadm_id": 22595853, "admittime": "2180-03-09 22:23:00",
    "dischtime": "2180-03-12 18:25:00", "deathtime": "", "insurance": "Medicare", "race": "WHITE",
    "hospital_expire_flag": 0,
}  # fmt: skip
IMAGE: Row = {
    "dicom_id": "aa-1", "subject_id": 10000032, "study_id": 50414267, "ViewPosition": "PA",
    "StudyDate": 21800310, "StudyTime": 80556.875,
    "ViewCodeSequence_CodeMeaning": "postero-anterior",
}  # fmt: skip


def write(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


class Tree:
    """A MIMIC tree in the making; every table may be replaced before it is read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.patients: list[Row] = [PATIENT]
        self.admissions: list[Row] = [ADMISSION]
        self.images: list[Row] = [IMAGE]
        self.module, self.suffix = "hosp", ".csv.gz"
        self.extra: dict[str, list[Row]] = {}

    def files(self) -> dict[str, Path]:
        records: list[Row] = [
            {k: i[k] for k in ("subject_id", "study_id", "dicom_id")}
            | {"path": f"files/p10/p{i['subject_id']}/s{i['study_id']}/{i['dicom_id']}.dcm"}
            for i in self.images
        ]
        tables: dict[str, list[Row]] = {
            f"iv/{self.module}/patients": self.patients,
            f"iv/{self.module}/admissions": self.admissions,
            "cxr/cxr-record-list": records,
            "cxr/mimic-cxr-2.0.0-metadata": self.images,
        }
        for name, rows in (tables | self.extra).items():
            write(self.root / f"{name}{self.suffix}", rows)
        return locate("mimic", {"mimic_iv": self.root / "iv", "mimic_cxr": self.root / "cxr"})

    def read(self, horizon: int = 365) -> pl.DataFrame:
        return adapter("mimic").read(self.files(), horizon).sort("image_id")

    def one(self, horizon: int = 365) -> dict[str, Any]:
        frame = self.read(horizon)
        assert frame.height == 1
        return frame.row(0, named=True)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def at(**shift: float) -> str:
    return (T + dt.timedelta(**shift)).strftime("%Y-%m-%d %H:%M:%S")


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
        "note_mortality": None,
        "note_mortality.stay": None,
        "note_mortality.times": None,
        "note_race": None,
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
    ("anchor_age", "anchor_year", "want"),
    [(52, 2180, 52), (52, 2178, 54), (52, 2185, 47), (89, 2180, 89), (89, 2179, 91),
     (91, 2180, 91), (91, 2170, 91), (91, 2183, 88)],
)  # fmt: skip
def test_age_at_the_study(tree: Tree, anchor_age: int, anchor_year: int, want: int) -> None:
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


def stay(number: int, begin: float, end: float, insurance: str) -> Row:
    """An admission from `begin` to `end`, in days from the study."""
    times = {"admittime": at(days=begin), "dischtime": at(days=end)}
    return {**ADMISSION, "hadm_id": number, "insurance": insurance} | times


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
    tree.extra = {"iv/ed/edstays": [ED, {**ED, "race": "WHITE", "gender": "M"}]}
    row = tree.one()
    assert (row["null_race"], row["null_gender"]) == (_admissions.CONFLICT, mimic.NO_GENDER)
    tree.extra = {"iv/ed/edstays": [{**ED, "race": "martian", "gender": "X"}]}
    with pytest.raises(SourceError, match=r"edstays.*'X' \(1 rows\).*edstays.*'MARTIAN'"):
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


def test_plain_csv_is_read_as_well(tree: Tree) -> None:
    zipped = tree.one()
    plain = Tree(tree.root / "plain")
    plain.suffix = ".csv"
    assert set(plain.files()) == {
        "hosp/patients.csv",
        "hosp/admissions.csv",
        "cxr-record-list.csv",
        "mimic-cxr-2.0.0-metadata.csv",
    }
    assert plain.one() == zipped


def test_without_a_record_list_the_paths_follow_from_the_ids(tree: Tree) -> None:
    want = tree.one()
    files = {n: p for n, p in tree.files().items() if not n.startswith("cxr-record-list")}
    got = adapter("mimic").read(files, 365).row(0, named=True)
    assert got == {**want, "path": want["path"].replace(".dcm", ".jpg")}
    (tree.root / "cxr" / "cxr-record-list.csv.gz").unlink()
    assert tree.root / "cxr" / "mimic-cxr-2.0.0-metadata.csv.gz" in set(
        locate("mimic", {"mimic_iv": tree.root / "iv", "mimic_cxr": tree.root / "cxr"}).values()
    )


@pytest.mark.parametrize(("stated", "want"), [("1.0", True), ("", False), ("0.0", False)])
def test_no_finding(tree: Tree, stated: str, want: bool) -> None:
    tree.extra = {"cxr/mimic-cxr-2.0.0-chexpert": [{"study_id": 50414267, "No Finding": stated}]}
    tree.images = [IMAGE, {**IMAGE, "dicom_id": "aa-2", "study_id": 1}]
    assert tree.read()["no_finding"].to_list() == [want, None]


@pytest.mark.parametrize("table", ["patients", "admissions", "findings", "images"])
def test_ids_that_a_program_wrote_as_floats_are_read(tree: Tree, table: str) -> None:
    findings: Row = {"study_id": 50414267, "No Finding": "1.0"}
    tree.extra = {"cxr/mimic-cxr-2.0.0-chexpert": [findings]}
    want = tree.one()
    ids = ("subject_id", "study_id", "hadm_id")
    rows = {"findings": [findings]}.get(table) or getattr(tree, table)
    rows = [{k: f"{v}.0" if k in ids else v for k, v in row.items()} for row in rows]
    if table == "findings":
        tree.extra = {"cxr/mimic-cxr-2.0.0-chexpert": rows}
    else:
        setattr(tree, table, rows)
    got = tree.one()
    assert {**got, "path": None} == {**want, "path": None}


@pytest.mark.parametrize("subject", ["010000032", 10000033])
def test_tables_that_share_no_ids_are_refused(tree: Tree, subject: object) -> None:
    tree.admissions = [{**ADMISSION, "subject_id": subject}]
    want = "1 ids differ only in leading zeros" if subject == "010000032" else "shares 0 of 1 ids"
    with pytest.raises(SourceError, match=rf"admissions.*'subject_id'.*{want}.*patients") as caught:
        tree.read()
    assert "1000003" not in str(caught.value)


def test_half_of_the_ids_with_leading_zeros_are_seen_too(tree: Tree) -> None:
    tree.patients = [{**PATIENT, "subject_id": n} for n in (1, 2, 3)]
    tree.admissions = [{**ADMISSION, "subject_id": n, "hadm_id": n} for n in ("1", "02", "2")]
    with pytest.raises(SourceError, match="1 ids differ only in leading zeros"):
        tree.read()


def test_every_image_is_accounted_for(tree: Tree) -> None:
    """Each rule takes one image; the flow says so in order, and its numbers add up."""
    tree.patients = [
        PATIENT,
        {**PATIENT, "subject_id": 2, "dod": "2180-03-09"},
        {**PATIENT, "subject_id": 3, "anchor_age": 15},
        {**PATIENT, "subject_id": 4, "gender": ""},
    ]
    studies: tuple[tuple[int, dict[str, Any]], ...] = (
        (10000032, {}), (10000032, {"ViewPosition": "LL"}), (2, {}), (3, {}), (4, {}), (5, {}),
        (10000032, {"StudyTime": ""}), (10000032, {"StudyDate": 21800311}),
    )  # fmt: skip
    tree.images = [
        {**IMAGE, "dicom_id": f"d{n}", "study_id": n, "subject_id": subject} | changes
        for n, (subject, changes) in enumerate(studies)
    ]
    cohort, flow = assemble(tree.read(), "mimic", "one-per-subject", 18, seed=0)
    assert cohort.height == 2
    counted = [row[1:] for row in flow.iter_rows()]
    assert counted[:8] == [
        ("cohort", "in the source", 8, 8, 5, 0),
        ("cohort", mimic.NO_METADATA, 8, 8, 5, 0),
        ("cohort", mimic.NOT_FRONTAL, 7, 7, 5, 1),
        ("cohort", mimic.NOT_IN_PATIENTS, 6, 6, 4, 1),
        ("cohort", mimic.NO_TIME, 5, 5, 4, 1),
        ("cohort", mimic.DIED_BEFORE, 4, 4, 3, 1),
        ("cohort", "younger than 18 years, or of unknown age", 3, 3, 2, 1),
        ("cohort", "not the chosen image (one-per-subject)", 2, 2, 2, 1),
    ]
    assert ("gender", mimic.NO_GENDER, 1, 1, 1, 1) in counted
    assert ("gender", "usable", 1, 1, 1, 0) in counted
    assert ("race", _admissions.NO_RECORD, 1, 1, 1, 1) in counted
    for task in ("mortality", "gender", "race", "insurance"):
        lost = sum(row[5] for row in counted if row[0] == task)
        usable = next(row[2] for row in counted if row[:2] == (task, "usable"))
        assert lost + usable == cohort.height
        assert usable == cohort[f"label_{task}"].drop_nulls().len()


def test_images_of_only_one_table_are_counted(tree: Tree) -> None:
    tree.images = [IMAGE, {**IMAGE, "dicom_id": "aa-2"}]
    files = tree.files()
    write(files["mimic-cxr-2.0.0-metadata.csv.gz"], [IMAGE, {**IMAGE, "dicom_id": "aa-3"}])
    frame = adapter("mimic").read(files, 365)
    causes = dict(frame.select("image_id", "excluded").iter_rows())
    assert causes == {"aa-1": None, "aa-2": mimic.NO_METADATA, "aa-3": mimic.NO_METADATA}
    _, flow = assemble(frame, "mimic", "all", 18, seed=0)
    assert flow.row(0)[3:6] == (3, 1, 1)


def test_the_order_of_the_rows_changes_nothing(tree: Tree) -> None:
    tree.patients = [{**PATIENT, "subject_id": n, "anchor_age": 20 + n} for n in range(40)]
    tree.admissions = [
        {**stay(9 * n + k, k - 3, k - 2, insurance), "subject_id": n, "race": race}
        for n in range(40)
        for k, (insurance, race) in enumerate([("Other", "WHITE"), ("Medicare", "UNKNOWN")])
    ]
    tree.images = [
        {**IMAGE, "dicom_id": f"d{n}-{k}", "subject_id": n, "study_id": 9 * n + k}
        for n in range(40)
        for k in range(3)
    ]
    first = assemble(tree.read(), "mimic", "one-per-subject", 18, seed=3)
    for table in (tree.patients, tree.admissions, tree.images):
        table.reverse()
    second = assemble(tree.read(), "mimic", "one-per-subject", 18, seed=3)
    assert first[0].equals(second[0])
    assert first[1].equals(second[1])


def test_all_faults_of_all_tables_are_told_at_once_without_a_value(tree: Tree) -> None:
    tree.patients = [{**PATIENT, "dod": "10/03/2180"}, {**PATIENT, "anchor_age": "old"}]
    tree.admissions = [{k: v for k, v in ADMISSION.items() if k not in ("race", "insurance")}]
    tree.images = [IMAGE, IMAGE]
    with pytest.raises(SourceError) as caught:
        tree.read()
    message = str(caught.value)
    for part in (
        "patients.csv.gz: column 'dod': 1 of 2 rows are not dates (YYYY-MM-DD)",
        "patients.csv.gz: column 'anchor_age': 1 of 2 rows are not numbers",
        "patients.csv.gz: column 'subject_id': 1 rows repeat an earlier one",
        "admissions.csv.gz: want the columns 'insurance', 'race' or 'ethnicity', got subject_id",
        "cxr-record-list.csv.gz: column 'dicom_id': 1 rows repeat an earlier one",
        "metadata.csv.gz: column 'dicom_id': 1 rows repeat an earlier one",
    ):
        assert part in message
    assert "\n" not in message
    for value in ("10000032", "10/03/2180", "aa-1", "2180"):
        assert value not in message


def test_unknown_categories_of_all_columns_are_named(tree: Tree) -> None:
    tree.patients = [{**PATIENT, "gender": "X"}]
    tree.admissions = [{**ADMISSION, "race": "martian", "insurance": "Barter"}]
    with pytest.raises(SourceError) as caught:
        tree.read()
    for part in ("'gender' has unknown categories: 'X' (1 rows)", "'MARTIAN' (1 rows)", "'BARTER'"):
        assert part in str(caught.value)


def test_missing_files_are_all_named(tree: Tree) -> None:
    (tree.root / "iv").mkdir()
    with pytest.raises(SourceError) as caught:
        locate("mimic", {"mimic_iv": tree.root / "iv", "mimic_cxr": tree.root / "nowhere"})
    for name in ("hosp/patients", "hosp/admissions", "nowhere/mimic-cxr-2.0.0-metadata"):
        assert f"{name}.csv.gz (or .csv) does not exist" in str(caught.value)


def test_missing_flags_are_all_named() -> None:
    with pytest.raises(UsageError, match=r"--mimic-iv DIR .* and --mimic-cxr DIR"):
        locate("mimic", {"root": Path()})
    with pytest.raises(UsageError, match=r"unknown source 'chexpert'; choose from mimic, nih"):
        locate("chexpert", {})


def test_a_path_that_leaves_the_folder_is_refused(tree: Tree) -> None:
    tree.images = [{**IMAGE, "dicom_id": "../../../../../etc/x"}]
    with pytest.raises(SourceError, match=r"'path': 1 of 1 rows are not paths inside the folder"):
        tree.read()
