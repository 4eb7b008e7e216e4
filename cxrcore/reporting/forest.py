"""Forest plots: the AUROC of one task in every subgroup of patients, and which may be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from cxrcore.interpretation import FEWEST_PATIENTS
from cxrcore.reporting import tables
from cxrcore.reporting.figures import COLOURS, new_figure
from data_contracts.cohort_tables import Rows, count
from data_contracts.disclosure import SUPPRESSED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def subgroup_rows(metrics: pl.DataFrame, models: pl.DataFrame, task: str) -> Rows:
    """The test AUROC of the model that stands for `task`: of all patients, then by subgroup.

    Rows of METRICS with `reason`, why a row may not be interpreted; empty where it may.
    """
    found = tables.of_primary(metrics.filter(task=task, split="test"), models)
    (why,) = models.filter(pl.col("primary"), task=task)["reason"]
    small = _with_small_class(found)
    return [
        row | {"reason": why or _reason(row, (row["stratum"], row["level"]) in small)}
        for row in found.filter(metric="auroc").iter_rows(named=True)
    ]


def _with_small_class(metrics: pl.DataFrame) -> set[tuple[str, str]]:
    """Stratum and level of the subgroups with a class of few images, or one not disclosed."""
    is_whole = pl.col("metric") == "auroc"
    least = pl.min_horizontal(
        "positives", pl.when(is_whole).then(pl.col("images") - pl.col("positives"))
    )
    few = metrics.filter(
        pl.col("metric").str.starts_with("auroc"),
        (least < FEWEST_PATIENTS) | (pl.col("suppressed") & ~is_whole),
    )
    return set(few.select("stratum", "level").iter_rows())


def _reason(row: Mapping[str, Any], small: bool) -> str:
    if row["suppressed"]:
        return SUPPRESSED
    if row["value"] is None:
        return "one class only"
    return f"a class of under {FEWEST_PATIENTS}" if small else ""


def forest_figure(rows: Rows) -> Figure | None:
    """Value and 95 % interval of each row of `subgroup_rows`, one below the other.

    Filled marks may be interpreted; hollow grey ones may not, and say why. The dashed line is
    chance, the dotted one the value of all patients. None without a value.
    """
    if all(row["value"] is None for row in rows):
        return None
    lines = _lines(rows)
    figure = new_figure(5.4, 0.7 + 0.185 * len(lines))
    axis = figure.subplots()
    axis.axvline(0.5, color="0.75", linewidth=0.8, linestyle="--")
    for place, line in enumerate(lines):
        if isinstance(line, dict):
            _row(axis, line, place)
    lows = [n for row in rows for n in (row["low"], row["value"]) if n is not None]
    axis.set(
        xlim=(min(0.45, min(lows) - 0.03), 1.02), ylim=(len(lines) - 0.4, -0.8), xlabel="AUROC"
    )
    axis.set_yticks(range(len(lines)), [_name(line) for line in lines])
    for label, line in zip(axis.get_yticklabels(), lines, strict=True):
        label.set_fontweight(
            "bold" if isinstance(line, str) or line["stratum"] == "all" else "normal"
        )
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    return figure


def _lines(rows: Rows) -> list[dict[str, Any] | str]:
    """The rows, and the name of each variable before its levels."""
    lines: list[dict[str, Any] | str] = []
    for row, before in zip(rows, [{}, *rows], strict=False):
        if row["stratum"] not in ("all", before.get("stratum")):
            lines.append(row["stratum"].replace("_", " "))
        lines.append(row)
    return lines


def _name(line: dict[str, Any] | str) -> str:
    if isinstance(line, str):
        return line
    return "all patients" if line["stratum"] == "all" else line["level"]


def _row(axis: Axes, row: dict[str, Any], place: int) -> None:
    colour, fill = ("0.5", "white") if row["reason"] else (COLOURS[0], COLOURS[0])
    if row["value"] is not None:
        if row["stratum"] == "all":
            axis.axvline(row["value"], color="0.6", linewidth=0.8, linestyle=":")
        if row["low"] is not None:
            axis.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=1.5)
        axis.plot(row["value"], place, "s", color=colour, markerfacecolor=fill, markersize=5)
    told = f"{tables.value(row, 2)} ({tables.interval(row, 2)}), {count(row['subjects'])}"
    if row["value"] is None:
        told = ""
    reason = f"{'; ' if told else ''}{row['reason']}" if row["reason"] else ""
    axis.annotate(told + reason, (1, place), (6, 0), xycoords=("axes fraction", "data"),
                  textcoords="offset points", va="center", fontsize=7.5,
                  color="0.4" if row["reason"] else "black")  # fmt: skip
