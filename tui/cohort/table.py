"""The three parts of the page Cohort as lines. Every count here may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui.shared.table import Column, Row
from tui.shared.toned import Tone

_EIGHTHS = " ▏▎▍▌▋▊▉"
#: From these widths on there is room for all columns and long bars, or for bars beside rules.
_WIDE, _MIDDLE = 110, 96
Records = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class TableContent:
    """Columns and rows for one width of the page."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    gap: int = 2
    """Cells between two columns."""


def flow_content(flow: Records, width: int) -> TableContent:
    """`flow_table` in order: what each rule left, as a number and as a bar that narrows.

    Rules of a task count the images without a label; the bar shows how many they are.
    """
    wide, has_bars = width >= _WIDE, width >= _MIDDLE
    length = 36 if wide else 10
    whole = next((n for record in flow if (n := number_in(record["images"]))), None)
    columns = [Column("scope", 10), Column("rule"), *([Column("", length)] if has_bars else [])]
    columns += _right("images", 7)
    columns += _right("studies", 7) if wide else []
    columns += [*_right("patients", 8), *_right("excluded", 8)]
    rows = []
    for i, record in enumerate(flow):
        counts = [record["images"], *([record["studies"]] if wide else [])]
        counts += [record["subjects"], record["excluded"]]
        left = number_in(record["images"])
        bars = [bar(left, whole, length)] if has_bars else []
        cells = (record["scope"], record["rule"], *bars, *counts)
        # Sorting by the first column brings the order of the rules back.
        values = (i, record["rule"], *(left for _ in bars), *map(number_in, counts))
        tones: list[Tone] = ["" if record["scope"] == "cohort" else "dim", ""]
        tones += ["live" for _ in bars]
        rows.append(Row(str(i), cells, values, (*tones, *map(_tone, counts))))
    return TableContent(tuple(columns), tuple(rows), 2 if has_bars else 1)


def flow_sentence(record: Mapping[str, Any]) -> str:
    """One rule in full, with what a narrow page has no column for."""
    scope = "" if record["scope"] == "cohort" else f"{record['scope']}: "
    return f"{scope}{record['rule']} ({record['studies']} studies)"


def table_content(table: Mapping[str, Any], width: int) -> TableContent:
    """`table_one`: a column for each split, as wide as its texts."""
    # The unit of the shares stands above the table, once.
    cells = [[c.replace(" %)", ")") for c in record["cells"]] for record in table["rows"]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    splits = [
        Column(split, max(n, len(split) + 2), right=True)
        for split, n in zip(table["splits"], widths, strict=True)
    ]
    names = max((len(f["variable"]) for f in table["rows"]), default=8)
    levels = max((len(f["level"]) for f in table["rows"]), default=8)
    # Names give way to numbers.
    spare = width - sum(c.width + 2 for c in splits) - 2
    levels = max(7, min(levels, spare - names))
    names = max(6, min(names, spare - levels))
    columns = [Column("variable", names), Column("level", levels), *splits]
    rows = []
    for i, (record, texts) in enumerate(zip(table["rows"], cells, strict=True)):
        first = i == 0 or table["rows"][i - 1]["variable"] != record["variable"]
        tones: tuple[Tone, ...] = ("live" if first else "dim", "")
        line = (record["variable"], record["level"], *texts)
        values = (i, record["level"], *map(number_in, texts))
        rows.append(Row(str(i), line, values, (*tones, *map(_tone, texts))))
    return TableContent(tuple(columns), tuple(rows))


def reject_content(rejects: Records, width: int) -> TableContent:
    """`reject_table`: the reasons with their numbers of images."""
    length = 36 if width >= _WIDE else 24
    numbers = [number_in(record["images"]) for record in rejects]
    most = max((n for n in numbers if n), default=None)
    names = max((len(record["reason"]) for record in rejects), default=0)
    columns = (Column("reason", max(8, names)), *_right("images", 8), Column("", length))
    rows = [
        Row(
            record["reason"], (record["reason"], record["images"], bar(n, most, length)),
            (record["reason"], n, n), ("", _tone(record["images"]), "live"),
        )
        for record, n in zip(rejects, numbers, strict=True)
    ]  # fmt: skip
    return TableContent(columns, tuple(rows))


def number_in(text: str) -> float | None:
    """The number that a cell begins with; None where it is suppressed, or there is none."""
    digits = text.split(" ")[0].replace(",", "")
    return float(digits) if digits[:1].isdecimal() else None


def bar(part: float | None, whole: float | None, length: int) -> str:
    """A bar of at most `length` cells, to an eighth of a cell; dots for a suppressed count."""
    if part is None:
        return "·" * 3
    eighths = round(8 * length * part / whole) if whole else 0
    full, rest = divmod(min(eighths, 8 * length), 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def _right(title: str, width: int) -> list[Column]:
    return [Column(title, width, right=True)]


def _tone(text: str) -> Tone:
    return "" if number_in(text) else "dim"
