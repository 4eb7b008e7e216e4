"""What is drawn and written of models that are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from data_contracts.disclosure import SUPPRESSED
from tui.metrics.comparison import Compared
from tui.metrics.model_curves import Curve, Points
from tui.shared.axes import Limits, auroc_limits
from tui.shared.curve_plot import LINE_SIGNS, LINE_TONES, PlotLine
from tui.shared.numbers import NONE, interval, number
from tui.shared.table import Column, Row
from tui.shared.toned import Tone

_COLUMNS = (
    Column("model", name=True), Column("class", 9, name=True), Column("AUROC", 5, right=True),
    Column("95 % CI", 11, right=True), Column("AUPRC", 5, right=True),
    Column("Brier", 5, right=True), Column("slope", 6, right=True),
    Column("n", 6, right=True), Column("pos.", 6, right=True),
)  # fmt: skip
#: The last column is for terminals of at least this many cells.
_WIDE = 100
_METRICS = ("auprc", "brier", "calibration_slope")
#: Limits that leave what is at 0 or 1 beside the frame, not under it.
_UNIT = (-0.02, 1.02)
_DIAGONAL = PlotLine((0.0, 1.0), (0.0, 1.0), "dim")
#: Why there is a ROC curve, but none of calibration.
_TOO_FEW = "no calibration curve: too few patients\nof either class for two bins"
#: Signs along a curve of many points.
_SIGNS = 6


@dataclass(frozen=True)
class Look:
    """By what the lines of a model are known: a colour, and a sign for where there is none."""

    tone: Tone
    sign: str


LOOKS = tuple(Look(*look) for look in zip(LINE_TONES, LINE_SIGNS, strict=True))
Looks = Sequence[tuple[Compared, Look]]


@dataclass(frozen=True)
class Drawing:
    """The lines of one plot, its title, and the limits of its axes."""

    title: str
    lines: Sequence[PlotLine]
    x: Limits = _UNIT
    y: Limits = _UNIT
    whole: bool = False
    """Whether x counts."""
    why: str = ""
    """Why there is no line, where that is known."""


def columns(width: int, models: Sequence[tuple[str, str]]) -> tuple[Column, ...]:
    """The columns of `row_of` for which there is room, for the (task, name) of some models."""
    if width < _WIDE:
        return _COLUMNS[:-1]
    return (replace(_COLUMNS[0], width=max(len(_name(*m, " ")) for m in models)), *_COLUMNS[1:])


def drawings(models: Looks) -> dict[str, Drawing]:
    """The four plots by name: roc, calibration, loss, auroc."""
    drawn = [(one.curves, look) for one, look in models if one.curves]
    roc = [line for c, look in drawn for line in _with_band(c.roc, look, few=True)]
    calibration = [line for c, look in drawn for line in _with_band(c.calibration, look)]
    return {
        "roc": _unit_square("ROC: TPR vs FPR", roc),
        "calibration": replace(
            _unit_square("calibration: observed vs predicted", calibration),
            why=_TOO_FEW if roc else "",
        ),
        "loss": _loss(models),
        "auroc": _auroc(models),
    }


def _unit_square(title: str, lines: Sequence[PlotLine]) -> Drawing:
    band = ", ┈ 95 % band" if any(line.dotted for line in lines) else ""
    return Drawing(title + band, [_DIAGONAL, *lines])


def _with_band(curve: Curve, look: Look, *, few: bool = False) -> list[PlotLine]:
    """A curve over its band, with signs at its points, or at a `few` of them."""
    if not curve.points[0]:
        return []
    band = [PlotLine(*edge, look.tone, dotted=True) for edge in curve.band]
    return [*band, *_signed(curve.points, look, _SIGNS if few else len(curve.points[0]))]


def _signed(points: Points, look: Look, signs: int) -> list[PlotLine]:
    """A line, and so many signs along it."""
    x, y = points
    step = max(1, len(x) // signs)
    first = (step - 1) // 2
    at = x[first::step], y[first::step]
    return [PlotLine(x, y, look.tone), PlotLine(*at, look.tone, signs=look.sign)]


def _loss(models: Looks) -> Drawing:
    lines = [
        PlotLine(one.history["epoch"], one.history[column], look.tone, signs=signs)
        for one, look in models
        if one.history
        for column, signs in (("val_loss", ""), ("train_loss", look.sign))
    ]
    top = max((v for line in lines for v in line.y), default=1.0)
    title = "loss by epoch: ━ validation, signs training"
    return Drawing(title, lines, _epochs(models), (0.0, 1.05 * top or 1.0), whole=True)


def _auroc(models: Looks) -> Drawing:
    lines: list[PlotLine] = []
    for one, look in models:
        pairs = zip(one.history.get("epoch", ()), one.history.get("val_auroc", ()), strict=True)
        points = [(x, y) for x, y in pairs if y is not None]
        if points:
            x, y = zip(*points, strict=True)
            lines += _signed((x, y), look, len(points))
    epochs, limits = _epochs(models), auroc_limits([v for line in lines for v in line.y])
    chance = [PlotLine(epochs, (0.5, 0.5), "dim")] if limits[0] <= 0.5 <= limits[1] else []
    return Drawing("validation AUROC by epoch", [*chance, *lines], epochs, limits, whole=True)


def _epochs(models: Looks) -> Limits:
    """The limits of an axis of epochs."""
    last = max((max(one.history["epoch"]) for one, _ in models if one.history), default=1)
    return (0.0, 2.0) if last == 1 else (1.0, float(last))


def _name(task: str, name: str, sign: str) -> str:
    return f"━{sign} {task}/{name}"


def row_of(one: Compared, look: Look) -> Row:
    """A model's line below the plots, which is their legend as well."""
    name, positive = _name(one.task, one.name, look.sign), one.curves.positive if one.curves else ""
    measured = one.metrics.get(one.auroc, {})
    counts = (measured.get(n) for n in ("subjects", "positives"))
    ends = interval(measured["low"], measured["high"]) if measured else NONE
    numbers = (NONE if n is None else f"{n:,}" for n in counts)
    texts = (number(measured.get("value")), ends, *numbers)
    if measured.get("suppressed"):
        texts = (SUPPRESSED,) * len(texts)
    rest = (_value(one.metrics.get(m)) for m in _METRICS)
    return Row(name, (name, positive or NONE, *texts[:2], *rest, *texts[2:]), tones=(look.tone,))


def _value(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return NONE
    return SUPPRESSED if row["suppressed"] else number(row["value"])
