"""Tables in Excel workbooks: cells as the text that CSV would have, and what is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from workbooks import write_workbook

from cxrcore.sources._columns import Column
from cxrcore.sources._tables import Request, read_tables, read_text
from data_contracts.errors import SourceError

DAY = dt.date(2020, 3, 1)
HEADER = ("id", "taken", "n", None, None)


def test_cells_become_the_text_of_csv(tmp_path: Path) -> None:
    rows = [
        (12345, DAY, 1, None, 7),
        ("00A5", "13.02.2020", 0.5, "note", 7),
        (None, " ", None, None, None),
        (123456789012345, None, 3, None, 7),
    ]
    path = write_workbook(tmp_path / "a.xlsx", [], [(), HEADER, *rows])
    moment = Column("moment", ("taken",), form="%d.%m.%Y")
    table = read_tables({"": Request(path, {"id": "id", "taken": moment})})[""]
    assert table["id"].to_list() == ["12345", "00A5", "123456789012345"]
    assert [t and t.date() for t in table["taken"]] == [DAY, dt.date(2020, 2, 13), None]
    text = read_text(path, ",")
    assert text.columns == ["id", "taken", "n", "_duplicated_0"]
    assert text["n"].to_list() == ["1", "0.5", "3"]


def fault(path: Path, column: str = "id") -> str:
    with pytest.raises(SourceError) as caught:
        read_tables({"": Request(path, {column: "id"})})
    assert "\n" not in str(caught.value)
    assert "1234" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("rows", "want"),
    [
        ([HEADER, (1234567890123456,)], "'id': 1 of 1 rows are numbers with decimals or an expon"),
        ([HEADER, (1e20,)], "'id': 1 of 1 rows are numbers with decimals or an exponent, or NA"),
        ([HEADER, (None, DAY)], "column 'id': 1 of 1 rows are empty"),
        ([HEADER], "the table has no rows"),
        ([("name",), (1,)], "want the column 'id', got none"),
        ([("id", "id"), (1, 2)], "column 'id' stands there twice"),
        ([], "no sheet has cells"),
    ],
)
def test_faults_of_the_table(rows: list[tuple[object, ...]], want: str, tmp_path: Path) -> None:
    assert fault(write_workbook(tmp_path / "a.xlsx", rows)).startswith((want, f"column {want}"))


def test_of_two_sheets_none_is_taken(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", [HEADER, (1,)], [HEADER, (1,)])
    assert fault(path).startswith("2 sheets have cells, want one")


@pytest.mark.parametrize(
    ("change", "want"),
    [
        (lambda _: b"", "cannot be read as Excel"),
        (lambda _: b"id,n\n1234,1\n", "cannot be read as Excel"),
        (lambda raw: raw[: len(raw) // 2], "cannot be read as Excel"),
        (lambda raw: raw.replace(b"worksheets/sheet1", b"worksheets/sheet7"), "cannot be read as"),
        (lambda _: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "has a password, or is of Exc"),
    ],
    ids=["empty", "CSV", "cut", "without its sheet", "password"],
)
def test_faults_of_the_file(change: Callable[[bytes], bytes], want: str, tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", [HEADER, (1234,)])
    path.write_bytes(change(path.read_bytes()))
    assert fault(path).startswith(want)
