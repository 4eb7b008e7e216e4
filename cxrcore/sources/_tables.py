"""Reads the tables of a source: the required columns, typed, with all faults at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.sources._columns import (
    NAMES,
    Column,
    Kind,
    as_they_stand,
    matched,
    parsed,
    shown_names,
)
from cxrcore.sources._csv_rows import row_faults, text_faults
from cxrcore.sources._file_formats import csv_bytes, csv_head, form_of, scan_text
from cxrcore.sources._workbooks import WorkbookError
from data_contracts.errors import SourceError
from data_contracts.os_errors import environment_error

if TYPE_CHECKING:
    import polars as pl

_SUFFIXES = (".csv.gz", ".csv")
_REMEDY = "repair the table or download it again"


@dataclass(frozen=True)
class Request:
    """The columns to read from one table.

    A column given by its kind may list alternatives, as in `race|ethnicity`; the result has the
    first. `optional` names columns whose absence gives nulls, `key` the columns that must be
    unique where they are there, `filled` those that are never empty, beside ids and paths.
    """

    path: Path
    columns: Mapping[str, Kind | Column]
    key: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    separator: str = ","

    @property
    def wanted(self) -> dict[str, Column]:
        """The columns by their name in the result."""
        return {
            name.split("|")[0]: want
            if isinstance(want, Column)
            else Column(want, tuple(name.split("|")))
            for name, want in self.columns.items()
        }

    def row_name(self, index: int) -> str:
        """What the file's reader calls a row, by its index: rows count from 1, as does a header."""
        form = form_of(self.path)
        name = f"row {index + (1 if form == 'Parquet' else 2):,}"
        return f"{name}, empty ones not counted" if form == "Excel" else name


def find_table(folder: Path, stem: str) -> Path | None:
    """The file `stem`.csv.gz or, failing that, `stem`.csv in `folder`."""
    paths = (folder / f"{stem}{suffix}" for suffix in _SUFFIXES)
    # A broken link or a folder of that name is no missing table: reading it says what it is.
    return next((path for path in paths if os.path.lexists(path)), None)


def require_tables(
    wanted: Sequence[tuple[str, Path, str]], optional: Sequence[tuple[str, Path, str]] = ()
) -> dict[str, Path]:
    """Locate tables given as (prefix of the name, folder, stem); the names end as the files do.

    Raises `SourceError` that names every wanted table or folder that is not there.
    """
    found, missing = {}, []
    for prefix, folder, stem in [*wanted, *optional]:
        if path := find_table(folder, stem):
            found[prefix + path.name] = path
        elif (prefix, folder, stem) in wanted:
            missing.append(f"{folder / stem}.csv.gz (or .csv) does not exist")
    if missing:
        raise SourceError(f"{'; '.join(missing)}; check the folder, or download the missing tables")
    return found


def read_tables(requests: Mapping[str, Request], remedy: str = _REMEDY) -> dict[str, pl.DataFrame]:
    """Read every requested table whole; `remedy` says what to do about a fault.

    Raises one `SourceError` for all tables: unreadable files, missing columns, no rows, values
    that cannot be parsed and repeated keys, each with file, column, row count and the first row
    (from 1, the header; in Parquet, which has none, the first row).
    """
    frames, faults = {}, []
    for name, request in requests.items():
        frame, found = _read(request)
        frames[name] = frame
        faults += [f"{request.path}: {fault}" for fault in found]
    if faults:
        raise SourceError(f"{'; '.join(faults)}; {remedy}")
    return frames


def column_names(path: Path, separator: str) -> list[str]:
    """The names of a table's columns; raises `SourceError` where there are none to read."""
    scan, _, faults = _scan(Request(path, {}, separator=separator), whole=False)
    if scan is None:
        raise SourceError(f"{path}: {'; '.join(faults)}; {_REMEDY}")
    return [name for name in scan.collect_schema().names() if name]


def read_text(path: Path, separator: str) -> pl.DataFrame:
    """Every column of a table as text, trimmed, null where empty; raises `SourceError`."""
    columns: dict[str, Kind | Column] = {
        name: Column("text", (name,)) for name in column_names(path, separator)
    }
    return read_tables({"": Request(path, columns, separator=separator)})[""]


def _read(request: Request) -> tuple[pl.DataFrame, list[str]]:
    import polars as pl

    nothing = pl.DataFrame()
    scan, content, faults = _scan(request)
    if scan is None:
        return nothing, faults
    picked, faults = _pick(request, scan.collect_schema().names())
    if faults:
        return nothing, faults
    try:
        raw = scan.select(pl.col(had).alias(name) for name, had in picked.items()).collect()
        faults = row_faults(content, request.separator) if content else []
    except (pl.exceptions.PolarsError, OSError) as error:
        _raise_fault_of_surroundings(error, request.path)
        form = form_of(request.path)
        return nothing, [f"cannot be read as {form} to its end (damaged, or not in UTF-8?)"]
    if raw.is_empty():
        return nothing, ["the table has no rows"]
    if faults:
        return nothing, faults
    return _typed(request, raw)


