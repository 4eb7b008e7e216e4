"""How the tables of MIMIC are found, read, joined, refused and accounted for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mimic_tree import ADMISSION, IMAGE, PATIENT, Row, Tree, stay, write
from mimic_tree import tree as tree

from cxrcore.cohort import assemble
from cxrcore.sources import LabelRules, _admissions, adapter, locate, mimic
from data_contracts.errors import SourceError, UsageError


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
    got = adapter("mimic").read(files, LabelRules()).row(0, named=True)
    assert got == {**want, "path": want["path"].replace(".dcm", ".jpg")}
    (tree.root / "cxr" / "cxr-record-list.csv.gz").unlink()
    assert tree.root / "cxr" / "mimic-cxr-2.0.0-metadata.csv.gz" in set(
        locate("mimic", {"mimic_iv": tree.root / "iv", "mimic_cxr": tree.root / "cxr"}).values()
    )


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
    frame = adapter("mimic").read(files, LabelRules())
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
        "patients.csv.gz: column 'dod': 1 of 2 rows are not dates (YYYY-MM-DD), first in row 2",
        "patients.csv.gz: column 'anchor_age': 1 of 2 rows are not numbers, first in row 3",
        "patients.csv.gz: column 'subject_id': 1 rows repeat an earlier one, first in row 3",
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
    message = str(caught.value)
    for column in ("gender", "race", "insurance"):
        assert f"'{column}': 1 of 1 rows have an unknown category, first in row 2" in message
    for value in ("martian", "barter"):
        assert value not in message.lower()


def test_missing_files_are_all_named(tree: Tree) -> None:
    (tree.root / "iv").mkdir()
    with pytest.raises(SourceError) as caught:
        locate("mimic", {"mimic_iv": tree.root / "iv", "mimic_cxr": tree.root / "nowhere"})
    for name in ("hosp/patients", "hosp/admissions", "nowhere/mimic-cxr-2.0.0-metadata"):
        assert f"{name}.csv.gz (or .csv) does not exist" in str(caught.value)


def test_missing_flags_are_all_named() -> None:
    with pytest.raises(UsageError, match=r"--mimic-iv DIR .* and --mimic-cxr DIR"):
        locate("mimic", {"root": Path()})
    with pytest.raises(
        UsageError, match=r"unknown source 'brax'; choose from chexpert, chexpert-plus, "
    ):
        locate("brax", {})


def test_a_path_that_leaves_the_folder_is_refused(tree: Tree) -> None:
    tree.images = [{**IMAGE, "dicom_id": "../../../../../etc/x"}]
    with pytest.raises(SourceError, match=r"'path': 1 of 1 rows are not paths inside the folder"):
        tree.read()
