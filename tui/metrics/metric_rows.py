"""The table of metrics: which of its rows are shown, and as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data_contracts import titles
from data_contracts.summary import METRICS

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Selection:
    """Which rows to show; an empty text stands for all."""

    split: str = "test"
    kind: str = "auroc"
    """A metric, or with a colon at its end the metric of each class."""
    strata: bool = False


def title_of(kind: str) -> str:
    """A metric, or a kind of metrics, as text; empty: all of them."""
    if not kind:
        return "all metrics"
    name, colon, of_class = kind.partition(":")
    return f"{titles.metric(name)} {of_class or 'by class'}" if colon else titles.metric(name)


def with_kind(metrics: pl.DataFrame) -> pl.DataFrame:
    """METRICS with the `kind` of each metric: its name, with a colon where it is of a class."""
    import polars as pl

    return metrics.with_columns(pl.col("metric").str.replace(":.*", ":").alias("kind"))


def selected(metrics: pl.DataFrame, selection: Selection) -> pl.DataFrame:
    """The rows of a selection, `with_kind`."""
    import polars as pl

    rows = metrics
    if selection.split:
        rows = rows.filter(pl.col("split") == selection.split)
    if selection.kind:
        rows = rows.filter(pl.col("kind") == selection.kind)
    if not selection.strata:
        rows = rows.filter(pl.col("stratum") == "all")
    return rows


def file_name(selection: Selection, *, filtered: bool = False) -> str:
    """The name of a file for a selection; what a filter has left does not replace the whole."""
    parts = ["metrics", selection.split, selection.kind.rstrip(":"), "strata" * selection.strata]
    parts.append("filtered" * filtered)
    return "-".join(filter(None, parts)) + ".csv"


def as_csv(rows: pl.DataFrame) -> bytes:
    """Rows with the columns of METRICS; numbers that are not disclosed are empty."""
    columns: Sequence[Any] = [f.name for f in METRICS.fields]
    return rows.select(*columns).write_csv().encode()