def _scan(request: Request, *, whole: bool = True) -> tuple[pl.LazyFrame | None, bytes, list[str]]:
    """The table with its columns known and, of CSV, its bytes; or why it cannot be read.

    Without `whole`, for its columns alone, a CSV file is not unpacked to its end.
    """
    import polars as pl

    path, form, content = request.path, form_of(request.path), b""
    try:
        if form == "CSV":
            content = csv_bytes(path) if whole else csv_head(path)
            if faults := text_faults(content):
                return None, content, faults
        scan = scan_text(path, request.separator, content)
        scan.collect_schema()
    except pl.exceptions.NoDataError:
        return None, content, ["the file is empty"]
    except WorkbookError as error:
        return None, content, [str(error)]
    except (pl.exceptions.PolarsError, OSError) as error:
        _raise_fault_of_surroundings(error, path)
        return None, content, [f"cannot be read as {form} (damaged?)"]
    return scan, content, []


def _raise_fault_of_surroundings(error: Exception, path: Path) -> None:
    """Raise if the disk failed, and not the table."""
    if fault := environment_error(error, path, SourceError):
        raise fault from error


def _pick(request: Request, names: list[str]) -> tuple[dict[str, str], list[str]]:
    """For each column its name in the file; or a fault that names the missing ones."""
    picked, missing = {}, []
    for name, column in request.wanted.items():
        had = next((n for n in column.names if n in names), None)
        if had is not None:
            picked[name] = had
        elif name not in request.optional:
            missing.append(" or ".join(f"'{a}'" for a in column.names))
    # polars numbers the further columns of a name.
    twice = [n for n in dict.fromkeys(picked.values()) if f"{n}_duplicated_0" in names]
    if not missing:
        return picked, [f"column '{n}' stands there twice" for n in twice]
    missing = list(dict.fromkeys(missing))
    got = shown_names(names, [name for column in request.wanted.values() for name in column.names])
    return {}, [f"want the column{'s' * (len(missing) > 1)} {', '.join(missing)}, got {got}"]


def _typed(request: Request, raw: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    import polars as pl

    wanted, faults = request.wanted, list[str]()
    raw = raw.with_columns(pl.all().str.strip_chars().replace("", None))
    absent = {n: pl.lit(None, pl.String) for n in wanted if n not in raw.columns}
    raw = raw.with_columns(**absent).select(list(wanted))
    values = raw.with_columns(matched(name, column) for name, column in wanted.items())
    frame = values.with_columns(
        parsed(name, column) for name, column in wanted.items()
        if not as_they_stand(values[name], column.kind)
    )  # fmt: skip
    for name, column in wanted.items():
        if name not in absent:
            never_empty = column.kind in NAMES or name in request.filled
            found = _value_faults(column, raw[name], values[name], frame[name], never_empty)
            faults += [f"{what}, first in {request.row_name(row)}" for what, row in found]
    if request.key and absent.keys().isdisjoint(request.key):
        keys = frame.select(request.key)
        # Rows whose hashes differ all differ, which is quick to see.
        if keys.hash_rows().n_unique() < keys.height and (repeats := keys.height - keys.n_unique()):
            names = ", ".join(wanted[key].names[0] for key in request.key)
            row = _first_true(~keys.select(pl.struct(pl.all()).is_first_distinct()).to_series())
            faults.append(f"column '{names}': {repeats:,} rows repeat an earlier one, first in "
                          f"{request.row_name(row)}")  # fmt: skip
    return frame, list(dict.fromkeys(faults))


def _value_faults(
    column: Column, raw: pl.Series, values: pl.Series, typed: pl.Series, never_empty: bool
) -> Iterator[tuple[str, int]]:
    """What is wrong with the cells `raw`, of which `column` makes `values` and then `typed`.

    Each fault with the index of its first row.
    """
    full = raw.is_not_null()
    lost = {f"do not match the pattern {column.pattern}": full & values.is_null(),
            column.fault: values.is_not_null() & typed.is_null()}  # fmt: skip
    if never_empty:
        lost = {"are empty": ~full} | lost
    for what, rows in lost.items():
        if rows.any():
            count = f"{rows.sum():,} of {len(raw):,} rows"
            yield f"column '{column.names[0]}': {count} {what}", _first_true(rows)


def _first_true(rows: pl.Series) -> int:
    """The index of the first row that is true."""
    return int(rows.arg_true()[0])
