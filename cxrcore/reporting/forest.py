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
    whole, classes = pl.col("metric") == "auroc", pl.col("metric").str.starts_with("auroc:")
    rest = pl.when(whole).then(pl.col("images") - pl.col("positives"))
    few = pl.min_horizontal("positives", rest) < FEWEST_PATIENTS
    reasons = {
        f"a class {SUPPRESSED}": _subgroups(found.filter(classes, pl.col("suppressed"))),
        f"a class of under {FEWEST_PATIENTS}": _subgroups(found.filter(whole | classes, few)),
    }
    return [
        row | {"reason": why or _reason(row, reasons)}
        for row in found.filter(whole).iter_rows(named=True)
    ]


def _subgroups(rows: pl.DataFrame) -> set[tuple[str, str]]:
    return set(rows.select("stratum", "level").iter_rows())


def _reason(row: Mapping[str, Any], reasons: Mapping[str, set[tuple[str, str]]]) -> str:
    if row["suppressed"]:
        return SUPPRESSED
    if row["value"] is None:
        return "one class only"
    where = row["stratum"], row["level"]
    return next((reason for reason, some in reasons.items() if where in some), "")


def forest_figure(rows: Rows) -> Figure | None:
    """Value and 95 % interval of each row of `subgroup_rows`, one below the other.

    Filled marks may be interpreted; hollow grey ones may not, and say why. The dashed line is
    chance, the dotted one the value of all patients. None without a value.
    """
    if all(row["value"] is None for row in rows):
        return None
    lines = _lines(rows)
    figure = new_figure(6.2, 0.8 + 0.185 * len(lines))
    axis, texts = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": [1, 1.1]})
    texts.set_axis_off()
    axis.axvline(0.5, color="0.75", linewidth=0.8, linestyle="--")
    reasons = {row["reason"] for row in rows}
    of_network = reasons.pop() if len(reasons) == 1 else ""
    if of_network:
        figure.suptitle(f"not interpretable: {of_network}", fontsize=8)
    for place, line in enumerate(lines):
        if isinstance(line, dict):
            _mark(axis, line, place)
            _text(texts, line, place, "" if of_network else line["reason"])
    lows = [n for row in rows for n in (row["low"], row["value"]) if n is not None]
    axis.set(
        xlim=(min(0.45, min(lows) - 0.03), 1.02), ylim=(len(lines) - 0.4, -0.8), xlabel="AUROC"
    )
    axis.set_yticks(range(len(lines)), [_name(line) for line in lines])
    for label, line in zip(axis.get_yticklabels(), lines, strict=True):
        bold = isinstance(line, str) or line["stratum"] == "all"
        label.set_fontweight("bold" if bold else "normal")
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


def _mark(axis: Axes, row: Mapping[str, Any], place: int) -> None:
    if row["value"] is None:
        return
    colour, fill = ("0.5", "white") if row["reason"] else (COLOURS[0], COLOURS[0])
    if row["stratum"] == "all":
        axis.axvline(row["value"], color="0.6", linewidth=0.8, linestyle=":")
    if row["low"] is not None:
        axis.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=1.5)
    axis.plot(row["value"], place, "s", color=colour, markerfacecolor=fill, markersize=5)


def _text(axis: Axes, row: Mapping[str, Any], place: int, reason: str) -> None:
    numbers = f"{tables.value(row, 2)} ({tables.interval(row, 2)}), {count(row['subjects'])}"
    told = [*([] if row["value"] is None else [numbers]), *([reason] if reason else [])]
    text = axis.text(0, place, "; ".join(told), va="center", fontsize=7.5,
                     color="0.4" if row["reason"] else "black")  # fmt: skip
    # However long, it leaves the other axis its width.
    text.set_in_layout(False)
