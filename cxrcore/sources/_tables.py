"""Reads the CSV tables of a source: the required columns, typed, with all faults at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cxrcore.sources._csv_rows import row_faults
from data_contracts.errors import SourceError
from data_contracts.os_errors import environment_error

if TYPE_CHECKING:
    import polars as pl

#: How a column is read. `id` and `path` are never empty; `day` is YYYYMMDD; `clock` is HHMMSS.fff
#: as a number without leading zeros, and becomes the Duration since midnight.
Kind = Literal["id", "path", "text", "number", "date", "day", "clock", "timestamp"]

_SUFFIXES = (".csv.gz", ".csv")
_FAULTS: Mapping[str, str] = {
    "id": "are numbers with decimals or an exponent, not ids",
    "path": "are not paths inside the folder",
    "number": "are not numbers",
    "date": "are not dates (YYYY-MM-DD)",
    "day": "are not dates (YYYYMMDD)",
    "clock": "are not times of day (HHMMSS.fff)",
    "timestamp": "are not times (YYYY-MM-DD HH:MM:SS)",
}


@dataclass(frozen=True)
class Request:
    """The columns to read from one table.

    A column's name may list alternatives, as in `race|ethnicity`; the result has the first.
    `optional` names columns whose absence gives nulls, `key` the columns that must be unique.
    """

    path: Path
    columns: Mapping[str, Kind]
    key: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


def find_table(folder: Path, stem: str) -> Path | None:
    """The file `stem`.csv.gz or, failing that, `stem`.csv in `folder`."""
    paths = (folder / f"{stem}{suffix}" for suffix in _SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


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


def read_tables(requests: Mapping[str, Request]) -> dict[str, pl.DataFrame]:
    """Read every requested table whole.

    Raises one `SourceError` for all tables: unreadable files, missing columns, no rows, values
    that cannot be parsed and repeated keys, each with file, column and row count.
    """
    frames, faults = {}, []
    for name, request in requests.items():
        frame, found = _read(request)
        frames[name] = frame
        faults += [f"{request.path}: {fault}" for fault in found]
    if faults:
        raise SourceError(f"{'; '.join(faults)}; repair the table or download it again")
    return frames


def _read(request: Request) -> tuple[pl.DataFrame, list[str]]:
    import polars as pl

    nothing = pl.DataFrame()
    try:
        scan = pl.scan_csv(request.path, infer_schema=False, truncate_ragged_lines=True, glob=False)
        names = scan.collect_schema().names()
    except pl.exceptions.NoDataError:
        return nothing, ["the file is empty"]
    except (pl.exceptions.PolarsError, OSError) as error:
        _raise_fault_of_surroundings(error, request.path)
        return nothing, ["cannot be read as CSV (damaged?)"]
    picked, faults = _pick(request, names)
    if faults:
        return nothing, faults
    try:
        raw = scan.select(pl.col(had).alias(name) for name, had in picked.items()).collect()
        faults = row_faults(request.path)
    except (pl.exceptions.PolarsError, OSError) as error:
        _raise_fault_of_surroundings(error, request.path)
        return nothing, ["cannot be read as CSV to its end (damaged, or not in UTF-8?)"]
    if raw.is_empty():
        return nothing, ["the table has no rows"]
    if faults:
        return nothing, faults
    return _typed(request, raw)


def _raise_fault_of_surroundings(error: Exception, path: Path) -> None:
    """Raise if the disk failed, and not the table."""
    if fault := environment_error(error, path, SourceError):
        raise fault from error


def _pick(request: Request, names: list[str]) -> tuple[dict[str, str], list[str]]:
    """For each column its name in the file; or a fault that names the missing ones."""
    picked, missing = {}, []
    for wanted in request.columns:
        alternatives = wanted.split("|")
        had = next((a for a in alternatives if a in names), None)
        if had is not None:
            picked[alternatives[0]] = had
        elif alternatives[0] not in request.optional:
            missing.append(" or ".join(f"'{a}'" for a in alternatives))
    if not missing:
        return picked, []
    # A file without a header line has patient values where the names should stand.
    shown = [n for n in names if n and len(n) <= 60 and n.isprintable() and "\ufffd" not in n]
    got = ", ".join(shown) if picked else "none of those wanted (is there a header line?)"
    return {}, [f"want the column{'s' * (len(missing) > 1)} {', '.join(missing)}, got {got}"]


def _typed(request: Request, raw: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    import polars as pl

    kinds = {name.split("|")[0]: kind for name, kind in request.columns.items()}
    raw = raw.with_columns(pl.all().str.strip_chars().replace("", None))
    absent = {n: pl.lit(None, pl.String) for n in kinds if n not in raw.columns}
    raw = raw.with_columns(**absent).select(list(kinds))
    frame = raw.with_columns(_parsed(name, kind) for name, kind in kinds.items())
    faults = []
    for name, kind in kinds.items():
        empty, lost = raw[name].null_count(), frame[name].null_count() - raw[name].null_count()
        if kind in ("id", "path") and empty:
            faults.append(f"column '{name}': {empty:,} of {raw.height:,} rows are empty")
        if lost:
            faults.append(f"column '{name}': {lost:,} of {raw.height:,} rows {_FAULTS[kind]}")
    if request.key:
        repeats = frame.height - frame.select(request.key).n_unique()
        if repeats:
            faults.append(
                f"column '{', '.join(request.key)}': {repeats:,} rows repeat an earlier one"
            )
    return frame, faults


def _parsed(name: str, kind: Kind) -> pl.Expr:
    import polars as pl

    text = pl.col(name)
    if kind == "number":
        number = text.cast(pl.Float64, strict=False)
        return pl.when(number.is_finite()).then(number).alias(name)
    if kind == "clock":
        return _clock(text.cast(pl.Float64, strict=False)).alias(name)
    if kind == "path":
        inside = ~text.str.contains(r"^/|(^|/)\.\.(/|$)")
        return pl.when(inside).then(text).alias(name)
    if kind == "date":
        # MIMIC-IV 1.0 writes dates with the time of midnight.
        return _of_form(text.str.strip_suffix(" 00:00:00"), "dddd-dd-dd").str.to_date(
            "%Y-%m-%d", strict=False
        )
    if kind == "day":
        return _of_form(text, "dddddddd").str.to_date("%Y%m%d", strict=False)
    if kind == "timestamp":
        text = _of_form(text, "dddd-dd-dd dd:dd:dd")
        return text.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    if kind == "id":
        # Programs that read ids as numbers write 12345 as 12345.0; beyond 15 digits they round.
        whole = text.str.replace(r"^([0-9]{1,15})\.0*$", "$1")
        return pl.when(~whole.str.contains(r"^[0-9]+\.[0-9]*([eE][+-]?[0-9]+)?$")).then(whole)
    return text


def _of_form(text: pl.Expr, form: str) -> pl.Expr:
    """The text where it has this form, each d a digit: parsers accept fewer digits."""
    import polars as pl

    return pl.when(text.str.contains(f"^{form.replace('d', '[0-9]')}$")).then(text)


def _clock(hhmmss: pl.Expr) -> pl.Expr:
    """The time since midnight of 80556.875 (08:05:56.875), in whole microseconds."""
    import polars as pl

    hours, minutes, seconds = hhmmss // 10_000, hhmmss // 100 % 100, hhmmss % 100
    # DICOM allows a 60th second.
    valid = hours.is_between(0, 23) & (minutes < 60) & (seconds < 61)
    since = ((hours * 3600 + minutes * 60 + seconds) * 1e6).round()
    return pl.when(valid).then(since).cast(pl.Int64).cast(pl.Duration("us"))
