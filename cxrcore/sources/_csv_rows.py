"""Whether every row of a CSV file is whole: parsers fill up a short row and cut a long one."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_BLOCK = 1 << 20


def row_faults(path: Path, separator: str = ",") -> list[str]:
    """A fault that names the first row with another number of fields than the header, or none.

    Empty fields beyond those of the header are no fault, nor are those of the header that have no
    name. A file whose last row does not end with a line break may be cut within its last field.
    Rows count from 1, the header. Raises `OSError`, or what polars raises, where the file cannot
    be read to its end.
    """
    import polars as pl

    last, quoted = _bytes(path)
    rows = _rows(path, separator, quoted=quoted)
    want = rows["named"][0]
    odd = rows.filter((pl.col("fields") < want) | (pl.col("named") > want))
    if not odd.is_empty():
        number, fields, _ = odd.row(0)
        more = f", and {odd.height - 1:,} more rows differ" if odd.height > 1 else ""
        return [f"row {number:,} has {fields:,} fields, but the header {want:,}{more}"]
    if last not in (b"\n", b"\r"):
        return ["the last row does not end with a line break (cut?)"]
    return []


def _rows(path: Path, separator: str, *, quoted: bool) -> pl.DataFrame:
    """Of every row, also the header: its `row` number, `fields`, and those up to the last text.

    `quoted` says whether there are quotes, which take several times as long.
    """
    import polars as pl

    # A separator that no text has, so that a line is one column.
    scan = pl.scan_csv(
        path, has_header=False, separator="\x1f", quote_char=None, schema={"line": pl.String},
        truncate_ragged_lines=True, encoding="utf8-lossy", glob=False,
    ).fill_null("")  # fmt: skip
    if not quoted:
        line, end = pl.col("line"), pl.col("line").str.strip_chars_end(separator + "\r ")
        counts = {"fields": line, "named": end}
        return scan.select(
            row=pl.int_range(1, pl.len() + 1),
            **{
                name: text.str.count_matches(separator, literal=True).cast(pl.Int64) + 1
                for name, text in counts.items()
            },
        ).collect()
    return _quoted_rows(scan, separator)


def _quoted_rows(scan: pl.LazyFrame, separator: str) -> pl.DataFrame:
    """`_rows` of lines in which a row may go on, and separators may stand in a field."""
    import polars as pl

    line, quotes = pl.col("line"), pl.col("line").str.count_matches('"', literal=True)
    # A quoted field may go on in the next line.
    inside = (quotes.cum_sum().shift(1, fill_value=0) % 2) == 1
    text = pl.when(inside).then(pl.lit('"') + line).otherwise(line)
    fields = _separators(text, separator)
    named = _separators(text.str.strip_chars_end(separator + '"\r '), separator)
    lines = scan.select(row=(~inside).cum_sum(), fields=fields, beyond=fields - named)
    rows = lines.group_by("row", maintain_order=True).agg(
        fields=pl.col("fields").sum() + 1,
        named=pl.col("fields").sum() + 1 - pl.col("beyond").last(),
    )
    return rows.collect()


def _separators(text: pl.Expr, separator: str) -> pl.Expr:
    """How many separators of a line are not within quotes."""
    import polars as pl

    unquoted = text.str.replace_all(r'"[^"]*("|$)', "")
    return unquoted.str.count_matches(separator, literal=True).cast(pl.Int64)


def _bytes(path: Path) -> tuple[bytes, bool]:
    """The last byte, and whether any is a quote."""
    last, quoted = b"", False
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        while block := file.read(_BLOCK):
            last, quoted = block[-1:], quoted or b'"' in block
    return last, quoted
