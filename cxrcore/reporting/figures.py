"""Figures of the report: curves and intervals. Deterministic to the byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from data_contracts.store import atomic_write

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Okabe and Ito's colours, which everyone can distinguish.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

#: Pixels per inch of the PNG files.
DPI = 150


def number(value: float | None, digits: int = 3) -> str:
    """A number for people, with a true minus but none before zero; a dash when there is none."""
    return "–" if value is None else f"{value:z.{digits}f}".replace("-", "−")


def style() -> AbstractContextManager[None]:
    """The context to draw and save in: one look, and the same bytes every time."""
    import matplotlib

    return matplotlib.rc_context({
        "font.size": 9, "axes.titlesize": 9, "axes.spines.top": False, "axes.spines.right": False,
        "svg.hashsalt": "cxr", "legend.frameon": False, "legend.fontsize": 7,
    })  # fmt: skip


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, tied to no global state of pyplot."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def save(figure: Figure, folder: Path, name: str) -> Path:
    """Write `name`.png (`DPI`) and `name`.svg whole, with fixed metadata; return the PNG."""
    # Laid out once, for both files: with an engine each is drawn twice.
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        figure.set_layout_engine(None)
    with atomic_write(folder / f"{name}.png") as partial:
        figure.savefig(partial, format="png", dpi=DPI, metadata={"Software": None})
    with atomic_write(folder / f"{name}.svg") as partial:
        figure.savefig(partial, format="svg", metadata={"Date": None})
    return folder / f"{name}.png"


def panels(count: int, columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels in rows of `columns`, each of `size` inches."""
    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    figure = new_figure(columns * size[0], rows * size[1])
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for unused in axes[count:]:
        unused.set_axis_off()
    return figure, axes[:count]


def roc_figure(curves: pl.DataFrame, auroc: Mapping[str, str], tasks: Sequence[str]) -> Figure:
    """ROC curves on the test split with their bands, a panel per task.

    `curves` are rows of CURVES, of one model per task; `auroc` by task and class as text, under
    `task` or `task class`.
    """
    figure, axes = _unit_squares(tasks, "1 − specificity", "sensitivity")
    for axis, task in zip(axes, tasks, strict=True):
        axis.plot([0, 1], [0, 1], color="0.75", linewidth=0.8, linestyle="--")
        _classes(axis, curves.filter(task=task, split="test", curve="roc"), auroc, "lower right")
    figure.suptitle("ROC on the test split, with 95 % bands", fontsize=10)
    return figure


def precision_recall_figure(
    curves: pl.DataFrame, prevalence: Mapping[str, float], tasks: Sequence[str]
) -> Figure:
    """Precision by recall on the test split with bands, a panel per task.

    `prevalence` of each class, which is the precision of chance, under `task` or `task class`.
    """
    figure, axes = _unit_squares(tasks, "recall", "precision")
    for axis, task in zip(axes, tasks, strict=True):
        found = curves.filter(task=task, split="test", curve="precision_recall")
        classes = found["class"].unique(maintain_order=True)
        for name, colour in zip(classes, COLOURS, strict=False):
            share = prevalence.get(f"{task} {name}", prevalence.get(task))
            if share is not None:
                axis.axhline(share, color=colour, linewidth=0.8, linestyle="--", alpha=0.6)
        _classes(axis, found, {}, "lower left")
    figure.suptitle("Precision and recall on the test split, with 95 % bands", fontsize=10)
    return figure


def calibration_figure(curves: pl.DataFrame, tasks: Sequence[str]) -> Figure:
    """Observed share by mean predicted probability on the test split, a panel per task."""
    figure, axes = _unit_squares(tasks, "predicted probability", "observed share")
    for axis, task in zip(axes, tasks, strict=True):
        axis.plot([0, 1], [0, 1], color="0.75", linewidth=0.8, linestyle="--")
        found = curves.filter(task=task, split="test", curve="calibration")
        _classes(axis, found, {}, "lower right", marker="o", markersize=3)
    figure.suptitle("Calibration on the test split, with 95 % bands", fontsize=10)
    return figure


def _unit_squares(tasks: Sequence[str], x: str, y: str) -> tuple[Figure, list[Axes]]:
    """A panel from 0 to 1 per task."""
    figure, axes = panels(len(tasks), 4, (2.35, 2.6))
    for axis, task in zip(axes, tasks, strict=True):
        axis.set(title=task, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal",
                 xlabel=x, ylabel=y)  # fmt: skip
    return figure, axes


def _classes(
    axis: Axes,
    found: pl.DataFrame,
    numbers: Mapping[str, str],
    corner: Literal["lower left", "lower right"],
    **look: Any,
) -> None:
    """The curve of each class with its band, and beside its name what `numbers` has of it."""
    lines = found.partition_by("class", maintain_order=True)
    for line, colour in zip(lines, COLOURS, strict=False):
        task, name = line["task"][0], line["class"][0]
        label = f"{name} {numbers.get(f'{task} {name}', numbers.get(task, ''))}".strip()
        x, y, low, high = (line[c].to_numpy() for c in ("x", "y", "low", "high"))
        axis.fill_between(x, low.astype(float), high.astype(float), color=colour, alpha=0.15,
                          linewidth=0)  # fmt: skip
        axis.plot(x, y, color=colour, linewidth=1.5, label=label, **look)
    if lines:
        axis.legend(loc=corner, handlelength=1.2)
    else:
        axis.text(0.5, 0.5, "no curve:\none class only,\nor few patients", ha="center",
                  va="center", color="0.4")  # fmt: skip


def training_figure(histories: Mapping[str, pl.DataFrame]) -> Figure:
    """Loss and validation AUROC by epoch, a column of panels per task."""
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(2.25 * len(histories) + 0.3, 3.6)
    axes = figure.subplots(2, len(histories), squeeze=False, sharex="col")
    for column, (task, history) in enumerate(histories.items()):
        upper, lower = axes[:, column]
        epoch = history["epoch"].to_numpy()
        upper.plot(epoch, history["train_loss"], color=COLOURS[0], marker=".", label="training")
        upper.plot(epoch, history["val_loss"], color=COLOURS[1], marker=".", label="validation")
        scores = history["val_auroc"].fill_null(history["val_r2"])
        area = np.array(scores.to_list(), dtype=float)
        lower.plot(epoch, area, color=COLOURS[2], marker=".")
        lower.axhline(0.5, color="0.75", linewidth=0.8, linestyle="--")
        upper.set_title(task)
        upper.set_ylim(bottom=0)
        lower.set(xlabel="epoch", ylim=(min(0.45, np.nanmin(area, initial=1) - 0.02), 1.02))
        lower.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
    axes[0, 0].set_ylabel("cross-entropy (nat)")
    axes[1, 0].set_ylabel("validation AUROC")
    axes[0, 0].legend()
    return figure
