"""Figures of averaged attribution maps over the mean radiograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cxrcore.reporting.figures import new_figure
from data_contracts.cohort_tables import count
from data_contracts.palette import DIVERGING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

_OPACITY = 0.9


def class_maps_figure(
    task: str, rows: Sequence[Mapping[str, Any]], background: NDArray[np.floating]
) -> Figure:
    """Mean map over all images and class-difference map of each class of one task.

    `rows` are one model's MEAN_HEATMAPS records of strata 'all' and 'true_class'. Each row of
    panels has one symmetric scale, stated on its colour bar.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    whole = [r for r in rows if r["stratum"] == "all"]
    patients = {r["level"]: r["subjects"] for r in rows if r["stratum"] == "true_class"}
    figure = new_figure(0.9 + 1.85 * len(whole), 4.5)
    axes = figure.subplots(2, len(whole), squeeze=False)
    shown = (("mean", "mean of all"), ("class_difference", "class difference"))
    for line, (what, kind) in enumerate(shown):
        limit = _limit([r[what] for r in whole])
        for axis, row in zip(axes[line], whole, strict=True):
            n = row["subjects"] if what == "mean" else patients.get(row["class"], -1)
            of_all = "" if what == "mean" else f" of {_count(row['subjects'])}"
            overlay(axis, row[what], background, limit)
            axis.set_title(f"{row['class']}: {kind}\n{_count(n)}{of_all} patients")
        scale = ScalarMappable(Normalize(-limit, limit), _colour_map())
        bar = figure.colorbar(scale, ax=list(axes[line]), shrink=0.8, aspect=16)
        unit = whole[0]["unit"] if whole else ""
        bar.set_label(f"{unit}, ±{limit:.2g}", fontsize=8)
        bar.ax.tick_params(labelsize=7)
        bar.ax.set_facecolor("0.35")
    figure.suptitle(f"Where the {task} network finds its evidence", fontsize=10)
    return figure


def rms_figure(
    maps: Mapping[str, NDArray[np.floating]],
    patients: Mapping[str, int],
    background: NDArray[np.floating],
    kind: str = "",
    boxes: Sequence[tuple[float, float, float, float]] = (),
) -> Figure:
    """Root mean square over the classes of the class-difference maps, a panel per task.

    `patients` is how many stand behind each; -1: suppressed. Each panel has its own scale
    from 0 to its largest value, since only places are compared. `boxes` (top, left, bottom, right,
    as shares of the side) are outlined; `kind` says in the title which maps these are.
    """
    from matplotlib.patches import Rectangle

    figure = new_figure(2.3 * len(maps), 2.95)
    axes = figure.subplots(1, len(maps), squeeze=False)[0]
    height, width = background.shape
    for axis, (task, one) in zip(axes, maps.items(), strict=True):
        top = _limit([one])
        overlay(axis, one, background, top)
        for start, left, end, right in boxes:
            axis.add_patch(Rectangle(
                (left * width, start * height), (right - left) * width, (end - start) * height,
                fill=False, edgecolor="white", linewidth=0.5, alpha=0.7,
            ))  # fmt: skip
        scale = f"\norange: up to {top:.2g} logit per cell" if np.isfinite(one).any() else ""
        axis.set_title(f"{task}, {_count(patients[task])} patients{scale}")
    # One panel is too narrow for all of it.
    what = "Where the evidence lies: class differences, rms over classes"
    what = what if len(maps) > 1 else "Class differences"
    figure.suptitle(", ".join(part for part in (what, kind) if part), fontsize=10)
    return figure


def overlay(
    axis: Axes, one: NDArray[np.floating], background: NDArray[np.floating], limit: float
) -> None:
    """Draw one map (h, w) over the radiograph, bilinear between the centres of its cells.

    Opacity follows the value, so that cells without evidence show the chest. R and L stand at the
    patient's sides.
    """
    from matplotlib.patheffects import withStroke

    height, width = background.shape
    extent = (0, width, height, 0)
    axis.imshow(background, cmap="gray", extent=extent)
    axis.set_axis_off()
    for at, side, align in ((0.03, "R", "left"), (0.97, "L", "right")):
        axis.text(at, 0.97, side, ha=align, va="top", color="white", fontsize=8, fontweight="bold",
                  transform=axis.transAxes,
                  path_effects=[withStroke(linewidth=1.5, foreground="black")])  # fmt: skip
    if not np.isfinite(one).any():
        axis.text(0.5, 0.5, "no map", ha="center", va="center", color="white",
                  transform=axis.transAxes)  # fmt: skip
        return
    axis.imshow(
        one, cmap=_colour_map(), vmin=-limit, vmax=limit, extent=extent, interpolation="bilinear"
    )


def _count(patients: int) -> str:
    return count(None if patients < 0 else patients)


def _colour_map() -> LinearSegmentedColormap:
    """From against the class to for it, clear between."""
    from matplotlib.colors import LinearSegmentedColormap

    shares = np.linspace(-1, 1, len(DIVERGING))
    stops = np.column_stack([np.array(DIVERGING) / 255, _OPACITY * np.abs(shares)])
    return LinearSegmentedColormap.from_list("evidence", stops)


def _limit(maps: Sequence[NDArray[np.floating]]) -> float:
    values = np.abs(np.stack(maps))
    return (float(np.nanmax(values)) or 1.0) if np.isfinite(values).any() else 1.0
