"""The table of metrics: which of its rows are shown, and as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from data_contracts import titles
from data_contracts.cohort import SPLITS
from data_contracts.summary import METRICS

if TYPE_CHECKING:
    import polars as pl


#: Between two variables, and their levels, that images are divided by together.
_CROSS = " × "


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
    crossed: Mapping[frozenset[tuple[str, str]], tuple[str, str]] = field(default_factory=dict)
    """By two levels, each with its stratum: the stratum of both together, with its level."""


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


def with_kind(metrics: pl.DataFrame, crossed: pl.DataFrame | None = None) -> pl.DataFrame:
    """METRICS with the `kind` of each metric: its name, with a colon where it is of a class.

    CROSSED_METRICS, if any, follow as strata of two variables together.
    """
    import polars as pl

    if crossed is not None:
        rows = crossed.with_columns(
            split=pl.lit("test"), metric=pl.lit("auroc"),
            stratum=pl.concat_str("variable", "other_variable", separator=_CROSS),
            level=pl.concat_str("level", "other_level", separator=_CROSS),
        )  # fmt: skip
        metrics = pl.concat([metrics, rows.select(metrics.columns).cast(metrics.schema)])
    return metrics.with_columns(pl.col("metric").str.replace(":.*", ":").alias("kind"))


def vocabulary(metrics: pl.DataFrame) -> Vocabulary:
    """That of a table `with_kind`."""
    levels: dict[str, list[tuple[str, str]]] = {}
    crossed = {}
    for stratum, level in (
        metrics.select("stratum", "level").unique(maintain_order=True).iter_rows()
    ):
        if _CROSS in stratum:
            pair = zip(stratum.split(_CROSS), level.split(_CROSS), strict=True)
            crossed[frozenset(pair)] = (stratum, level)
        elif stratum != "all":
            levels.setdefault(level.lower(), []).append((stratum, level))
    return Vocabulary(tuple(metrics["kind"].unique(maintain_order=True)), levels, crossed)


def understood(selection: Selection, query: str, known: Vocabulary) -> Query:
    """`selection` with the metric, the split and the strata that a query names.

    Of levels of two variables the patients who have both are shown, where they are measured; of
    others the rows of each.
    """
    words = query.lower().split()
    kind = next((word for word in words if word in known.kinds), selection.kind)
    split = next((word for word in words if word in SPLITS), selection.split)
    named = {word: known.levels[word] for word in words if word in known.levels}
    strata = selection.strata or bool(named)
    selection = replace(selection, kind=kind, split=split, strata=strata)
    if len(variables := {pairs[0][0]: pairs[0][1] for pairs in named.values()}) < 2:
        return Query(selection, query)
    rest = " ".join(word for word in words if word not in named)
    both = [known.crossed.get(frozenset(pair)) for pair in product(*named.values())]
    if together := tuple(level for level in both if level):
        return Query(replace(selection, kind="auroc", split="test", levels=together), rest)
    levels, names = " and ".join(variables.values()), ", ".join(variables).replace("_", " ")
    pairs = tuple(pair for found in named.values() for pair in found)
    note = f"no metrics of {levels} together ({names}); each is shown alone"
    return Query(replace(selection, levels=pairs), rest, note)


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
    elif not selection.levels:
        rows = rows.filter(~pl.col("stratum").str.contains(_CROSS, literal=True))
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
