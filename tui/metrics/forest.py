"""The AUROC of compared models by subgroup of patients, each between the ends of its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from data_contracts.disclosure import SUPPRESSED
from tui.metrics.comparison import Compared
from tui.metrics.comparison_plots import Look, Looks
from tui.shared.axes import Axis, auroc_limits, even_axis
from tui.shared.axis_line import cell_of, interval_line, tick_line
from tui.shared.numbers import NONE, interval, level_text, number
from tui.shared.sanitize import pad
from tui.shared.toned import TonedLine

#: Cells of a subgroup's name and of a model's sign, of its numbers after the drawing, of a tick.
_LABEL, _NUMBERS, _APART = 22, 30, 8
_CHANCE = "┊"


def forest(models: Looks, width: int) -> list[list[TonedLine]]:
    """Lines of text: a subgroup after the other, in each a line for every model, then the axis."""
    groups = dict.fromkeys(key[1:] for one, _ in models for key in one.strata)
    shown = [
        (level_text(*group), one, look, one.strata.get((one.auroc, *group)))
        for group in groups
        for one, look in models
    ]
    shown = [line for line in shown if line[3]]
    ends = [row[end] for *_, row in shown if row for end in ("low", "value", "high")]
    ends = [value for value in ends if value is not None]
    if not ends:
        return [[("dim", "No AUROC by subgroup: aggregate measures it on the test split.")]]
    room = max(10, width - _LABEL - _NUMBERS)
    axis = even_axis(auroc_limits(ends), room, _APART)
    lines: list[list[TonedLine]] = []
    before = ""
    for label, _, look, row in shown:
        name = "" if label == before else label
        lines.append(
            [("bold", pad(name, _LABEL - 3, middle=True) + " "), *_line(look, row, axis, room)]
        )
        before = label
    gaps = any(row["value"] is None and not row["suppressed"] for *_, row in shown if row)
    ticks: list[TonedLine] = [("dim", " " * _LABEL + tick_line(axis, room))]
    return [*lines, ticks, *_legend(models, axis, has_gaps=gaps)]


def _line(look: Look, row: Mapping[str, Any] | None, axis: Axis, room: int) -> Iterator[TonedLine]:
    """The sign of a model, its interval on the axis, and the same as numbers."""
    yield look.tone, f"{look.sign} "
    if row is None or row["value"] is None:
        why = SUPPRESSED if row and row["suppressed"] else NONE
        yield "dim", f"{' ' * room} {why}"
        return
    ends = (row["value"],) * 2 if row["low"] is None else (row["low"], row["high"])
    line = interval_line(*ends, row["value"], axis, room, look.sign)
    chance = cell_of(0.5, axis, room)
    if axis.low <= 0.5 <= axis.high and line[chance] == " ":
        line = line[:chance] + _CHANCE + line[chance + 1 :]
    yield look.tone, line
    numbers = f"{number(row['value'])} ({interval(row['low'], row['high'])})"
    yield "", f" {numbers:<21} n {row['subjects']:,}"


def _legend(models: Looks, axis: Axis, *, has_gaps: bool) -> list[list[TonedLine]]:
    names = [(look.tone, f"{look.sign} {_title(one)}   ") for one, look in models]
    chance = f"   {_CHANCE} chance" if axis.low <= 0.5 <= axis.high else ""
    none = f"   {NONE} a class is missing there" if has_gaps else ""
    return [names, [("dim", f"━ 95 % CI over patients{chance}{none}")]]


def _title(one: Compared) -> str:
    of_class = f" ({one.curves.positive})" if one.curves and one.auroc != "auroc" else ""
    return f"{one.task}/{one.name}{of_class}"
