"""Tables as columns of text, whatever the file: CSV, TSV (also with gzip), Excel or Parquet."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.sources._columns import DATE_CELL
from cxrcore.sources._workbooks import read_workbook

if TYPE_CHECKING:
    import polars as pl

#: Endings of the files that are read.
SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".xlsx", ".parquet")

_GZIP = b"\x1f\x8b"
_LONGEST_HEADER = 1 << 20


def form_of(path: Path) -> str:
    """The file's format by its name: Parquet, Excel or, with any other name, CSV."""
    forms = {".parquet": "Parquet", ".xlsx": "Excel"}
    return forms.get(path.suffix.lower(), "CSV")


def csv_bytes(path: Path) -> bytes:
    """The content of a CSV file, unpacked if it is packed by gzip, whatever its name.

    Raises `OSError` where it cannot be read, or unpacked to its end.
    """
    content = path.read_bytes()
    if not content.startswith(_GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error) as error:
        raise gzip.BadGzipFile(str(error)) from error


def csv_head(path: Path) -> bytes:
    """The first megabyte of `csv_bytes`, enough for the names of the columns; raises `OSError`."""
    with path.open("rb") as file:
        packed = file.read(len(_GZIP)) == _GZIP
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            return file.read(_LONGEST_HEADER)
    except (EOFError, zlib.error) as error:
        raise gzip.BadGzipFile(str(error)) from error


def scan_text(path: Path, separator: str, content: bytes = b"") -> pl.LazyFrame:
    """Every column of the table as text; in Parquet those of lists and bytes are left out.

    A time of Parquet or Excel becomes `DATE_CELL`. `content` is that of a CSV file, where it was
    read already. Raises what polars raises, `WorkbookError` or `OSError`, where the file cannot
    be read.
    """
    import polars as pl

    if (form := form_of(path)) == "CSV":
        return pl.scan_csv(
            content or path, separator=separator, infer_schema=False, truncate_ragged_lines=True,
            glob=False,
        )  # fmt: skip
    scan = read_workbook(path).lazy() if form == "Excel" else pl.scan_parquet(path, glob=False)
    texts = (_text(name, dtype) for name, dtype in scan.collect_schema().items())
    return scan.select(text for text in texts if text is not None)


def _text(name: str, dtype: pl.DataType) -> pl.Expr | None:
    import polars as pl

    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        return None
    if dtype == pl.Datetime:
        return pl.col(name).dt.strftime(DATE_CELL)
    if dtype == pl.Duration:
        return pl.col(name).dt.to_string()
    return pl.col(name).cast(pl.String)


def separator_of(path: Path) -> str:
    """What separates the fields: a tab in `.tsv`, else the most frequent of , ; and tab.

    Counted in the first line. A file that cannot be read has commas: reading it names the fault.
    """
    if path.name.lower().removesuffix(".gz").endswith(".tsv"):
        return "\t"
    try:
        header = csv_head(path).split(b"\n", 1)[0]
    except OSError:
        return ","
    return max(",;\t", key=lambda separator: header.count(separator.encode()))


def table_faults(files: Mapping[str, Path]) -> list[str]:
    """A fault for each file, by its flag, that is not there or of a format that is not read."""
    missing = [f"--{flag} {path} does not exist" for flag, path in files.items()
               if not path.is_file()]  # fmt: skip
    return missing + [
        f"--{flag} {path} is none of {', '.join(SUFFIXES)}: save it as .xlsx, or as CSV in UTF-8"
        for flag, path in files.items()
        if not path.name.lower().endswith(SUFFIXES)
    ]
