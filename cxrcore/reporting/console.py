"""The summary that people see in the terminal."""

from __future__ import annotations

import sys
from typing import TextIO

import polars as pl

from cxrcore.reading import RANKING, judged, rankings
from cxrcore.reporting.figures import number
from cxrcore.reporting.tables import interval
from data_contracts.disclosure import count

_PLAIN_WIDTH = 160


def print_summary(
    metrics: pl.DataFrame, associations: pl.DataFrame, reference: str, file: TextIO | None = None
) -> None:
    """Print the test AUROC per task, and similarity to the reference per attribute, ranked.

    What is not read comes last, with the reason instead of a rank. Ruled tables on a
    terminal, plain columns elsewhere; `file` is stdout unless given.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    file = file or sys.stdout
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
    found = judged(associations.filter(pl.col("statistic") == RANKING), metrics)
    if not found["value"].count():
        return
    ranked = rankings(found).get(RANKING, [])
    rest = found.filter(pl.col("not_read") != "").to_dicts()
    names = ["rank", f"similarity to {reference}", "r of contrast maps", "95 % interval"]
    likeness = Table(*names, *([""] if rest else []), box=style)
    for rank, row in enumerate(ranked + rest, start=1):
        likeness.add_row(
            "–" if row["not_read"] else str(rank),
            row["attribute"],
            number(row["value"]),
            interval(row),
            *([row["not_read"]] if rest else []),
        )
    console.print()
    console.print(likeness)
