"""Figures of averaged attribution maps over the mean radiograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cxrcore.figures import new_figure
from data_contracts.summary import SMALLEST_CELL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Diverging, and told apart by everyone: orange speaks against, violet for the class.
COLOUR_MAP = "PuOr_r"


def shown(count: int) -> str:
    """A count of patients for people: small ones are hidden."""
    return f"{count:,}" if count >= SMALLEST_CELL else f"<{SMALLEST_CELL}"


def class_maps_figure(
    task: str, rows: Sequence[Mapping[str, Any]], background: NDArray[np.floating]
) -> Figure:
    """Mean map over all images and contrast map of each class of one task.

    `rows` are the MEAN_HEATMAPS rows of strata 'all' and 'true_class'. Each row of panels has
    one symmetric scale, stated on its colour bar.
    """
    whole = [r for r in rows if r["stratum"] == "all"]
    patients = {r["level"]: r["subjects"] for r in rows if r["stratum"] == "true_class"}
    figure = new_figure(0.9 + 2.3 * len(whole), 5.3)
    axes = figure.subplots(2, len(whole), squeeze=False)
    for line, (what, kind) in enumerate((("mean", "mean over all"), ("contrast", "contrast"))):
        limit = _limit([r[what] for r in whole])
        for axis, row in zip(axes[line], whole, strict=True):
            n = row["subjects"] if what == "mean" else patients.get(row["class"], 0)
            aside = "" if what == "mean" else f" of {shown(row['subjects'])}"
            picture = overlay(axis, row[what], background, limit)
            axis.set_title(f"{row['class']}: {kind}\n{shown(n)}{aside} patients", fontsize=9)
        bar = figure.colorbar(picture, ax=list(axes[line]), shrink=0.8, aspect=16)
        bar.set_label(f"logit per cell, ±{limit:.2g}", fontsize=8)
        bar.ax.tick_params(labelsize=7)
    figure.suptitle(f"Where the {task} network finds its evidence", fontsize=10)
    return figure


def magnitude_figure(
    maps: Mapping[str, NDArray[np.floating]], background: NDArray[np.floating]
) -> Figure:
    """Magnitude of the contrast maps (root mean square over classes), a panel per task.

    Each panel has its own scale from 0 to its largest value, since only places are compared.
    """
    figure = new_figure(2.4 * len(maps), 3.0)
    axes = figure.subplots(1, len(maps), squeeze=False)[0]
    for axis, (task, one) in zip(axes, maps.items(), strict=True):
        top = float(np.nanmax(one)) if np.isfinite(one).any() else 0.0
        _radiograph(axis, background)
        if top > 0:
            extent = _extent(background)
            axis.imshow(
                one,
                cmap="viridis",
                vmin=0,
                vmax=top,
                alpha=0.55,
                extent=extent,
                interpolation="bilinear",
            )
        axis.set_title(
            f"{task}\n0 to {top:.2g} logit per cell" if top > 0 else f"{task}\ntoo few patients",
            fontsize=9,
        )
    figure.suptitle("Where evidence lies: magnitude of the contrast maps", fontsize=10)
    return figure


def overlay(
    axis: Axes, one: NDArray[np.floating], background: NDArray[np.floating], limit: float
) -> Any:
    """Draw one signed map over the radiograph, bilinear between cells; return the picture."""
    _radiograph(axis, background)
    picture = axis.imshow(
        np.ma.masked_invalid(one), cmap=COLOUR_MAP, vmin=-limit, vmax=limit, alpha=0.55,
        extent=_extent(background), interpolation="bilinear",
    )  # fmt: skip
    if not np.isfinite(one).any():
        axis.text(0.5, 0.5, "too few patients", ha="center", va="center", color="white",
                  transform=axis.transAxes, fontsize=9)  # fmt: skip
    return picture


def _radiograph(axis: Axes, background: NDArray[np.floating]) -> None:
    axis.imshow(background, cmap="gray", extent=_extent(background))
    axis.set_axis_off()


def _extent(background: NDArray[np.floating]) -> tuple[float, float, float, float]:
    height, width = background.shape
    return (0, width, height, 0)


def _limit(maps: Sequence[NDArray[np.floating]]) -> float:
    values = np.abs(np.stack(maps))
    return float(np.nanmax(values)) or 1.0 if np.isfinite(values).any() else 1.0
