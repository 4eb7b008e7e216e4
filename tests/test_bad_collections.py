"""Tables of public collections that cannot be used: exit code 4, one line, no patient's value."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from public_tables import ROOT, read, write
from refusals import Refuse

from data_contracts.cohort import COHORT
from data_contracts.store import read_table
from jobs._cli import run

#: What is done to the one table of each collection, and what must be said of it.
DAMAGE: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda _: "", "the file is empty"),
    "no rows": (lambda text: text.split("\n")[0] + "\n", "the table has no rows"),
    "no header line": (lambda text: text.split("\n", 1)[1], "is there a header line?"),
    "cut in a row": (lambda text: text[: text.rstrip().rindex(",")], "fields, but the header"),
    "UTF-16": (lambda text: text.encode("utf-16").decode("latin-1"), "save it as CSV in UTF-8"),
}
#: A column of each, what stands in it, and what is no such thing.
COLUMNS = {
    "chexpert": ("Age", ",68,", ",old,", "are not ages"),
    "chexpert-plus": ("age", ",68.0,", ",old,", "are not ages"),
    "padchest": ("StudyDate_DICOM", ",20140915,", ",2014-9-15,", "are not dates of the form"),
    "vindr": ("No finding", ",1\n", ",yes\n", "are not numbers"),
}


@pytest.fixture(params=ROOT)
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def extract(source: str, root: Path) -> list[str]:
    return ["extract", f"--source={source}", f"--root={root}"]


def table_of(source: str, root: Path) -> Path:
    """The first table; the others are taken away."""
    first, *others = ROOT[source]
    for name in others:
        (root / name).unlink()
    return root / first


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_table(source: str, damage: str, refuse: Refuse, tmp_path: Path) -> None:
    table, (change, want) = table_of(source, write(source, tmp_path / "root")), DAMAGE[damage]
    table.write_text(change(table.read_text()), encoding="latin-1")
    line = refuse(extract(source, tmp_path / "root"), 4, tmp_path / "ws")
    assert f"{table}: " in line
    assert want in line
    assert not any(value in line for value in ("patient1", "patient0", "a_1", "R1"))
    assert not COHORT.path(tmp_path / "ws").exists()


def test_a_bad_column(source: str, refuse: Refuse, tmp_path: Path) -> None:
    table = table_of(source, write(source, tmp_path / "root"))
    column, old, new, fault = COLUMNS[source]
    text = table.read_text()
    table.write_text(text.replace(old, new))
    line = refuse(extract(source, tmp_path / "root"), 4, tmp_path / "ws")
    assert f"{table}: column '{column}': " in line
    assert fault in line
    table.write_text(re.sub(rf"\b{column}\b", "x", text, count=1))
    line = refuse(extract(source, tmp_path / "root"), 4, tmp_path / "ws")
    assert f"{table}: want the column '{column}'" in line


def test_a_row_or_a_column_twice(source: str, refuse: Refuse, tmp_path: Path) -> None:
    table, column = table_of(source, write(source, tmp_path / "root")), COLUMNS[source][0]
    header, *rows = table.read_text().split("\n")
    name = re.sub(rf"\b{column}\b", f"{column},{column}", header, count=1)
    table.write_text("\n".join([name, *[f"{row},," if row else "" for row in rows]]))
    line = refuse(extract(source, tmp_path / "root"), 4, tmp_path / "ws")
    assert f"{table}: column '{column}' stands there twice" in line
    if source == "vindr":  # where an image has a row for each reader
        return
    text = "\n".join([header, *rows])
    table.write_text(text + text.split("\n", 1)[1])
    line = refuse(extract(source, tmp_path / "root"), 4, tmp_path / "ws")
    assert "rows repeat an earlier one" in line


def test_line_ends_and_a_byte_order_mark_change_nothing(source: str, tmp_path: Path) -> None:
    root = write(source, tmp_path)
    table = table_of(source, root)
    want = read(source, root)
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes().replace(b"\n", b"\r\n"))
    assert read(source, root).equals(want)


def test_a_table_packed_under_its_own_name_is_read(source: str, tmp_path: Path) -> None:
    root = write(source, tmp_path)
    table = table_of(source, root)
    want = read(source, root)
    text = table.read_bytes()
    table.write_bytes(gzip.compress(text[:90]) + gzip.compress(text[90:]))
    assert read(source, root).equals(want)


def test_a_missing_collection(source: str, refuse: Refuse, tmp_path: Path) -> None:
    line = refuse(extract(source, tmp_path), 4, tmp_path / "ws")
    assert f"{tmp_path}/" in line
    assert "does not exist" in line
    assert "--root must contain" in line
    assert "needs --root DIR" in refuse(["extract", f"--source={source}"], 2, tmp_path / "ws")


def test_the_collection_as_it_is(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write(source, tmp_path / "root")
    command = [*extract(source, root), "--min-age=0", f"--workspace={tmp_path / 'ws'}"]
    assert run(command) == 0
    cohort = read_table(COHORT, COHORT.path(tmp_path / "ws"))
    assert cohort.frame["source"].unique().to_list() == [source]
    assert cohort.header.attributes["pixel_source"] in ("jpeg", "png", "dicom")
    assert ("each image counts as a patient" in capsys.readouterr().err) == (source == "vindr")
