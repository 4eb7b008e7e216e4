from __future__ import annotations

import csv
import datetime as dt
import gzip
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxrcore.sources._csv_rows import _all_as_long_as_the_header, _rows, row_faults
from cxrcore.sources._tables import Request, find_table, read_tables, require_tables
from data_contracts.errors import Interrupted, SourceError

COLUMNS = {"subject_id": "id", "n": "number"}


def fault(path: Path, content: bytes, **request: object) -> str:
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_tables({"t": Request(path, COLUMNS, **request)})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "want"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b"subject_id,n\n", "the table has no rows"),
        ("a.csv", b"subject_id\n1\n", "want the column 'n', got subject_id"),
        ("a.csv", b"subject id,n\n1,2\n", "want the column 'subject_id', got subject id, n"),
        ("a.csv", b"subject_id\tn\n1\t2\n", "got one column; are the fields separated by '\\t'"),
        ("a.csv", b"subject_id,m,12,n10000,F\n", "got numbers or dates among the names"),
        ("a.csv", "subject_id,n\n1,2\n".encode("utf-16"), "the text is in UTF-16 or UTF-32"),
        ("a.csv", "subject_id,n\n1,2\n".encode("utf-16-be"), "the text is in UTF-16 or UTF-32"),
        ("a.csv", b"subject_id,n\n1,2\n\0\0\0\0,2\n", "line 3 has NUL bytes (damaged?)"),
        (
            "a.csv.gz",
            gzip.compress(b"subject_id,n\r1,2\r", 1, mtime=0),
            "lines end with a carriage",
        ),
        (
            "a.csv",
            b"subject_id,n\nNULL,1\n\\N,2\nnan,3\nN/A,4\n",
            "'subject_id': 4 of 4 rows are n",
        ),
        ("a.csv", b"subject_id,n\n1,\xff\xfe\n", "cannot be read as CSV to its end"),
        ("a.csv", b'subject_id,n\n"1,2\n3,4\n', "cannot be read as CSV"),
        ("a.csv", b"subject_id,n\n,1\n2,x\n3,inf\n", "'subject_id': 1 of 3 rows are empty"),
        ("a.csv", b"subject_id,n\n,1\n2,x\n3,inf\n", "'n': 2 of 3 rows are not numbers"),
        ("a.csv", b"subject_id,n\n  ,1\n2, \n", "'subject_id': 1 of 2 rows are empty"),
        ("a.csv", b"subject_id,n\n1,2\n3\n4\n", "row 3 has 1 fields, but the header 2, and 1 more"),
        ("a.csv", b'subject_id,n\n1,2\n"3,4",5,6\n', "row 3 has 3 fields, but the header 2"),
        ("a.csv", b'subject_id,n,x\n1,2,"a\n,""b"\n3,4\n', "row 3 has 2 fields, but the header 3"),
        ("a.csv", b"subject_id,n\n1,2\n3,4", "the last row does not end with a line break"),
        (
            "a.csv.gz",
            gzip.compress(b"subject_id,n\n1,2\n3,4", mtime=0),
            "does not end with a line break",
        ),
        ("a.csv.gz", gzip.compress(b"subject_id,n\n1,2\n3", mtime=0), "row 3 has 1 fields"),
        (
            "a.csv",
            b"subject_id,n\n1.5,1\n7,2\n1.0e+07,2\n",
            "'subject_id': 2 of 3 rows are num",
        ),
        ("a.csv", b"subject_id,n\n1234567890123456.0,1\n", "'subject_id': 1 of 1 rows are numbers"),
        ("a.csv.gz", gzip.compress(b"subject_id,n\n" + b"1,2\n" * 9000, mtime=0)[:60], "damaged"),
    ],
)
def test_each_fault_is_one_line(tmp_path: Path, name: str, content: bytes, want: str) -> None:
    message = fault(tmp_path / name, content)
    assert want in message
    assert str(tmp_path / name) in message


FIELDS = st.text(st.sampled_from('ab ,"\n\u00e9'), max_size=6)


