"""What can be told of a table's columns without telling of a patient."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.sources._columns import Column, parsed
from cxrcore.sources._file_formats import separator_of
from cxrcore.sources._tables import read_text
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

IMAGE = r"(?i)\.(dcm|dicom|jpe?g|png|tiff?|webp)$"
_AGE = "^[0-9]{3}[DWMY]$"
#: How dates are written, the first that fits all counts; empty: as ISO 8601 has it.
_FORMS = ("", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%Y%m%d", "%m/%d/%Y", "%d/%m/%Y")

_MOST_VALUES = 40
_LONGEST_VALUE = 60
#: Columns of names and prose, by a word of their own name.
_PRIVATE = re.compile(
    r"\b(name|physician|doctor|radiologist|operator|comment|report|note|text|address|zip|birth)s?\b"
)


@dataclass(frozen=True)
class Profile:
    """A column: what its values look like, and those that may be shown."""

    name: str
    words: str
    """Its name as words in lower case."""
    kind: str
    """`image` (a file), `age` (045Y, as DICOM has it), `number`, `date`, `text`, or `empty`."""
    forms: tuple[str, ...] = ()
    """The forms that all of its dates have."""
    values: tuple[str, ...] = ()
    """Values of enough patients, the most frequent first; none where there are many, or dates."""
    hidden: int = 0
    """How many values more there are, if any is shown."""


def read_profiles(path: Path) -> tuple[pl.DataFrame, list[Profile]]:
    """The table as text, and its columns without values; see `with_values`.

    Raises `SourceError` where it cannot be read, or has no line of names.
    """
    table = read_text(path, separator_of(path))
    # Without a header line the first row's cells are the names, which nothing may show.
    if any(re.search(IMAGE, n) or re.fullmatch(r"[\d./: -]+", n) for n in table.columns):
        raise SourceError(f"{path}: some names of columns are numbers, dates or files; is there a "
                          "header line? Add one")  # fmt: skip
    return table, [_profile(table[name].drop_nulls().unique()) for name in table.columns]


def _profile(values: pl.Series) -> Profile:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|[0-9]+", values.name)
    named = values.name, " ".join(words).lower()
    frame = values.to_frame("v")

    def fits(column: Column) -> bool:
        return not frame.select(parsed("v", column).is_null().any()).item()

    if values.is_empty():
        return Profile(*named, "empty")
    for kind, pattern in (("image", IMAGE), ("age", _AGE)):
        if values.str.contains(pattern).all():
            return Profile(*named, kind)
    forms = tuple(f for f in _FORMS if fits(Column("moment", (), form=f)))
    years = values.str.contains(r"^(19|20|21)[0-9]{2}$").all()
    if forms or years:
        return Profile(*named, "date", forms)
    return Profile(*named, "number" if fits(Column("number", ())) else "text")


def with_values(table: pl.DataFrame, profile: Profile, patients: pl.Series, least: int) -> Profile:
    """The profile with the values that at least `least` of the `patients` (one a row) have."""
    import polars as pl

    if profile.kind not in ("text", "number") or _PRIVATE.search(profile.words):
        return profile
    counts = (
        pl.DataFrame({"value": table[profile.name], "patient": patients})
        .drop_nulls("value").group_by("value").agg(pl.col("patient").n_unique())
        .sort(["patient", "value"], descending=[True, False])
    )  # fmt: skip
    long = counts["value"].str.len_chars().max()
    if counts.height > _MOST_VALUES or (isinstance(long, int) and long > _LONGEST_VALUE):
        return profile
    shown = counts.filter(pl.col("patient") >= least)["value"].to_list()
    return Profile(profile.name, profile.words, profile.kind, (), tuple(shown),
                   counts.height - len(shown))  # fmt: skip


def first(
    profiles: Sequence[Profile], patterns: Sequence[str], kinds: Collection[str]
) -> Profile | None:
    """The first column of one of the `kinds` whose name matches one of the patterns, in order."""
    found = (
        profile for pattern in patterns for profile in profiles
        if profile.kind in kinds and re.search(pattern, profile.words)
    )  # fmt: skip
    return next(found, None)
