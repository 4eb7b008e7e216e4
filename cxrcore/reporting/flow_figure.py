"""The flow of images and patients as a diagram, as CONSORT and STARD draw it."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import polars as pl

from cxrcore.reporting.figures import new_figure
from data_contracts.cohort_tables import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: In inches: a line of text, the room in a box beside it, the space between boxes.
_LINE, _PAD, _GAP = 0.155, 0.09, 0.2
_BOX = 2 * _LINE + 2 * _PAD
_WIDTH, _LEFT, _RIGHT = 7.2, 2.4, 3.9
#: The line that tasks branch from, and how far their boxes stand in.
_TRUNK, _INDENT = 0.3, 0.4
_CHARACTERS = 54
"""Of the right column."""

Row = dict[str, Any]


def flow_figure(flow: pl.DataFrame) -> Figure:
    """From all images to those with a label of each task, with every reason that took some.

    `flow` are rows of COHORT_FLOW. What took no image is left out; a number that is not disclosed
    has its mark. Each task branches from the cohort.
    """
    rows = flow.sort("step").to_dicts()
    cohort = [row for row in rows if row["scope"] == "cohort"]
    tasks = dict.fromkeys(row["scope"] for row in rows if row["scope"] != "cohort")
    boxes = [
        (["In the source", _size(cohort[0])], _reasons("excluded", cohort[1:])),
        (["Cohort", _size(cohort[-1])], []),
    ]
    for task in tasks:
        own = [row for row in rows if row["scope"] == task]
        boxes.append(([f"Label of {task}", _size(own[-1])], _reasons("without a label", own[:-1])))
    heights = [max(len(left), len(right)) * _LINE + 2 * _PAD for left, right in boxes]
    tops = [0.05 + sum(heights[:i]) + _GAP * i for i in range(len(boxes))]
    total = tops[-1] + heights[-1] + 0.05
    figure = new_figure(_WIDTH, total)
    axis = figure.add_axes((0, 0, 1, 1))
    figure.set_layout_engine("none")
    axis.set(xlim=(0, _WIDTH), ylim=(total, 0))
    axis.set_axis_off()
    for number, (top, (left, right)) in enumerate(zip(tops, boxes, strict=True)):
        is_task = number > 1
        _draw(axis, 0.1 + _INDENT * is_task, top, left, right)
        middle = top + _BOX / 2
        if is_task:
            _line(axis, (_TRUNK, 0.1 + _INDENT), (middle, middle))
    _line(axis, (_TRUNK, _TRUNK), (tops[0] + _BOX, tops[1]))
    if len(boxes) > 2:
        _line(axis, (_TRUNK, _TRUNK), (tops[1] + _BOX, tops[-1] + _BOX / 2))
    return figure


def _size(row: Row) -> str:
    return f"{count(row['images'])} images of {count(row['subjects'])} patients"


def _reasons(title: str, rows: Sequence[Row]) -> list[str]:
    """A line, or several, for each rule that took images."""
    lost = [row for row in rows if row["excluded_images"] != 0]
    if not lost:
        return []
    numbers = [row["excluded_images"] for row in lost]
    lines = [f"{count(None if None in numbers else sum(numbers))} images {title}"]
    for row in lost:
        first, *more = wrap(f"{count(row['excluded_images'])}  {row['rule']}", _CHARACTERS)
        lines += [first, *(f"      {line}" for line in more)]
    return lines


def _draw(axis: Axes, x: float, top: float, left: list[str], right: list[str]) -> None:
    """A box of the left column, and one beside it of what was taken away."""
    _box(axis, x, top, _LEFT, left)
    if right:
        _line(axis, (x + _LEFT, _WIDTH - _RIGHT - 0.1), (top + _BOX / 2, top + _BOX / 2))
        _box(axis, _WIDTH - _RIGHT - 0.1, top, _RIGHT, right)


def _line(axis: Axes, x: tuple[float, float], y: tuple[float, float]) -> None:
    axis.plot(x, y, color="0.4", linewidth=0.8)


def _box(axis: Axes, x: float, top: float, width: float, lines: Sequence[str]) -> None:
    from matplotlib.patches import Rectangle

    height = len(lines) * _LINE + 2 * _PAD
    axis.add_patch(Rectangle((x, top), width, height, fill=False, edgecolor="0.4", linewidth=0.8))
    for number, line in enumerate(lines):
        axis.text(x + _PAD, top + _PAD + (number + 0.5) * _LINE, line, va="center", fontsize=8,
                  fontweight="bold" if number == 0 else "normal")  # fmt: skip
