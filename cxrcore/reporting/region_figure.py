"""A dot plot of where evidence lies: each task's share of it in the regions of the lung frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from cxrcore.reporting.figures import COLOURS, panels
from data_contracts.region_evidence import REGIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4
_NULL = "permuted-labels"
#: What each mark means, in the order of the legend.
_MARKS = ("evidence, 95 % interval", "not interpretable", "permuted labels", "share of the area")


def region_figure(regions: pl.DataFrame, models: pl.DataFrame) -> Figure | None:
    """Share of evidence by region in %, a panel for each task's model, beside what noise gives.

    `regions` is REGION_EVIDENCE, `models` MODELS. None where no share is there to be shown.
    """
    shown = regions.drop_nulls("share")
    chosen = shown.join(models.filter("primary"), on=["task", "name"], how="semi",
                        maintain_order="left")  # fmt: skip
    tasks = chosen["task"].unique(maintain_order=True).to_list()
    if not tasks:
        return None
    nulls = shown.filter(control=_NULL).unique(
        ["task", "region"], keep="first", maintain_order=True
    )
    # One scale for all panels.
    drawn = pl.concat(
        [chosen.select("share"), chosen.select(share="area"), nulls.select(share="high")]
    )
    figure, axes = panels(len(tasks), _COLUMNS, (2.35, 2.6))
    for number, (axis, task) in enumerate(zip(axes, tasks, strict=True)):
        _panel(axis, chosen.filter(task=task), nulls.filter(task=task))
        axis.set(title=task, xlabel="% of the evidence", ylim=(len(REGIONS) - 0.5, -0.5),
                 xlim=(-2, 100 * max(drawn["share"].drop_nulls()) + 3))  # fmt: skip
        axis.set_yticks(
            range(len(REGIONS)), REGIONS if number % _COLUMNS == 0 else [""] * len(REGIONS)
        )
    found = {h.get_label(): h for axis in axes for h in axis.get_legend_handles_labels()[0]}
    figure.legend(
        handles=[found[mark] for mark in _MARKS if mark in found], loc="outside lower center",
        ncols=min(len(tasks), len(_MARKS)),
    )  # fmt: skip
    return figure


def _panel(axis: Axes, rows: pl.DataFrame, null: pl.DataFrame) -> None:
    place = {region: i for i, region in enumerate(REGIONS)}
    at = [place[region] for region in rows["region"]]
    readable = bool(rows["interpretable"].all())
    colour, fill = (COLOURS[0], COLOURS[0]) if readable else ("0.5", "white")
    axis.plot(100 * rows["area"], at, "|", color="0.2", markersize=11, label=_MARKS[3])
    if null.height:
        # Below the network's own mark, so that both are seen.
        below = [place[region] + 0.28 for region in null["region"]]
        axis.hlines(below, 100 * null["low"], 100 * null["high"], color=COLOURS[1], linewidth=0.7)
        axis.plot(100 * null["share"], below, "D", color=COLOURS[1], markerfacecolor="white",
                  markersize=3.5, label=_MARKS[2])  # fmt: skip
    ends = rows.with_columns(at=pl.Series(at)).drop_nulls("low")
    axis.hlines(ends["at"], 100 * ends["low"], 100 * ends["high"], color=colour, linewidth=1.5)
    axis.plot(100 * rows["share"], at, "o", color=colour, markerfacecolor=fill, markersize=4,
              label=_MARKS[0] if readable else _MARKS[1])  # fmt: skip
    axis.grid(axis="y", color="0.92", linewidth=0.6)
    axis.set_axisbelow(True)
