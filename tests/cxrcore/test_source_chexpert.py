from __future__ import annotations

import csv
from pathlib import Path

import pytest
from public_tables import CHEXPERT_PLUS, DEMOGRAPHICS, read, write
from workbooks import write_workbook

from cxrcore.sources import locate
from cxrcore.sources._groups import IN_NO_CLASS, NOT_STATED
from cxrcore.sources._mapped import NOT_FRONTAL
from data_contracts.errors import SourceError


def test_ids_and_views_come_from_the_path(tmp_path: Path) -> None:
    images = read("chexpert", write("chexpert", tmp_path))
    assert images["path"][1] == "train/patient00001/study1/view2_lateral.jpg"
    assert images["subject_id"].to_list() == [f"patient0000{i}" for i in (1, 1, 2, 3, 9)]
    assert images["study_id"][3] == "patient00003/study2"
    assert images["view"].to_list() == ["AP", None, "PA", None, "AP"]
    assert images["excluded"].to_list() == [None, NOT_FRONTAL, None, NOT_FRONTAL, None]
    # An age of 0 stands for an unknown one.
    assert images["age"].to_list() == [68, 68, None, 40, 73]
    assert images["no_finding"].to_list() == [True, True, False, False, False]
    assert images["label_gender"].to_list() == ["F", "F", "M", None, "M"]
    assert "label_race" not in images.columns


def test_race_and_insurance_come_from_the_demographics(tmp_path: Path) -> None:
    root, patients = write("chexpert", tmp_path), tmp_path / "demo.csv"
    patients.write_text(DEMOGRAPHICS)
    images = read("chexpert", root, patients=patients)
    assert images["label_race"].to_list() == ["White", "White", None, None, "Asian"]
    assert images["null_race"].to_list()[2:4] == [IN_NO_CLASS, NOT_STATED]
    assert "label_insurance" not in images.columns
    text = DEMOGRAPHICS.replace("ETHNICITY", "INSURANCE_TYPE").replace("Not Hispanic", "Medicare")
    patients.write_text(text)
    insured = read("chexpert", root, patients=patients)
    assert insured["label_insurance"].to_list() == [None] * 4 + ["Medicare"]


def test_a_value_that_nobody_knows_is_a_fault(tmp_path: Path) -> None:
    root = write("chexpert", tmp_path)
    table = root / "train.csv"
    right = table.read_text()
    table.write_text(right.replace("Male", "Man"))
    fault = r"train\.csv: column 'Sex': 1 of 4 rows have an unknown category, first in row 4;"
    with pytest.raises(SourceError, match=fault):
        read("chexpert", root)
    table.write_text(right)
    valid = root / "valid.csv"
    (row,) = valid.read_text().splitlines(keepends=True)[1:]
    table.write_text(right + row)
    with pytest.raises(SourceError, match=r"'Path': 1 rows repeat .*, first in row 2 of valid.csv"):
        read("chexpert", root)


def test_demographics_as_a_workbook_or_of_other_patients(tmp_path: Path) -> None:
    root, patients = write("chexpert", tmp_path), tmp_path / "CHEXPERT DEMO.xlsx"
    with pytest.raises(SourceError, match=r"--patients .*xlsx does not exist"):
        locate("chexpert", {"root": root, "patients": patients})
    write_workbook(patients, [*csv.reader(DEMOGRAPHICS.splitlines())])
    races = read("chexpert", root, patients=patients)["label_race"].to_list()
    assert races == ["White", "White", None, None, "Asian"]
    patients = tmp_path / "demo.csv"
    patients.write_text(DEMOGRAPHICS.replace("patient0", "p"))
    with pytest.raises(SourceError, match="shares 0 of 3 ids"):
        read("chexpert", root, patients=patients)


def test_one_of_both_tables_is_enough(tmp_path: Path) -> None:
    root = write("chexpert", tmp_path)
    (root / "train.csv").unlink()
    assert read("chexpert", root).height == 1
    (root / "valid.csv").unlink()
    with pytest.raises(SourceError, match=r"train\.csv does not exist"):
        locate("chexpert", {"root": root})


def test_chexpert_plus(tmp_path: Path) -> None:
    images = read("chexpert-plus", write("chexpert-plus", tmp_path))
    assert images["path"][0] == "PNG/train/patient1/study1/view1_frontal.png"
    assert images["path"][3] == "PNG/valid/patient3/study1/view1_frontal.png"
    assert images["subject_id"].to_list() == [f"patient{i}" for i in (1, 1, 2, 3)]
    assert images["study_id"].to_list()[1:3] == ["patient1/study2", "patient2/study5"]
    assert images["view"].to_list() == ["AP", None, "PA", "PA"]
    assert images["age"].to_list() == [68, 69, None, 51]
    assert images["label_race"].to_list() == ["White", "White", None, "Asian"]
    assert images["label_insurance"].to_list() == ["Medicare", "Private", None, "Medicaid"]
    assert images["label_insurance"].dtype.categories.to_list() == [  # type: ignore[attr-defined]
        "Medicaid", "Medicare", "Private", "Other",
    ]  # fmt: skip


@pytest.mark.parametrize("place", ["train/{}.jpg", "DICOM/train/{}.dcm", "PNG/PNG/train/{}.png"])
def test_the_images_of_chexpert_plus_are_looked_for(place: str, tmp_path: Path) -> None:
    root = write("chexpert-plus", tmp_path)
    (root / "PNG/train/patient1/study1/view1_frontal.png").unlink()
    image = root / place.format("patient2/study5/view1_frontal")
    image.parent.mkdir(parents=True)
    with pytest.raises(SourceError, match="no image of df_chexpert_plus"):
        read("chexpert-plus", root)
    image.touch()
    assert root / read("chexpert-plus", root)["path"][2] == image


def test_a_new_kind_of_insurance_is_a_fault(tmp_path: Path) -> None:
    root = write("chexpert-plus", tmp_path)
    table = root / "df_chexpert_plus_240401.csv"
    table.write_text(CHEXPERT_PLUS.replace("Medicaid", "Tricare").replace("Asian", "Martian"))
    with pytest.raises(
        SourceError, match=r"'race': 1 .* first in row 5;.*'insurance_type': 1 .* first in row"
    ) as it:
        read("chexpert-plus", root)
    assert "MARTIAN" not in str(it.value).upper()
