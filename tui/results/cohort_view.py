"""The three parts of the page Cohort as lines. Every count here may be shown to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui.table import Column, Row, Tone

_EIGHTHS = " ▏▎▍▌▋▊▉"
#: From this width on there is room for all columns and long bars.
_WIDE = 110
Facts = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Lines:
    """Columns and rows for one width of the page."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def flow_lines(flow: Facts, width: int) -> Lines:
    """`flow_table` in order: what each rule left, as a number and as a bar that narrows.

    For a task a rule tells of images that get no label; its bar shows how many they are.
    """
    wide = width >= _WIDE
    length = 36 if wide else 10
    whole = next((n for facts in flow if (n := number_in(facts["images"]))), None)
    columns = [Column("scope", 10), Column("rule"), Column("", length), *_right("images", 7)]
    columns += _right("studies", 7) if wide else []
    columns += [*_right("patients", 8), *_right("left out", 8)]
    rows = []
    for i, facts in enumerate(flow):
        counts = [facts["images"], *([facts["studies"]] if wide else [])]
        counts += [facts["subjects"], facts["excluded"]]
        left = number_in(facts["images"])
        cells = (facts["scope"], facts["rule"], bar(left, whole, length), *counts)
        # Sorting by the first column brings the order of the rules back.
        values = (i, facts["rule"], left, *map(number_in, counts))
        tones: tuple[Tone, ...] = ("" if facts["scope"] == "cohort" else "dim", "", "live")
        rows.append(Row(str(i), cells, values, (*tones, *map(_tone, counts))))
    return Lines(tuple(columns), tuple(rows))


def flow_sentence(facts: Mapping[str, Any]) -> str:
    """One rule in full, with what a narrow page has no column for."""
    scope = "" if facts["scope"] == "cohort" else f"{facts['scope']}: "
    return f"{scope}{facts['rule']} ({facts['studies']} studies)"


def table_lines(table: Mapping[str, Any], width: int) -> Lines:
    """`table_one`: a column for each split, as wide as its texts."""
    # The unit of the shares stands above the table, once.
    cells = [[c.replace(" %)", ")") for c in facts["cells"]] for facts in table["rows"]]
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
    for i, (facts, texts) in enumerate(zip(table["rows"], cells, strict=True)):
        first = i == 0 or table["rows"][i - 1]["variable"] != facts["variable"]
        tones: tuple[Tone, ...] = ("live" if first else "dim", "")
        line = (facts["variable"], facts["level"], *texts)
        values = (i, facts["level"], *map(number_in, texts))
        rows.append(Row(str(i), line, values, (*tones, *map(_tone, texts))))
    return Lines(tuple(columns), tuple(rows))


def reject_lines(rejects: Facts, width: int) -> Lines:
    """`reject_table`: the reasons with their numbers of images."""
    length = 36 if width >= _WIDE else 24
    known = [number_in(facts["images"]) for facts in rejects]
    most = max((n for n in known if n), default=None)
    names = max((len(facts["reason"]) for facts in rejects), default=0)
    columns = (Column("reason", max(8, names)), *_right("images", 8), Column("", length))
    rows = [
        Row(
            facts["reason"], (facts["reason"], facts["images"], bar(n, most, length)),
            (facts["reason"], n, n), ("", _tone(facts["images"]), "live"),
        )
        for facts, n in zip(rejects, known, strict=True)
    ]  # fmt: skip
    return Lines(columns, tuple(rows))


def number_in(text: str) -> float | None:
    """The number that a cell begins with; None where it is hidden, or there is none."""
    digits = text.split(" ")[0].replace(",", "")
    return float(digits) if digits[:1].isdecimal() else None


def bar(part: float | None, whole: float | None, length: int) -> str:
    """A bar of at most `length` cells, to an eighth of a cell; dots for what is hidden."""
    if part is None:
        return "·" * 3
    eighths = round(8 * length * part / whole) if whole else 0
    full, rest = divmod(min(eighths, 8 * length), 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def _right(title: str, width: int) -> list[Column]:
    return [Column(title, width, right=True)]


def _tone(text: str) -> Tone:
    return "" if number_in(text) else "dim"
