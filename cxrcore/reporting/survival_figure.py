"""Figure of survival by quarter of the reference's log-odds, with the patients at risk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from cxrcore.associations.survival_curves import DAYS
from cxrcore.reporting.figures import COLOURS, new_figure
from data_contracts.cohort_tables import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Days at which the patients at risk are given.
_TICKS = (0, 90, 180, 270, 365)
_STYLES = ("-", "--", "-.", ":")


def survival_figure(curves: pl.DataFrame) -> Figure | None:
    """Kaplan and Meier's curves with their bands above, the patients at risk below.

    `curves` are rows of CURVES of one model. A point that is not disclosed is passed by a
    straight line between its neighbours. None without a curve.
    """
    rows = curves.filter(curve="survival").sort("class", "point")
    if not rows.height:
        return None
    groups = rows.partition_by("class", maintain_order=True)
    figure = new_figure(6.0, 3.4 + 0.2 * len(groups))
    above, below = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": [3.0, 0.3 + 0.2 * len(groups)]}
    )
    for group, colour, line in zip(groups, COLOURS, _STYLES, strict=False):
        _curve(above, group, colour, line)
    lowest = float(rows["low"].fill_null(1.0).min() or 0)  # type: ignore[arg-type]
    above.set(ylabel="survival", ylim=(max(-0.02, lowest - 0.05), 1.02))
    figure.legend(loc="outside upper center", ncols=len(groups), title="predicted log-odds",
                  fontsize=8)  # fmt: skip
    _patients_at_risk(below, groups)
    return figure


def _curve(axis: Axes, group: pl.DataFrame, colour: str, line: str) -> None:
    whole = group.height == len(DAYS)
    x, y = group["x"].to_numpy(), group["y"].to_numpy()
    low, high = (group[c].fill_null(1.0).to_numpy() for c in ("low", "high"))
    axis.plot(x, y, line, color=colour, linewidth=1.5, marker="" if whole else "o", markersize=3,
              drawstyle="steps-post" if whole else "default", label=group["class"][0])  # fmt: skip
    axis.fill_between(x, low, high, color=colour, alpha=0.12, linewidth=0,
                      step="post" if whole else None)  # fmt: skip


def _patients_at_risk(axis: Axes, groups: list[pl.DataFrame]) -> None:
    names = [group["class"][0] for group in groups]
    for place, group in enumerate(groups):
        known = dict(group.select("x", "at_risk").iter_rows())
        for day in _TICKS:
            axis.text(day, place, count(known.get(float(day))), ha="center", va="center",
                      fontsize=8)  # fmt: skip
    axis.set_title("patients at risk", loc="left", fontsize=8)
    axis.set_ylim(len(groups) - 0.5, -0.5)
    axis.set_yticks(range(len(groups)), names)
    for label, colour in zip(axis.get_yticklabels(), COLOURS, strict=False):
        label.set_color(colour)
    axis.tick_params(axis="y", length=0)
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.set(xlabel="days after the radiograph", xlim=(-12, 377), xticks=_TICKS)
