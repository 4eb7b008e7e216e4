"""What `--inspect` proposes; both tables are made up, and shown in docs/own-data.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from own_tables import read
from workbooks import write_workbook

from cxrcore.sources.table import inspect
from data_contracts.errors import SourceError
from data_contracts.yaml_files import TextLoader

PAGE = Path(__file__).parents[2] / "docs" / "own-data.md"

#: Columns, then rows; {i} is the number of the patient, {a|b} its first or second value.
CHEXPERT = """\
Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Edema
CheXpert-v1.0/train/patient{i:05}/study1/view1_frontal.jpg,{0},{2},Frontal,{1},{3},{4}
CheXpert-v1.0/train/patient{i:05}/study1/view2_lateral.jpg,{0},{2},Lateral,,{3},{4}
"""
DEMOGRAPHICS = """\
PATIENT,GENDER,AGE_AT_CXR,PRIMARY_RACE,ETHNICITY
patient{i:05},{0},{2},{5},{6}
"""
HOSPITAL = """\
file;PatientID;accession no;StudyDate;PatientAge;ViewPosition;sex;payer;ward;died on;physician
/export/{i:03}/1.dcm;7700{i:02};A{i:03};{8}.03.2020;0{2}Y;{1};{9};{7};{10};{11};Dr {0}
"""


def chexpert(i: int) -> tuple[str, ...]:
    race = ("White", "Black or African American", "Asian", "Other")[i % 4] if i else "Rare Race"
    return (("Female", "Male")[i % 2], ("AP", "PA")[i % 2], f"{40 + i % 30}",
            ("1.0", "")[i % 2], ("1.0", "0.0", "-1.0", "")[i % 4], race, "Unknown")  # fmt: skip


def hospital(i: int) -> tuple[str, ...]:
    died = f"{1 + i % 28:02}.09.2020" if i % 3 == 0 else ""
    return (*chexpert(i), ("AOK", "TK", "private")[i % 3], f"{1 + i % 28:02}", ("w", "m")[i % 2],
            f"ward {i}", died)  # fmt: skip


def write(path: Path, text: str, values: Callable[[int], tuple[str, ...]]) -> Path:
    """A table of 60 patients."""
    header, *rows = text.splitlines()
    lines = [row.format(*values(i), i=i) for i in range(60) for row in rows]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(params=["chexpert", "hospital"])
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Path]:
    if request.param == "hospital":
        return {"table": write(tmp_path / "export.csv", HOSPITAL, hospital)}
    demographics = write(tmp_path / "demo.csv", DEMOGRAPHICS, chexpert)
    rows = [row.split(",") for row in demographics.read_text().splitlines()]
    cells = [[int(cell) if cell.isdigit() else cell for cell in row] for row in rows]
    return {
        "table": write(tmp_path / "train.csv", CHEXPERT, chexpert),
        "patients": write_workbook(tmp_path / "demo.xlsx", cells),
    }


def proposed(tables: dict[str, Path], least: int = 11) -> str:
    return inspect(tables["table"], tables.get("patients"), least)


def test_the_proposals_of_the_documentation(tables: dict[str, Path]) -> None:
    assert proposed(tables) in PAGE.read_text(encoding="utf-8")


def test_it_is_usable_once_the_gaps_are_filled(tables: dict[str, Path], tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(proposed(tables).replace("FILL_IN", "2024-12-31"), encoding="utf-8")
    images = read({**tables, "mapping": mapping})
    assert images["excluded"].null_count() == 60
    assert images["subject_id"].n_unique() == images["study_id"].n_unique() == 60
    assert images["label_gender"].null_count() == 0
    other = "label_race" if "patients" in tables else "label_mortality"
    assert images[other].n_unique() > 1


def test_nothing_of_a_patient_is_shown(tables: dict[str, Path]) -> None:
    for value in ("Rare", "00007", "770007", "A007", "2020", "ward 7", "Dr ", "045Y"):
        assert value not in proposed(tables)
    for value in ("Black or", "AOK", "Female", "[w]"):
        assert value not in proposed(tables, least=31)


def proposal(folder: Path, text: str, least: int = 1) -> dict[str, object]:
    (folder / "t.csv").write_text(text, encoding="utf-8")
    proposed = yaml.load(inspect(folder / "t.csv", None, least), TextLoader)
    assert isinstance(proposed, dict)
    return proposed


def test_what_is_not_found_is_left_open(tmp_path: Path) -> None:
    assert proposal(tmp_path, "a,b\n3,4\n") == {
        "path": "FILL_IN", "subject_id": "FILL_IN", "age": "FILL_IN",
    }  # fmt: skip


def test_tasks_of_one_name_and_odd_values_stay_apart(tmp_path: Path) -> None:
    text = 'x y,x-y,sex\n1,1,"a: {b}"\n0,0,"#"\n'
    labels = proposal(tmp_path, text)["labels"]
    classes = {"absent": ["0"], "present": ["1"]}
    assert labels == {
        "gender": {"column": "sex", "classes": {"F": ["FILL_IN"], "M": ["FILL_IN"]}},
        "x_y": {"column": "x y", "classes": classes},
        "x_y_2": {"column": "x-y", "classes": classes},
    }


@pytest.mark.parametrize("suffix", ["dcm", "jpeg", "PNG", "tif", "tiff", "webp"])
def test_files_of_every_kind_that_is_read_are_found(tmp_path: Path, suffix: str) -> None:
    rows = "".join(f"p{i},films/{i}.{suffix}\n" for i in range(20))
    table = tmp_path / "export.csv"
    table.write_text(f"patient,where\n{rows}", encoding="utf-8")
    assert yaml.load(inspect(table, None, 11), TextLoader)["path"] == "where"


@pytest.mark.parametrize("header", ["a/1.dcm,F", "10000032,F", "2180-03-10,F"])
def test_a_table_without_a_header_line_is_refused(header: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"{header}\n{header}\n")
    with pytest.raises(SourceError, match="is there a header line") as caught:
        inspect(tmp_path / "t.csv", None, 11)
    assert header.split(",")[0] not in str(caught.value)
