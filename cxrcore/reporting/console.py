"""The summary that people see in the terminal."""

from __future__ import annotations

import sys
from typing import TextIO

import polars as pl

from cxrcore.reporting import tables
from data_contracts import titles
from data_contracts.cohort_tables import count

_PLAIN_WIDTH = 160


def print_summary(
    models: pl.DataFrame, metrics: pl.DataFrame, verdicts: pl.DataFrame, reference: str,
    file: TextIO | None = None,
) -> None:  # fmt: skip
    """Print the test AUROC of every model, and the verdict on each attribute by level.

    Ruled tables on a terminal, plain columns elsewhere; `file` is stdout unless given.
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
    if not verdicts.height:
        return
    levels = [name for name in titles.LEVELS if (verdicts["evidence_level"] == name).any()]
    table = Table(f"evidence shared with {reference}", *levels, box=style)
    for shown in tables.verdict_table(verdicts):
        found = (shown["cells"].get(level) for level in levels)
        told = [f"{cell['verdict']} ({cell['value']})" if cell else "–" for cell in found]
        table.add_row(shown["attribute"], *told)
    console.print()
    console.print(table)
