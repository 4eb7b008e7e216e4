"""A ladder as lines of text: numbers, and below them a drawing on the ladder's axis."""

from __future__ import annotations

from collections.abc import Sequence

from data_contracts.disclosure import SUPPRESSED, explanation
from tui.results.ladder import Ladder, Rung
from tui.shared.axes import Axis, even_axis, limits_of
from tui.shared.axis_line import cell_of, tick_line
from tui.shared.numbers import holm, interval, number
from tui.shared.toned import Tone, TonedLine

_INDENT = "  "
_APART = 10
DECIDES, NULL, CI, VALUE, CONTROL, CEILING, RELEVANT = "▶", "░", "━", "●", "○", "┃", "┊"


def drawn(ladders: Sequence[Ladder], width: int, least: int) -> list[list[TonedLine]]:
    """All ladders one below the other, then what the signs mean."""
    lines: list[list[TonedLine]] = []
    for ladder in ladders:
        lines += [[("bold", ladder.title)], [("dim", ladder.explanation)]]
        lines += _rungs(ladder, width - len(_INDENT))
        lines.append([])
    rungs = [rung for ladder in ladders for rung in ladder.rungs]
    lines += [[("dim", text)] for text in _legend(rungs, ladders)]
    if any(rung.why == SUPPRESSED for rung in rungs):
        lines.append([("dim", explanation(least))])
    return lines


def _rungs(ladder: Ladder, width: int) -> list[list[TonedLine]]:
    values = [v for rung in ladder.rungs for v in rung.numbers]
    if values and ladder.relevant is not None:
        values.append(ladder.relevant)
    axis = even_axis(limits_of(values), width, _APART) if values else None
    lines: list[list[TonedLine]] = []
    for rung in ladder.rungs:
        lines.append(_numbers(rung))
        if axis is not None and not rung.why:
            lines.append([("", _INDENT), *_drawing(rung, axis, width, ladder.relevant)])
    if axis is not None:
        lines.append([("dim", _INDENT + tick_line(axis, width))])
    return lines


def _numbers(rung: Rung) -> list[TonedLine]:
    """`▶ within the same outcome  0.020 (0.005–0.041)  Holm p 0.012  n 105`."""
    tone: Tone = "bold" if rung.decides else ""
    row = rung.row
    label = f"{DECIDES if rung.decides else ' '} {rung.label}  "
    if rung.why:
        return [(tone, label), ("warn", rung.why)]
    p = "not tested" if row["p_holm"] is None else holm(row["p_holm"])
    count = "" if row["subjects"] is None else f"  n {row['subjects']:,}"
    text = f"{number(row['value'])} ({interval(row['low'], row['high'])})  {p}{count}"
    return [(tone, label), (tone, text)]


def _drawing(rung: Rung, axis: Axis, width: int, relevant: float | None) -> list[TonedLine]:
    """Cells from what lies behind to what lies before: null, interval, marks, value."""
    row = rung.row
    cells: list[TonedLine] = [("", " ")] * width

    def put(low: float | None, high: float | None, piece: TonedLine) -> None:
        if low is not None and high is not None:
            for at in range(cell_of(low, axis, width), cell_of(high, axis, width) + 1):
                cells[at] = piece

    put(row["null_low"], row["null_high"], ("dim", NULL))
    put(relevant, relevant, ("dim", RELEVANT))
    put(row["low"], row["high"], ("live", CI))
    put(row["ceiling"], row["ceiling"], ("good", CEILING))
    for value in rung.controls:
        put(value, value, ("warn", CONTROL))
    put(row["value"], row["value"], ("bold", VALUE))
    return cells


def _legend(rungs: Sequence[Rung], ladders: Sequence[Ladder]) -> list[str]:
    """What the signs mean, and why some are not there."""
    shown = [r for r in rungs if not r.why]
    if not shown:
        return []
    has_null = any(r.row["null_low"] is not None for r in shown)
    has_ceiling = any(r.row["ceiling"] is not None for r in shown)
    has_controls = any(r.controls for r in shown)
    has_relevant = any(ladder.relevant is not None for ladder in ladders)
    return [
        *([f"{DECIDES} decides the verdict"] if any(r.decides for r in shown) else []),
        f"{VALUE} estimate   {CI} 95 % CI over patients",
        f"{NULL} 5th to 95th percentile under the null" if has_null
        else f"no {NULL}: not tested here",
        f"{CONTROL} networks trained on permuted labels, or untrained" if has_controls
        else f"no {CONTROL}: no null network was compared here",
        f"{CEILING} ceiling: all evidence shared, the reference task with itself" if has_ceiling
        else f"no {CEILING}: these statistics have no ceiling",
        *([f"{RELEVANT} smallest value of interest"] if has_relevant else []),
    ]  # fmt: skip
