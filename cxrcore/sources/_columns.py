"""How a column of text becomes ids, numbers, dates or paths: null where it is none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl

#: How a column is read. `id`, `number_id` (of digits alone) and `path` are never empty, unless no
#: table has the column; `day` is YYYYMMDD; `clock` is HHMMSS.fff
#: as a number without leading zeros, and becomes the Duration since midnight; `moment` is a date
#: or a time, of the form that its `Column` has; `age` is a number of years, or an age string of
#: DICOM, and becomes years.
Kind = Literal[
    "id",
    "number_id",
    "path",
    "text",
    "number",
    "age",
    "date",
    "day",
    "clock",
    "timestamp",
    "moment",
]
#: The kinds that are never empty.
NAMES: tuple[Kind, ...] = ("id", "number_id", "path")

_FAULTS: Mapping[str, str] = {
    "id": "are numbers with decimals or an exponent, or NA, NaN, None, NULL: no ids",
    "number_id": "are not whole numbers",
    "path": "are not paths inside the folder",
    "number": "are not numbers",
    "age": "are not ages (58, 058Y, 011M)",
    "date": "are not dates (YYYY-MM-DD)",
    "day": "are not dates (YYYYMMDD)",
    "clock": "are not times of day (HHMMSS.fff)",
    "timestamp": "are not times (YYYY-MM-DD HH:MM:SS)",
    "moment": "are not dates (YYYY-MM-DD, or with HH:MM:SS)",
}
#: How many there are in a year (DICOM PS3.5, value representation AS).
_PER_YEAR = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}
_ROUNDED = r"^[0-9]+(\.[0-9]*([eE][+-]?[0-9]+)?|[eE]\+[0-9]+)$"
#: What programs write for no value.
_NOTHING = r"^(?:(?i:n/?a|nan|none|null)|\\N)$"
#: How a cell that is a time, and not text, is written out.
DATE_CELL = "%Y-%m-%d %H:%M:%S"
_ISO_MOMENTS = ("%Y-%m-%d", DATE_CELL, "%Y-%m-%dT%H:%M:%S")


@dataclass(frozen=True)
class Column:
    """How a column is read."""

    kind: Kind
    names: tuple[str, ...]
    """Its name in the file; where there are several, the first that is there counts."""
    pattern: str = ""
    """A regular expression; its match, or its first group, is the value."""
    form: str = ""
    """How a `moment` is written, as in `strptime`; empty: as ISO 8601 has it. `DATE_CELL` too."""

    @property
    def fault(self) -> str:
        """What values are that cannot be parsed."""
        return f"are not dates of the form {self.form}" if self.form else _FAULTS.get(self.kind, "")


def shown_names(names: Sequence[str], wanted: Sequence[str]) -> str:
    """The names of a table's columns; without a header line they would be a patient's values.

    They are names if one is wanted, but for capitals and blanks, and none is a number or a date.
    """
    if len(names) == 1 and (other := next((c for c in ";\t|" if c in names[0]), None)):
        return f"one column; are the fields separated by {other!r} instead?"
    if not {n.strip().casefold() for n in names} & {n.casefold() for n in wanted}:
        return "none of those wanted (is there a header line?)"
    if any(re.fullmatch(r"[\d./:, +-]+", n) for n in names):
        return "numbers or dates among the names (is there a whole header line?)"
    short = [n for n in names if n and len(n) <= 60 and n.isprintable() and "\ufffd" not in n]
    return ", ".join(short)


def matched(name: str, column: Column) -> pl.Expr:
    """What the column's pattern finds in the text `name`, null where it does not match."""
    import polars as pl

    if not column.pattern:
        return pl.col(name)
    return pl.col(name).str.extract(column.pattern, min(1, re.compile(column.pattern).groups))


def parsed(name: str, column: Column) -> pl.Expr:
    """The text `name` as what the column is, null where it is not."""
    import polars as pl

    text, kind = pl.col(name), column.kind
    if kind == "moment":
        forms = (column.form, DATE_CELL) if column.form else _ISO_MOMENTS
        return pl.coalesce(_moment(text, form) for form in forms).alias(name)
    if kind in ("number", "age"):
        number = text.cast(pl.Float64, strict=False)
        number = pl.when(number.is_finite()).then(number)
        return (pl.coalesce(number, _years(text)) if kind == "age" else number).alias(name)
    if kind == "clock":
        return _clock(text.cast(pl.Float64, strict=False)).alias(name)
    if kind == "path":
        # A file's name has at most 255 bytes. Three searches are faster than one.
        outside = text.str.starts_with("/") | text.str.contains(r"(^|/)\.\.(/|$)")
        inside = ~(outside | text.str.contains("[^/]{256}"))
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
    if kind in ("id", "number_id"):
        # Programs that read ids as numbers write 12345 as 12345.0; beyond 15 digits they round.
        whole = text.str.replace(r"^([0-9]{1,15})\.0*$", "$1")
        odd = f"{_ROUNDED}|{_NOTHING}" if kind == "id" else "[^0-9]"
        return pl.when(~whole.str.contains(odd)).then(whole)
    return text


def as_they_stand(texts: pl.Series, kind: Kind) -> bool:
    """Whether all of these ids are what they are read as, which is quicker to see than to parse."""
    # Two searches for simple patterns are several times as fast as one for both.
    odd = {"id": ("[.+]", _NOTHING), "number_id": ("[^0-9]",)}.get(kind)
    return odd is not None and not any(texts.str.contains(pattern).any() for pattern in odd)


def _years(text: pl.Expr) -> pl.Expr:
    """The years of an age string of DICOM, as 058Y or 011M."""
    import polars as pl

    form = "^([0-9]{1,3})([DWMY])$"
    count = text.str.extract(form, 1).cast(pl.Float64)
    unit = text.str.extract(form, 2)
    return count / unit.replace_strict(_PER_YEAR, default=None, return_dtype=pl.Float64)


def _moment(text: pl.Expr, form: str) -> pl.Expr:
    """The time that a text of this form names: written out again it is the same text."""
    import polars as pl

    moment = text.str.to_datetime(form, strict=False, time_unit="us", ambiguous="null")
    return pl.when(moment.dt.strftime(form) == text).then(moment)


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
