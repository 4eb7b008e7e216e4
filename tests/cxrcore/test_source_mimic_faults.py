"""Tables of MIMIC that are cut, empty in places, or contradict each other."""

from __future__ import annotations

import pytest
from mimic_tree import IMAGE, PATIENT, Row, Tree, at, write
from mimic_tree import tree as tree

from cxrcore.sources import LabelRules, _mimic_counts, adapter
from data_contracts.errors import SourceError


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("patients", "subject_id", "NaN"),
        ("patients", "anchor_year", ""),
        ("admissions", "subject_id", "+10000032"),
        ("admissions", "hadm_id", "h1"),
        ("admissions", "admittime", ""),
        ("images", "subject_id", "10000032,0"),
        ("images", "study_id", "-5"),
    ],
)
def test_a_cell_without_what_every_row_has_is_refused(
    tree: Tree, table: str, column: str, value: str
) -> None:
    rows = getattr(tree, table)
    ids = {"patients": "subject_id", "admissions": "hadm_id", "images": "dicom_id"}
    rows.append({**rows[0], ids[table]: 2, column: value})
    fault = "are not whole numbers" if value else "are empty"
    with pytest.raises(SourceError, match=rf"'{column}': 1 of 2 rows {fault}, first in row 3"):
        tree.read()


@pytest.mark.parametrize("column", ["subject_id", "study_id"])
def test_a_table_that_contradicts_the_record_list_is_refused(tree: Tree, column: str) -> None:
    tree.images = [{**IMAGE, "dicom_id": f"aa-{n}"} for n in range(3)]
    files = tree.files()
    images = [{**IMAGE, "dicom_id": "aa-9", column: 9}, *tree.images[:2]]
    write(files["mimic-cxr-2.0.0-metadata.csv.gz"], [*images, {**tree.images[2], column: 7}])
    fault = rf"metadata.*'{column}': 1 of 4 rows have another .* the same dicom_id, first in row 5"
    with pytest.raises(SourceError, match=fault):
        adapter("mimic").read(files, LabelRules())
    tree.extra = {
        "cxr/mimic-cxr-2.0.0-chexpert": [{"study_id": 50414267, "subject_id": 7, "No Finding": ""}]
    }
    with pytest.raises(SourceError, match=r"chexpert.*'subject_id': 1 of 1 .* same study_id"):
        tree.read()


def test_what_is_known_of_each_table_is_held_against_it(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.patients = [{**PATIENT, "dod": "2185-01-01"}]
    stays: list[Row] = [
        {
            "subject_id": 10000032,
            "transfer_id": n,
            "intime": at(hours=n),
            "outtime": "",
            "eventtype": "ED",
        }
        for n in range(3)
    ]
    tree.extra = {
        "iv/hosp/transfers": stays,
        "cxr/mimic-cxr-2.0.0-chexpert": [{"study_id": 50414267, "No Finding": "1.0"}],
    }
    known = {"patients": 1, "admissions": 2, "transfers": 4}
    monkeypatch.setattr(_mimic_counts, "_VERSION_2", known)
    monkeypatch.setattr(_mimic_counts, "_ANY", {"mimic-cxr-2.0.0-chexpert": 2})
    assert tree.one()["odd_tables"] == (
        "1 rows in admissions (known: 2), 3 rows in transfers (known: 4), "
        "transfers without any outtime, 1 rows in mimic-cxr-2.0.0-chexpert (known: 2)"
    )
    monkeypatch.setattr(_mimic_counts, "_VERSION_2", {"patients": 1, "admissions": 1})
    monkeypatch.setattr(_mimic_counts, "_ANY", {})
    del tree.extra["iv/hosp/transfers"]
    (tree.root / "iv/hosp/transfers.csv.gz").unlink()
    assert tree.one()["odd_tables"] is None
    files = tree.files()
    write(files["cxr-record-list.csv.gz"], [{**IMAGE, "path": "files/1.dcm"}])
    odd = adapter("mimic").read(files, LabelRules())["odd_tables"].item()
    assert odd == "1 paths in cxr-record-list that do not name their dicom_id"
