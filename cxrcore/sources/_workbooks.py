"""The table of an Excel workbook (.xlsx)."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

#: Begins a file of Excel before 2007, and a newer one with a password.
_OLE = b"\xd0\xcf\x11\xe0"


class WorkbookError(Exception):
    """What is wrong with a workbook, for whoever reads its table."""


def read_workbook(path: Path) -> pl.DataFrame:
    """The only sheet with cells, each column typed by them; rows without a value are left out.

    The first row names the columns; a name that stands there before is numbered as polars does in
    CSV. Whole numbers of up to 15 digits, all that Excel keeps, are given as such. Raises
    `WorkbookError`, and `OSError` where the file cannot be read.
    """
    import polars as pl

    frame = _only_sheet(path.read_bytes())
    whole = pl.selectors.float()
    return frame.filter(~pl.all_horizontal(pl.all().is_null())).with_columns(
        pl.when((whole == whole.floor()) & (whole.abs() < 1e15))
        .then(whole.cast(pl.Int64, strict=False).cast(pl.String))
        .otherwise(whole.cast(pl.String))
    )


def _only_sheet(content: bytes) -> pl.DataFrame:
    import fastexcel

    if content.startswith(_OLE):
        raise WorkbookError(
            "has a password, or is of Excel before 2007: save it as .xlsx without one"
        )
    # It warns of every column without a value.
    logging.getLogger("fastexcel").setLevel(logging.ERROR)
    try:
        workbook = fastexcel.read_excel(content)
        headers = {
            name: workbook.load_sheet(name, header_row=None, n_rows=1, dtypes="string").to_polars()
            for name in workbook.sheet_names
        }
        filled = [name for name, header in headers.items() if header.width]
        if len(filled) > 1:
            raise WorkbookError(
                f"{len(filled)} sheets have cells, want one (hidden ones count): save the table "
                "as a workbook of its own, or as CSV"
            )
        if not filled:
            raise WorkbookError("no sheet has cells")
        cells = workbook.load_sheet(filled[0], schema_sample_rows=None, whitespace_as_null=True)
        frame = cells.to_polars()
    except fastexcel.FastExcelError as error:
        raise WorkbookError(
            "cannot be read as Excel (damaged, or another kind of file?)"
        ) from error
    frame.columns = _numbered(headers[filled[0]].row(0))
    return frame


def _numbered(names: tuple[str | None, ...]) -> list[str]:
    """The names of columns, unique."""
    seen, unique = Counter[str](), list[str]()
    for name in names:
        text = name or ""
        unique.append(f"{text}_duplicated_{seen[text] - 1}" if seen[text] else text)
        seen[text] += 1
    return unique
