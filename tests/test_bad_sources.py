"""Source data that cannot be used: exit code 4, one line that names file and column."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import own_tables
import pytest
from refusals import Refuse, tables_of

from data_contracts.cohort import COHORT
from data_contracts.store import read_table
from jobs._cli import run

Change = Callable[[bytes], bytes | None]
PATIENTS, ADMISSIONS = "mimic-iv/hosp/patients.csv.gz", "mimic-iv/hosp/admissions.csv.gz"
RECORDS, METADATA = "mimic-cxr/cxr-record-list.csv.gz", "mimic-cxr/mimic-cxr-2.0.0-metadata.csv.gz"
FINDINGS = "mimic-cxr/mimic-cxr-2.0.0-chexpert.csv.gz"
GARBAGE = np.random.default_rng(3).bytes(4000)


def text(change: Callable[[str], str]) -> Change:
    """A change of the text inside a compressed table."""
    return lambda raw: gzip.compress(change(gzip.decompress(raw).decode()).encode())


def renamed(column: str) -> Change:
    return text(lambda t: t.replace(column, "x", 1))


def raw(change: Callable[[bytes], bytes]) -> Change:
    return lambda packed: gzip.compress(change(gzip.decompress(packed)))


#: What is done to every table, and what must be said of it.
DAMAGE: dict[str, tuple[Change, str]] = {
    "missing": (lambda _: None, "does not exist"),
    "empty file": (lambda _: b"", "the file is empty"),
    "empty inside": (lambda _: gzip.compress(b""), "the file is empty"),
    "no rows": (text(lambda t: t.splitlines()[0]), "the table has no rows"),
    "cut at half": (lambda b: b[: len(b) // 2], "cannot be read as CSV"),
    "cut at its end": (lambda b: b[:-4], "cannot be read as CSV"),
    "cut at its start": (lambda b: b[:5], "cannot be read as CSV"),
    "garbage": (lambda _: GARBAGE, "line 2 has NUL bytes"),
    "packed garbage": (lambda _: gzip.compress(GARBAGE), "line 2 has NUL bytes"),
    "not UTF-8": (
        raw(lambda t: t.split(b"\n")[0] + b"\n" + t.split(b"\n", 1)[1].replace(b"1", b"\xe4")),
        "not in UTF-8",
    ),
    "UTF-16": (raw(lambda t: t.decode().encode("utf-16")), "in UTF-16 or UTF-32: save it as"),
    "no header line": (text(lambda t: t.split("\n", 1)[1]), "is there a header line?"),
    "semicolons": (text(lambda t: t.replace(",", ";")), "separated by ';' instead?"),
}


@pytest.fixture
def source(finished: Path, tmp_path: Path) -> Path:
    """The tables of the drawn collection, to be changed."""
    return tables_of(finished / "synthetic" / "source", tmp_path / "source")


def words(source: Path) -> list[str]:
    return ["extract", "--mimic-iv", f"{source}/mimic-iv", "--mimic-cxr", f"{source}/mimic-cxr"]


def spoil(path: Path, change: Change) -> None:
    content = change(path.read_bytes())
    path.unlink()
    if content is not None:
        path.write_bytes(content)


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("table", [PATIENTS, ADMISSIONS, RECORDS, METADATA, FINDINGS])
def test_a_damaged_table(
    table: str, damage: str, source: Path, refuse: Refuse, tmp_path: Path
) -> None:
    if table in (FINDINGS, RECORDS) and damage == "missing":
        return  # they are optional
    change, want = DAMAGE[damage]
    spoil(source / table, change)
    line = refuse(words(source), 4, tmp_path / "workspace")
    assert str(source / table) in line
    assert want in line
    assert line.endswith(("download it again", "download the missing tables"))
    # A file without a header line has cells where names should stand.
    assert not any(cell in line for cell in ("Medicaid", "URGENT", "WHITE", "postero"))
    assert not COHORT.path(tmp_path / "workspace").exists()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        *[(PATIENTS, c) for c in ("subject_id", "gender", "anchor_age", "anchor_year", "dod")],
        *[(ADMISSIONS, c) for c in ("hadm_id", "admittime", "dischtime", "insurance", "race")],
        *[(RECORDS, c) for c in ("dicom_id", "study_id", "path")],
        *[(METADATA, c) for c in ("dicom_id", "ViewPosition", "StudyDate", "StudyTime")],
        (FINDINGS, "No Finding"),
    ],
)
def test_a_missing_column(
    table: str, column: str, source: Path, refuse: Refuse, tmp_path: Path
) -> None:
    spoil(source / table, renamed(column))
    line = refuse(words(source), 4, tmp_path / "workspace")
    assert f"{source / table}: want the column '{column}'" in line


@pytest.mark.parametrize("flag", ["--mimic-iv", "--mimic-cxr"])
def test_a_missing_folder(flag: str, source: Path, refuse: Refuse, tmp_path: Path) -> None:
    command = [*words(source), f"{flag}={tmp_path / 'nowhere'}"]
    del command[(at := command.index(flag)) : at + 2]
    assert f"{tmp_path}/nowhere/" in refuse(command, 4, tmp_path / "workspace")


def test_all_faults_come_at_once_and_the_mended_source_works(
    source: Path, refuse: Refuse, tmp_path: Path
) -> None:
    whole = {t: (source / t).read_bytes() for t in (PATIENTS, ADMISSIONS, METADATA)}
    spoil(source / PATIENTS, renamed("anchor_age"))
    spoil(source / ADMISSIONS, text(lambda t: t.replace(":00", "h00")))
    spoil(source / METADATA, lambda b: b[:-4])
    line = refuse(words(source), 4, tmp_path / "workspace")
    assert all(str(source / table) in line for table in whole)
    for table, content in whole.items():
        (source / table).write_bytes(content)
    assert run([*words(source), "--workspace", str(tmp_path / "workspace")]) == 0


HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position\n"
)
ROW = "00000001_000.png,No Finding,0,1,58,M,PA\n"
ENTRIES = "Data_Entry_2017.csv"


@pytest.fixture
def nih(tmp_path: Path) -> Path:
    """A collection of one image in NIH layout."""
    (tmp_path / "nih" / "images").mkdir(parents=True)
    (tmp_path / "nih" / ENTRIES).write_text(HEADER + ROW)
    return tmp_path / "nih"


@pytest.mark.parametrize(
    ("content", "want"),
    [
        (None, "does not exist"),
        ("", "the file is empty"),
        (HEADER, "the table has no rows"),
        *[
            ((HEADER + ROW).replace(column, "x", 1), f"want the column '{column}'")
            for column in HEADER.strip().split(",")
        ],
        (GARBAGE, "line 2 has NUL bytes"),
        ((HEADER + ROW).replace("No", "Né").encode("latin-1"), "not in UTF-8"),
        ((HEADER + ROW).encode("utf-16"), "save it as CSV in UTF-8"),
        pytest.param(ROW, "is there a header line?", id="no header line"),
        (HEADER + ROW.replace("58", "old"), "'Patient Age': 1 of 1 rows are not ages"),
        (HEADER + ROW + ROW, "'Image Index': 1 rows repeat an earlier one"),
        (HEADER + ROW.replace("00000001", "../up"), "'Image Index': 1 of 1 rows are not paths"),
        (HEADER + ROW.replace("PA", "LL"), "'View Position'"),
        (HEADER + ROW.replace(",1,", ",P1,"), "'Patient ID': 1 of 1 rows are not whole numbers"),
        (HEADER + ROW + "2.png" + ROW[16:].replace(",1,", ",01,"), "1 ids differ only in leading"),
        (HEADER + ROW.replace("58", "7"), "no image of 1 remains: the rule 'younger than 18"),
    ],
)
def test_a_bad_nih_table(
    content: str | bytes | None, want: str, nih: Path, refuse: Refuse, tmp_path: Path
) -> None:
    (nih / ENTRIES).unlink()
    if content is not None:
        (nih / ENTRIES).write_bytes(content if isinstance(content, bytes) else content.encode())
    line = refuse(["extract", "--source=nih", f"--root={nih}"], 4, tmp_path / "workspace")
    assert want in line
    assert "00000001_000" not in line


def test_a_bad_nih_folder(nih: Path, refuse: Refuse, tmp_path: Path) -> None:
    command, workspace = ["extract", "--source=nih", f"--root={nih}"], tmp_path / "workspace"
    (nih / "images").rmdir()
    assert "images does not exist" in refuse(command, 4, workspace)
    shutil.rmtree(nih)
    assert "does not exist" in refuse(command, 4, workspace)
    told = refuse(["extract", "--source=nih"], 2, workspace)
    assert told.startswith("--source nih needs --root DIR")


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_table_of_ones_own(damage: str, refuse: Refuse, tmp_path: Path) -> None:
    change, want = DAMAGE[damage]
    places = own_tables.write(tmp_path)
    packed = gzip.compress(places["table"].read_bytes().replace(b";", b","))
    places["table"] = tmp_path / "table.csv.gz"
    places["table"].write_bytes(packed)
    command = ["extract", "--source=table", *(f"--{n}={path}" for n, path in places.items())]
    if damage == "semicolons":  # are read
        return
    spoil(places["table"], change)
    line = refuse(command, 4, tmp_path / "workspace")
    assert f"{places['table']}" in line
    assert want in line
    assert not any(cell in line for cell in ("AOK", "effusion"))


def test_images_that_are_not_there(copy: Path, refuse: Refuse, tmp_path: Path) -> None:
    shutil.rmtree(copy / "images")
    (tmp_path / "empty").mkdir()
    total = read_table(COHORT, COHORT.path(copy)).frame.height
    for root, want in (
        ("nowhere", "is not a folder"),
        ("empty", f"none of the {total} images is usable: missing_file {total}; check --root"),
    ):
        command = ["preprocess", "--size=32", "--workers=0", f"--root={tmp_path / root}"]
        assert want in refuse(command, 4, copy)
    assert not list(copy.glob("images/*"))
