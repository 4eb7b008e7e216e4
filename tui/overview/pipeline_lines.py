"""The pipeline draw_pipeline with lines: jobs one below the other, beside each what it writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs._registry import Spec
from tui.shared.pipeline import Edge, edges_of


@dataclass(frozen=True)
class GraphLine:
    """A line of the drawing: wires, perhaps a job's name between wires, and then a group."""

    before: str
    job: str
    after: str
    group: str | None
    """The contract that stands on this line."""


def draw_pipeline(specs: Mapping[str, Spec], *, boxed: bool) -> list[GraphLine]:
    """The lines; a job in a box takes three of them at least, else one for each group."""
    edges = edges_of(specs)
    width = max((len(name) for name in specs), default=0)
    rows: list[GraphLine] = []
    starts: dict[str, int] = {}
    names = list(specs)
    for number, spec in enumerate(specs.values()):
        into = _between(edges, names[number - 1], spec.name) if number else None
        onto = _between(edges, spec.name, names[number + 1]) if spec.name != names[-1] else None
        starts[spec.name] = len(rows) + boxed
        rows += _box(spec, width, into, onto) if boxed else _node(spec, width, onto)
    return _with_lanes(rows, edges, names, starts)


def _between(edges: Sequence[Edge], first: str, then: str) -> Edge | None:
    return next((e for e in edges if (e.first, e.then) == (first, then)), None)


def _node(spec: Spec, width: int, onto: Edge | None) -> list[GraphLine]:
    """`● job ─┬─ group`, and the wire to the next job down the left."""
    groups: list[str | None] = [*(c.name for c in spec.writes)] or [None]
    wire = " " if onto is None else "┊" if onto.outside else "│"
    rows = []
    for i, group in enumerate(groups):
        head = f" {'─' * (width - len(spec.name))}─" if i == 0 else " " * (width + 2)
        rows.append(
            GraphLine(
                "● " if i == 0 else f"{wire} ",
                spec.name if i == 0 else "",
                head + _branch(i, len(groups), stem=0) if group else "",
                group,
            )
        )
    return rows


def _box(spec: Spec, width: int, into: Edge | None, onto: Edge | None) -> list[GraphLine]:
    """The job in a box, its groups at the right, the wires through its upper and lower edge."""
    groups = [c.name for c in spec.writes]
    height = max(3, len(groups))
    # Few groups begin beside the name, many at the upper edge.
    first = 1 if len(groups) < 3 else 0
    middle = width // 2 + 1
    rows = []
    for i in range(height):
        group = groups[i - first] if 0 <= i - first < len(groups) else None
        stem = "──" if i == 1 and groups else "  "
        branch = stem + _branch(i - first, len(groups), stem=1 - first) if group else ""
        if i == 1:
            edge = "├" if groups else "│"
            rows.append(
                GraphLine(
                    "│ ", spec.name, f"{' ' * (width - len(spec.name))} {edge}{branch}", group
                )
            )
            continue
        edge, left, right = "─" * (width + 2), "│", "│"
        if i == 0:
            left, right = "╭", "╮"
            edge = _with(edge, middle, "" if into is None else "▽" if into.outside else "▼")
        elif i == height - 1:
            left, right = "╰", "╯"
            edge = _with(edge, middle, "" if onto is None else "┬")
        else:
            edge = " " * (width + 2)
        rows.append(GraphLine(left + edge + right, "", branch, group))
    return rows


def _branch(number: int, count: int, *, stem: int) -> str:
    """How the wire from a job, which comes in at the row `stem`, goes to one of its groups."""
    up, down = number > 0, number < count - 1
    if number == stem:
        sign = "┼" if up and down else "┴" if up else "┬" if down else "─"
    else:
        sign = "├" if up and down else "╰" if up else "╭"
    return f"{sign}─ "


def _with(text: str, place: int, sign: str) -> str:
    return text[:place] + sign + text[place + 1 :] if sign else text


def _with_lanes(
    rows: list[GraphLine], edges: Sequence[Edge], names: list[str], starts: Mapping[str, int]
) -> list[GraphLine]:
    """A lane at the left for each edge that passes over other jobs."""
    long = [e for e in edges if names.index(e.then) - names.index(e.first) > 1]
    lanes: list[list[Edge]] = []
    for edge in long:
        free = (lane for lane in lanes if starts[lane[-1].then] < starts[edge.first])
        lane = next(free, None)
        if lane is None:
            lanes.append([edge])
        else:
            lane.append(edge)
    margin = [[" "] * (2 * len(lanes)) for _ in rows]
    for number, lane in enumerate(lanes):
        for edge in lane:
            top, bottom = starts[edge.first], starts[edge.then]
            for row in range(top, bottom + 1):
                margin[row][2 * number] = "╭" if row == top else "╰" if row == bottom else "│"
            for row, tip in ((top, "─"), (bottom, "▸")):
                for place in range(2 * number + 1, 2 * len(lanes)):
                    margin[row][place] = "┼" if margin[row][place] == "│" else "─"
                margin[row][-1] = tip
    return [
        GraphLine("".join(m) + row.before, row.job, row.after, row.group)
        for m, row in zip(margin, rows, strict=True)
    ]
