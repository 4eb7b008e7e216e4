"""The figure that answers: every attribute at every level of evidence, on the rungs of its null."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from cxrcore.reporting.figures import COLOURS, number, panels
from data_contracts import titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Null networks by control: marker and name in the legend.
_CONTROLS = {
    "permuted-labels": ("D", "permuted-label network"),
    "random-init": ("s", "untrained network (random weights)"),
    "pretrained": ("^", "untrained network (pretrained weights)"),
}
_ITSELF, _OTHERWISE = "the reference with itself", "the reference trained otherwise"
_SHOWN = {"shared": (COLOURS[1], COLOURS[1]), "not shared": (COLOURS[0], COLOURS[0]),
          "undetermined": ("0.35", "white")}  # fmt: skip


def ladder_figure(
    associations: pl.DataFrame, verdicts: pl.DataFrame, models: pl.DataFrame
) -> Figure | None:
    """A panel per level: the deciding statistic of each attribute among its rungs.

    The grey band is the 5th to 95th percentile under the null, hollow marks are null networks,
    the dashed line is the reference task with itself, a dotted one a network of it that was built
    or trained otherwise. Verdicts differ in colour and in fill.
    None when nothing has a value.
    """
    shown = verdicts.filter(verdicts["value"].is_not_null())
    levels = [level for level in titles.LEVELS if (shown["evidence_level"] == level).any()]
    if not levels:
        return None
    attributes = verdicts["attribute"].unique(maintain_order=True).to_list()[::-1]
    # One row of panels, so that the figure stands on the page's first screen.
    figure, axes = panels(len(levels), 5, (9.3 / min(5, len(levels)), 1.3 + 0.4 * len(attributes)))
    for i, (axis, level) in enumerate(zip(axes, levels, strict=True)):
        rows = shown.filter(shown["evidence_level"] == level)
        question = rows.row(0, named=True)
        asked = associations.filter(
            pl.col("evidence_level") == level, statistic=question["statistic"],
            adjustment=question["adjustment"], stratum="all",
        )  # fmt: skip
        for row in rows.iter_rows(named=True):
            _rungs(axis, asked, row, attributes.index(row["attribute"]))
        for value in _otherwise(asked, models)["value"].drop_nulls():
            axis.axvline(value, linestyle=":", color="0.3", linewidth=1)
        names = attributes if i % 5 == 0 else [""] * len(attributes)
        axis.set_yticks(range(len(attributes)), names)
        axis.set_ylim(-0.6, len(attributes) - 0.3)
        axis.margins(x=0.12)
        axis.locator_params(axis="x", nbins=3)
        axis.set_title(level)
        axis.set_xlabel(textwrap.fill(titles.statistic(question["statistic"]), 26), fontsize=7.5)
    handles = _legend(absent_rungs(associations, verdicts, models))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=7)
    return figure


def absent_rungs(
    associations: pl.DataFrame, verdicts: pl.DataFrame, models: pl.DataFrame
) -> list[str]:
    """The rungs that no level has, mostly since there is no such network."""
    decides = ["evidence_level", "statistic", "adjustment"]
    valued = associations.filter(stratum="all").drop_nulls("value")
    valued = valued.join(verdicts, on=decides, how="semi")
    controls = set(valued["control"].cast(pl.String))
    absent = [name for control, (_, name) in _CONTROLS.items() if control not in controls]
    absent += [] if valued["ceiling"].count() else [_ITSELF]
    return absent + ([] if _otherwise(valued, models).height else [_OTHERWISE])


def _otherwise(asked: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """The rows of the reference with its networks that differ in more than the seed."""
    stands = models.filter("primary").select("task", of="group")
    others = models.join(stands, on="task").filter(
        pl.col("group") != pl.col("of"), pl.col("control").cast(pl.String) == "none"
    )
    return asked.filter(pl.col("attribute") == pl.col("reference")).join(
        others, left_on=["reference", "attribute_name"], right_on=["task", "name"], how="semi"
    )


def _rungs(axis: Axes, asked: pl.DataFrame, row: dict[str, Any], place: int) -> None:
    found = asked.filter(attribute=row["attribute"])
    stands = found.filter("primary").to_dicts()
    if stands and stands[0]["null_low"] is not None:
        low, high = stands[0]["null_low"], stands[0]["null_high"]
        axis.barh(place, high - low, 0.5, low, color="0.88", zorder=0)
    if stands and stands[0]["ceiling"] is not None:
        axis.plot([stands[0]["ceiling"]] * 2, [place - 0.3, place + 0.3], "--", color="0.3",
                  linewidth=1)  # fmt: skip
    for control, (marker, _) in _CONTROLS.items():
        of_control = found.filter(pl.col("control") == control)["value"].drop_nulls().to_list()
        axis.plot(of_control, [place] * len(of_control), marker, color="0.45",
                  markerfacecolor="none", markersize=5)  # fmt: skip
    colour, fill = _SHOWN[row["verdict"]]
    if row["low"] is not None:
        axis.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2)
    axis.plot(row["value"], place, "o", color=colour, markerfacecolor=fill, markersize=6)
    axis.annotate(number(row["value"], 2), (row["value"], place), xytext=(0, 7),
                  textcoords="offset points", ha="center", fontsize=7, color=colour)  # fmt: skip


def _legend(absent: Sequence[str]) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    verdicts = [
        Line2D([], [], marker="o", linestyle="", color=colour, markerfacecolor=fill, label=name)
        for name, (colour, fill) in _SHOWN.items()
    ]
    controls = [
        Line2D([], [], marker=marker, linestyle="", color="0.45", markerfacecolor="none",
               label=name)
        for marker, name in _CONTROLS.values()
    ]  # fmt: skip
    band = Patch(color="0.88", label="5th to 95th percentile of the null")
    itself = Line2D([], [], linestyle="--", color="0.3", label=_ITSELF)
    other = Line2D([], [], linestyle=":", color="0.3", label=_OTHERWISE)
    every = [*verdicts, *controls, band, itself, other]
    return [handle for handle in every if handle.get_label() not in absent]