@given(st.lists(st.lists(FIELDS, min_size=3, max_size=3), min_size=1, max_size=8), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_quotes_commas_and_line_breaks_do_not_hide_or_feign_a_cut_row(
    tmp_path: Path, rows: list[list[str]], data: st.DataObject
) -> None:
    path, cut = tmp_path / "a.csv", data.draw(st.integers(0, len(rows) - 1))

    def write() -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([["x", "y", "z"], *rows])

    write()
    assert row_faults(path.read_bytes()) == []
    rows[cut].pop(data.draw(st.integers(0, 2)))
    write()
    assert row_faults(path.read_bytes()) == [f"row {cut + 2} has 2 fields, but the header 3"]


@given(st.lists(st.text(st.sampled_from("a ,;\r"), max_size=8), min_size=1, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_without_quotes_are_counted_as_those_with_quotes(
    lines: list[str],
) -> None:
    content = "".join(f"{line}\n" for line in ["x,y", *lines]).encode()
    short, long = (_rows(content, ",", quoted=quoted).rows() for quoted in (False, True))
    assert short == long
    whole = all(fields == 2 for _, fields, _ in short)
    assert _all_as_long_as_the_header(content, ",") == whole


def test_dates_have_their_one_form(tmp_path: Path) -> None:
    rows = (
        "2180-03-10,21800310,2180-03-10 08:05:56",
        "2180-03-10 00:00:00,21800310,2180-03-10 08:05:56",
        "2180-3-10,2180031,2180-03-10 8:05:56",
        "180-03-10,218031,2180-03-10 08:05",
    )
    (tmp_path / "a.csv").write_text("a,b,c\n" + "\n".join(rows[:2]) + "\n")
    request = Request(tmp_path / "a.csv", {"a": "date", "b": "day", "c": "timestamp"})
    assert set(read_tables({"t": request})["t"].rows()) == {
        (dt.date(2180, 3, 10), dt.date(2180, 3, 10), dt.datetime(2180, 3, 10, 8, 5, 56))
    }
    (tmp_path / "a.csv").write_text("a,b,c\n" + "\n".join(rows) + "\n")
    with pytest.raises(SourceError) as caught:
        read_tables({"t": request})
    assert str(caught.value).count("2 of 4 rows are not") == 3


def test_a_table_without_a_header_line_shows_no_values(tmp_path: Path) -> None:
    message = fault(tmp_path / "a.csv", b"10000032,2180-03-10\n10000033,2180-03-11\n")
    assert "got none of those wanted (is there a header line?)" in message
    words = fault(tmp_path / "a.csv", b"URGENT,Medicaid\nELECTIVE,Medicare\n")
    assert "URGENT" not in words
    assert "Medicaid" not in words
    assert "10000032" not in message
    assert "2180" not in message


def test_a_key_must_be_unique(tmp_path: Path) -> None:
    message = fault(tmp_path / "a.csv", b"subject_id,n\n1,2\n1,3\n 1,4\n", key=("subject_id",))
    assert "column 'subject_id': 2 rows repeat an earlier one" in message


def test_faults_of_several_tables_come_together(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("subject_id\n1\n")
    requests = {
        n: Request(tmp_path / n, {"subject_id": "id", "n": "number"}) for n in ("a.csv", "b.csv")
    }
    with pytest.raises(SourceError, match=r"a\.csv: want .*b\.csv: want "):
        read_tables(requests)


def test_a_byte_order_mark_windows_lines_and_spare_fields_are_tolerated(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfsubject_id,n,\r\n 1 ,2,\r\n3,,,\r\n")
    frame = read_tables({"t": Request(tmp_path / "a.csv", {"subject_id": "id", "n": "number"})})[
        "t"
    ]
    assert frame.rows() == [("1", 2.0), ("3", None)]


def test_the_zipped_table_is_preferred(tmp_path: Path) -> None:
    assert find_table(tmp_path, "a") is None
    (tmp_path / "a.csv").touch()
    assert find_table(tmp_path, "a") == tmp_path / "a.csv"
    (tmp_path / "a.csv.gz").touch()
    assert find_table(tmp_path, "a") == tmp_path / "a.csv.gz"


def test_optional_tables_may_be_absent(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    assert require_tables([("x/", tmp_path, "a")], [("", tmp_path, "b")]) == {
        "x/a.csv": tmp_path / "a.csv"
    }


def test_a_disk_that_fails_is_no_damaged_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"subject_id,n\n1,2\n")

    def fail(*_: object, **__: object) -> None:
        raise OSError("Too many open files (os error 24): a.csv")

    monkeypatch.setattr(pl, "scan_csv", fail)
    with pytest.raises(Interrupted, match="too many open files") as caught:
        read_tables({"t": Request(path, COLUMNS)})  # type: ignore[arg-type]
    assert "damaged" not in str(caught.value)
