"""What is drawn and written of models that are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from data_contracts.disclosure import SUPPRESSED
from tui.metrics.comparison import Compared
from tui.metrics.model_curves import ModelCurves
from tui.shared.axes import Limits, auroc_limits
from tui.shared.curve_plot import PlotLine
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

Toned = Sequence[tuple[Compared, Tone]]


@dataclass(frozen=True)
class Drawing:
    """The lines of one plot, its title, and the limits of its axes."""

    title: str
    lines: Sequence[PlotLine]
    x: Limits = _UNIT
    y: Limits = _UNIT
    whole: bool = False
    """Whether x counts."""


def columns(width: int, models: Sequence[tuple[str, str]]) -> tuple[Column, ...]:
    """The columns of `row_of` for which there is room, for the (task, name) of some models."""
    if width < _WIDE:
        return _COLUMNS[:-1]
    return (replace(_COLUMNS[0], width=max(len(_name(*m)) for m in models)), *_COLUMNS[1:])


def drawings(models: Toned) -> dict[str, Drawing]:
    """The four plots by name: roc, calibration, loss, auroc."""
    drawn = [(one.curves, tone) for one, tone in models if one.curves]
    roc = [PlotLine(*c.roc, tone) for c, tone in drawn]
    return {
        "roc": Drawing("ROC: TPR vs FPR", [_DIAGONAL, *roc]),
        "calibration": _calibration(drawn),
        "loss": _loss(models),
        "auroc": _auroc(models),
    }


def _calibration(drawn: Sequence[tuple[ModelCurves, Tone]]) -> Drawing:
    lines = [
        PlotLine(*c.calibration, tone, dots=dots)
        for c, tone in drawn
        for dots in (False, True)
        if c.calibration[0]
    ]
    return Drawing("calibration: observed vs predicted", [_DIAGONAL, *lines])


def _loss(models: Toned) -> Drawing:
    lines = [
        PlotLine(one.history["epoch"], one.history[column], tone, dots=column == "train_loss")
        for one, tone in models
        if one.history
        for column in ("val_loss", "train_loss")
    ]
    top = max((v for line in lines for v in line.y), default=1.0)
    title = "loss by epoch: ━ validation  • training"
    return Drawing(title, lines, _epochs(models), (0.0, 1.05 * top or 1.0), whole=True)


def _auroc(models: Toned) -> Drawing:
    lines = []
    for one, tone in models:
        pairs = zip(one.history.get("epoch", ()), one.history.get("val_auroc", ()), strict=True)
        points = [(x, y) for x, y in pairs if y is not None]
        if points:
            x, y = zip(*points, strict=True)
            lines += [PlotLine(x, y, tone), PlotLine(x, y, tone, dots=True)]
    x, y = _epochs(models), auroc_limits([v for line in lines for v in line.y])
    chance = [PlotLine(x, (0.5, 0.5), "dim")] if y[0] <= 0.5 <= y[1] else []
    return Drawing("validation AUROC by epoch", [*chance, *lines], x, y, whole=True)


def _epochs(models: Toned) -> Limits:
    """The limits of an axis of epochs."""
    last = max((max(one.history["epoch"]) for one, _ in models if one.history), default=1)
    return (0.0, 2.0) if last == 1 else (1.0, float(last))


def _name(task: str, name: str) -> str:
    return f"━━ {task}/{name}"


def row_of(one: Compared, tone: Tone) -> Row:
    """A model's line below the plots, which is their legend as well."""
    name, positive = _name(one.task, one.name), one.curves.positive if one.curves else ""
    measured = one.metrics.get(f"auroc:{positive}") or one.metrics.get("auroc") or {}
    counts = (measured.get(n) for n in ("subjects", "positives"))
    area = (
        number(measured.get("value")), interval(measured.get("low"), measured.get("high")),
    )  # fmt: skip
    texts = (*area, *(NONE if n is None else f"{n:,}" for n in counts))
    if measured.get("suppressed"):
        texts = (SUPPRESSED,) * len(texts)
    rest = (_value(one.metrics.get(m)) for m in _METRICS)
    return Row(name, (name, positive or NONE, *texts[:2], *rest, *texts[2:]), tones=(tone,))


def _value(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return NONE
    return SUPPRESSED if row["suppressed"] else number(row["value"])
