"""Whether a CSV file is text and its rows whole: parsers fill up a short one and cut a long one."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def text_faults(content: bytes) -> list[str]:
    """A fault if the bytes are no lines of UTF-8, which parsers take for odd cells, or none."""
    head = content[:64]
    # In UTF-16 and UTF-32 every other byte of an English header is zero.
    zero = [not any(head[first::2]) for first in (0, 1)]
    wide = len(head) > 3 and zero[0] != zero[1]
    if wide or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["the text is in UTF-16 or UTF-32: save it as CSV in UTF-8"]
    if (at := content.find(b"\0")) >= 0:
        line = content.count(b"\n", 0, at) + 1
        return [f"line {line:,} has NUL bytes (damaged?)"]
    if b"\r" in content and b"\n" not in content:
        return ["lines end with a carriage return alone: save it with line feeds, as CSV in UTF-8"]
    return []


def row_faults(content: bytes, separator: str = ",") -> list[str]:
    """A fault that names the first row with another number of fields than the header, or none.

    Empty fields beyond those of the header are no fault, nor are those of the header that have no
    name. A file whose last row does not end with a line break may be cut within its last field.
    Rows count from 1, the header.
    """
    import polars as pl

    quoted = b'"' in content
    if not quoted and _all_as_long_as_the_header(content, separator):
        return _end_faults(content)
    rows = _rows(content, separator, quoted=quoted)
    want = rows["named"][0]
    odd = rows.filter((pl.col("fields") < want) | (pl.col("named") > want))
    if not odd.is_empty():
        number, fields, _ = odd.row(0)
        more = f", and {odd.height - 1:,} more rows differ" if odd.height > 1 else ""
        return [f"row {number:,} has {fields:,} fields, but the header {want:,}{more}"]
    return _end_faults(content)


def _end_faults(content: bytes) -> list[str]:
    if content.endswith((b"\n", b"\r")):
        return []
    return ["the last row does not end with a line break (cut?)"]


def _all_as_long_as_the_header(content: bytes, separator: str) -> bool:
    """Whether every line has as many fields as the first, which names all of its own.

    A quick way to see that a file without quotes is whole.
    """
    import polars as pl

    fields = _lines(content).select(_fields(pl.col("line"), separator)).collect().to_series()
    header = content[: content.find(b"\n")].rstrip(b"\r ")
    return bool((fields == fields[0]).all()) and not header.endswith(separator.encode())


def _rows(content: bytes, separator: str, *, quoted: bool) -> pl.DataFrame:
    """Of every row, also the header: its `row` number, `fields`, and those up to the last text.

    `quoted` says whether there are quotes, which take several times as long.
    """
    import polars as pl

    if quoted:
        return _quoted_rows(_lines(content), separator)
    line, end = pl.col("line"), pl.col("line").str.strip_chars_end(separator + "\r ")
    return (
        _lines(content)
        .select(
            row=pl.int_range(1, pl.len() + 1),
            fields=_fields(line, separator),
            named=_fields(end, separator),
        )
        .collect()
    )


def _lines(content: bytes) -> pl.LazyFrame:
    """Every line, as the column `line`."""
    import polars as pl

    # A separator that no text has, so that a line is one column.
    return pl.scan_csv(
        content, has_header=False, separator="\x1f", quote_char=None, schema={"line": pl.String},
        truncate_ragged_lines=True, encoding="utf8-lossy",
    ).fill_null("")  # fmt: skip


def _fields(line: pl.Expr, separator: str) -> pl.Expr:
    """How many fields a line without quotes has."""
    import polars as pl

    return line.str.count_matches(separator, literal=True).cast(pl.Int64) + 1


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
