"""The summary that people see in the terminal."""

from __future__ import annotations

from typing import TextIO

import polars as pl

from cxrcore.figures import number
from cxrcore.report_tables import RANKING, count, interval, p_value, rankings

_PLAIN_WIDTH = 160


def print_summary(
    metrics: pl.DataFrame, associations: pl.DataFrame, reference: str, file: TextIO
) -> None:
    """Test AUROC per task, and similarity to the reference per attribute, ranked.

    Ruled tables on a terminal, plain columns elsewhere.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(file=file, width=None if file.isatty() else _PLAIN_WIDTH, highlight=False)
    style = box.SIMPLE if file.isatty() else None
    reading = Table("task", "AUROC", "95 % interval", "test patients", box=style)
    for row in metrics.filter(split="test", stratum="all", metric="auroc").iter_rows(named=True):
        reading.add_row(
            row["task"],
            number(row["value"]),
            interval(row),
            count(row["subjects"], row["subjects"]),
        )
    console.print(reading)
    found = associations.filter(pl.col("statistic") == RANKING)
    rows = {r["attribute"]: r for r in found.iter_rows(named=True)}
    if order := rankings(associations).get(RANKING):
        likeness = Table(
            "rank",
            f"similarity to {reference}",
            "r of contrast maps",
            "95 % interval",
            "p (Holm)",
            box=style,
        )
        for rank, attribute in enumerate(order, start=1):
            row = rows[attribute]
            likeness.add_row(
                str(rank), attribute, number(row["value"]), interval(row), p_value(row["p_holm"])
            )
        console.print()
        console.print(likeness)
