"""MIMIC tables of a few rows, and `cxr extract` on them by the real command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs._cli import run as cxr

TABLES = {
    "mimic-iv/hosp/patients.csv": """\
subject_id,gender,anchor_age,anchor_year,anchor_year_group,dod
1,F,52,2180,2014 - 2016,
2,M,61,2180,2014 - 2016,2180-05-01
3,F,70,2180,2014 - 2016,2179-01-01
""",
    "mimic-iv/hosp/admissions.csv": """\
subject_id,hadm_id,admittime,dischtime,deathtime,insurance,race
1,11,2180-03-09 10:00:00,2180-03-12 10:00:00,,Medicare,WHITE
2,12,2180-03-09 10:00:00,2180-03-12 10:00:00,,Medicaid,ASIAN
3,13,2178-03-09 10:00:00,2178-03-12 10:00:00,,Other,WHITE
""",
    "mimic-cxr/cxr-record-list.csv": """\
subject_id,study_id,dicom_id,path
1,101,a,files/a.dcm
1,101,b,files/b.dcm
2,102,c,files/c.dcm
3,103,d,files/d.dcm
""",
    "mimic-cxr/mimic-cxr-2.0.0-metadata.csv": """\
dicom_id,ViewPosition,StudyDate,StudyTime
a,PA,21800310,90000
b,AP,21800310,90000
c,PA,21800310,90000
d,PA,21800310,90000
""",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, text in TABLES.items():
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "source"


def extract(source: Path, workspace: Path, *more: str) -> int:
    roots = ["--mimic-iv", f"{source}/mimic-iv", "--mimic-cxr", f"{source}/mimic-cxr"]
    return cxr(["extract", *roots, "--workspace", str(workspace), *more])


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.strip().splitlines()
    assert line.startswith("cxr extract: ")
    return line


PATIENTS, ADMISSIONS = "mimic-iv/hosp/patients.csv", "mimic-iv/hosp/admissions.csv"
METADATA = "mimic-cxr/mimic-cxr-2.0.0-metadata.csv"
