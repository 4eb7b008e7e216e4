from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbooks import write_workbook

from cxrcore.split_files import read_split_file, split_file_text
from data_contracts.cohort import SPLITS
from data_contracts.errors import SourceError

#: The official file of MIMIC-CXR: a row for each image.
OFFICIAL = """\
dicom_id,study_id,subject_id,split
a,50000001,10000001,train
b,50000002,10000001,train
c,50000003,10000002,validate
d,50000004,10000003,test
"""


def test_the_official_split_of_mimic_cxr(tmp_path: Path) -> None:
    path = tmp_path / "mimic-cxr-2.0.0-split.csv.gz"
    path.write_bytes(gzip.compress(OFFICIAL.encode()))
    assert sorted(read_split_file(path).iter_rows()) == [
        ("10000001", "train"), ("10000002", "val"), ("10000003", "test"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "want"),
    [
        (
            "50000002,10000001,train",
            "50000002,10000001,test",
            "1 patients are in two splits or more, the first again in row",
        ),
        ("validate", "later", "column 'split': 1 of 4 rows have an unknown category, first in row"),
        ("validate", "", "column 'split': 1 of 4 rows are empty, first in row 4"),
        ("subject_id", "patient", "want the column 'subject_id'"),
        ("10000003", "", "column 'subject_id': 1 of 4 rows are empty"),
        (",10000003,test", "", "row 5 has 2 fields"),
    ],
    ids=["two splits", "name", "no split", "no column", "no id", "cut"],
)
def test_a_bad_split_file(old: str, new: str, want: str, tmp_path: Path) -> None:
    assert old in OFFICIAL
    (tmp_path / "split.csv").write_text(OFFICIAL.replace(old, new))
    with pytest.raises(SourceError) as caught:
        read_split_file(tmp_path / "split.csv")
    assert want in str(caught.value)
    assert "1000000" not in str(caught.value)


def test_a_row_is_called_what_the_files_reader_calls_it(tmp_path: Path) -> None:
    rows = [("subject_id", "split"), ("1", "train"), (None, None), ("2", "later")]
    write_workbook(tmp_path / "split.xlsx", rows)
    table = pl.DataFrame(rows[1::2], schema=["subject_id", "split"], orient="row")
    table.write_parquet(tmp_path / "split.parquet")
    table.write_csv(tmp_path / "split.csv")
    found = {"xlsx": "row 3, empty ones not counted;", "parquet": "row 2;", "csv": "row 3;"}
    for ending, want in found.items():
        with pytest.raises(SourceError, match=f"unknown category, first in {want}"):
            read_split_file(tmp_path / f"split.{ending}")


IDS = st.text('aB01 ,"é_-', min_size=1, max_size=5).filter(lambda text: text == text.strip())


@given(st.dictionaries(IDS, st.sampled_from(SPLITS), min_size=1, max_size=9))
def test_any_ids_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, splits: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("s") / "split.csv"
    kind = pl.Enum(SPLITS)
    frame = pl.DataFrame({"subject_id": list(splits), "split": list(splits.values())}).cast(
        {"split": kind}
    )
    path.write_text(split_file_text(pl.concat([frame, frame])), encoding="utf-8")
    assert dict(read_split_file(path).iter_rows()) == splits
