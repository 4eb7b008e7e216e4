"""The summary that people see in the terminal."""

from __future__ import annotations

import sys
from typing import TextIO

import polars as pl

from cxrcore.interpretation import rankings
from cxrcore.reporting import tables
from data_contracts.cohort_tables import count
from data_contracts.titles import RANKING

_PLAIN_WIDTH = 160


def print_summary(
    models: pl.DataFrame, metrics: pl.DataFrame, associations: pl.DataFrame, reference: str,
    file: TextIO | None = None,
) -> None:  # fmt: skip
    """Print the test AUROC of every model, and similarity to the reference, ranked.

    What may not be interpreted comes last, with the reason instead of a rank. Ruled tables on a
    terminal, plain columns elsewhere; `file` is stdout unless given.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    file = file or sys.stdout
    console = Console(file=file, width=None if file.isatty() else _PLAIN_WIDTH, highlight=False)
    style = box.SIMPLE if file.isatty() else None
    several = models.height > models["task"].n_unique()
    whole = metrics.filter(pl.col("metric").is_in(["auroc", "r2"]), split="test", stratum="all")
    score = "AUROC" if (whole["metric"] == "auroc").all() else "AUROC or R²"
    performance = Table(
        "task", *(["model"] if several else []), score, "95 % CI", "test patients", box=style
    )
    for row in whole.iter_rows(named=True):
        name = [row["name"]] if several else []
        cells = tables.value(row), tables.interval(row), count(row["subjects"])
        performance.add_row(row["task"], *name, *cells)
    console.print(performance)
    similar = associations.filter("primary", statistic=RANKING)
    if not similar["value"].count():
        return
    ranked = rankings(similar).get(RANKING, [])
    rest = similar.filter(~similar["interpretable"]).to_dicts()
    names = ["rank", f"similarity to {reference}", "r of class differences", "95 % CI"]
    table = Table(*names, *([""] if rest else []), box=style)
    for rank, row in enumerate(ranked + rest, start=1):
        table.add_row(
            str(rank) if row["interpretable"] else "–",
            row["attribute"],
            tables.value(row),
            tables.interval(row),
            *([row["reason"] or ""] if rest else []),
        )
    console.print()
    console.print(table)
