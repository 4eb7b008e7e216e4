"""The table of metrics: which of its rows are shown, and as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from data_contracts import titles
from data_contracts.cohort import SPLITS
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
    levels: tuple[tuple[str, str], ...] = ()
    """Only these strata with their levels."""


@dataclass(frozen=True)
class Vocabulary:
    """The words of a query that choose among the rows of the table."""

    kinds: tuple[str, ...] = ()
    """Metrics `with_kind`."""
    levels: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """By level in small letters: the strata that have it, with the level."""


@dataclass(frozen=True)
class Query:
    """What was typed means: a selection, the words to filter it by, and what there is not."""

    selection: Selection
    words: str
    note: str = ""


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


def vocabulary(metrics: pl.DataFrame) -> Vocabulary:
    """That of a table `with_kind`."""
    levels: dict[str, list[tuple[str, str]]] = {}
    for stratum, level in (
        metrics.select("stratum", "level").unique(maintain_order=True).iter_rows()
    ):
        if stratum != "all":
            levels.setdefault(level.lower(), []).append((stratum, level))
    return Vocabulary(tuple(metrics["kind"].unique(maintain_order=True)), levels)


def understood(selection: Selection, query: str, known: Vocabulary) -> Query:
    """`selection` with the metric, the split and the strata that a query names.

    Of levels of several variables, of which no row has more than one, the rows of each are shown.
    """
    words = query.lower().split()
    kind = next((word for word in words if word in known.kinds), selection.kind)
    split = next((word for word in words if word in SPLITS), selection.split)
    named = {word: known.levels[word] for word in words if word in known.levels}
    strata = selection.strata or bool(named)
    selection = replace(selection, kind=kind, split=split, strata=strata)
    if len(variables := {pairs[0][0]: pairs[0][1] for pairs in named.values()}) < 2:
        return Query(selection, query)
    levels, names = " and ".join(variables.values()), ", ".join(variables).replace("_", " ")
    note = f"no metrics of {levels} together: aggregate divides by one variable at a time ({names})"
    pairs = tuple(pair for found in named.values() for pair in found)
    rest = " ".join(word for word in words if word not in named)
    return Query(replace(selection, levels=pairs), rest, f"{note}; each is shown alone")


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
    if selection.levels:
        which = pl.struct(pl.col("stratum"), pl.col("level"))
        wanted = [{"stratum": stratum, "level": level} for stratum, level in selection.levels]
        rows = rows.filter(which.is_in(wanted))
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
