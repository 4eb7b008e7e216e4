"""The table of metrics as it may be shown: small counts suppressed, and a selection of rows."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data_contracts.cohort_description import SMALLEST_CELL
from data_contracts.disclosure import (
    HIDDEN,
    count,
    hidden_in_all,
    hidden_parts,
    shown,
    told_by_other_tasks,
)
from data_contracts.summary import METRICS

if TYPE_CHECKING:
    import polars as pl

TITLES = {
    "auroc": "AUROC", "auprc": "AUPRC", "brier": "Brier score",
    "calibration_slope": "calibration slope",
}  # fmt: skip
_COUNTS = ("images", "subjects", "positives")


@dataclass(frozen=True)
class Selection:
    """Which rows to show; an empty text stands for all."""

    split: str = "test"
    kind: str = "auroc"
    """A metric, or with a colon at its end the metric of each class."""
    strata: bool = False


def title_of(kind: str) -> str:
    """A metric, or a kind of metrics, as text."""
    name, colon, of_class = kind.partition(":")
    title = TITLES.get(name, name.replace("_", " "))
    return f"{title} {of_class or 'by class'}" if colon else title


def guarded(metrics: pl.DataFrame) -> pl.DataFrame:
    """METRICS with the `kind` of each metric, and its counts as texts that reveal no small count.

    The texts are in `images_text`, `subjects_text` and `positives_text`. Levels add up to the
    whole split and classes to the images of a level, so more than the few must be hidden.
    """
    import polars as pl

    levels, classes = _hidden_levels(metrics), _hidden_classes(metrics)
    patients = _patients(metrics)
    texts: dict[str, list[str]] = {name: [] for name in _COUNTS}
    for row in metrics.select(
        "task", "model", "split", "stratum", "level", "metric", *_COUNTS
    ).iter_rows():
        cell, metric, (images, subjects, positives) = row[:5], row[5], row[6:]
        task, model, split, stratum, _ = cell
        revealed = stratum != "all" and told_by_other_tasks(patients[model, split], task, stratum)
        hide = revealed or cell in levels
        texts["subjects"].append(shown(subjects, hide))
        texts["images"].append(HIDDEN if hide else count(images, subjects))
        hide = hide or (*cell, metric) in classes or (*cell, "") in classes
        texts["positives"].append("–" if positives is None else shown(positives, hide))
    kind = pl.col("metric").str.replace(":.*", ":").alias("kind")
    return metrics.with_columns(kind, *(pl.Series(f"{n}_text", t) for n, t in texts.items()))


def _patients(metrics: pl.DataFrame) -> dict[tuple[str, str], dict[str, int]]:
    """By model's name and split: the patients of each task."""
    out: dict[tuple[str, str], dict[str, int]] = {}
    names = ("task", "model", "split", "subjects")
    for task, model, split, n in metrics.select(names).group_by(names[:3]).max().iter_rows():
        out.setdefault((model, split), {})[task] = n
    return out


def _hidden_levels(metrics: pl.DataFrame) -> set[tuple[str, ...]]:
    """Subgroups (task, model, split, stratum, level) whose patients must be suppressed."""
    out: set[tuple[str, ...]] = set()
    names = ("task", "model", "split", "stratum", "level", "subjects")
    for group, parts, whole in _strata(metrics.select(names).unique().iter_rows()):
        # Patients without a known level can be worked out from the whole.
        rest = max(0, whole.get("all", 0) - sum(parts.values()))
        counts: dict[str | None, int] = {**parts, None: rest}
        out |= {(*group, level) for level in hidden_parts(counts) if level is not None}
    return out


def _hidden_classes(metrics: pl.DataFrame) -> set[tuple[str, ...]]:
    """Subgroups (task, model, split, stratum, level, metric) whose positives must be suppressed.

    Of two classes one is counted, in every metric: its name here is empty.
    """
    out: set[tuple[str, ...]] = set()
    for group, parts, whole in _strata(_class_counts(metrics)):
        names = {name for _, name in parts}
        patients: dict[Hashable, int] = dict(parts)
        sums: list[list[Hashable]] = []
        for level in {level for level, _ in parts}:
            sums.append([(level, name) for name in names if (level, name) in parts])
        if group[3] != "all":
            for name in names:
                cells: list[Hashable] = [key for key in parts if key[1] == name]
                rest = whole.get(("all", name), 0) - sum(patients[c] for c in cells)
                patients[None, name] = max(0, rest)
                sums.append([*cells, (None, name)])
        hidden = hidden_in_all(patients, sums)
        out |= {(*group, *key) for key in parts if key in hidden}
    return out


def _class_counts(metrics: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Rows of task, model, split, stratum, (level, class), and the images of that class."""
    import polars as pl

    counted = metrics.filter(pl.col("positives").is_not_null()).select(
        "task", "model", "split", "stratum", "level", "images", "positives",
        pl.when(pl.col("metric").str.contains(":")).then("metric").otherwise(pl.lit("")),
    )  # fmt: skip
    for *cell, level, images, positives, name in counted.unique().iter_rows():
        yield (*cell, (level, name), positives)
        if not name:
            yield (*cell, (level, "rest"), images - positives)


def _strata(rows: Iterator[tuple[Any, ...]]) -> list[tuple[Any, dict[Any, int], dict[Any, int]]]:
    """For each (task, model, split, stratum) its parts, and those of the undivided split."""
    groups: dict[tuple[str, ...], dict[Any, int]] = {}
    for *group, part, n in rows:
        groups.setdefault(tuple(group), {})[part] = n
    nothing: Mapping[Any, int] = {}
    return [
        (group, parts, dict(groups.get((*group[:3], "all"), nothing)))
        for group, parts in groups.items()
    ]


def selected(metrics: pl.DataFrame, selection: Selection) -> tuple[pl.DataFrame, int]:
    """The rows of a selection, `guarded`, and how many more of few patients it would have."""
    import polars as pl

    rows = metrics
    if selection.split:
        rows = rows.filter(pl.col("split") == selection.split)
    if selection.kind:
        rows = rows.filter(pl.col("kind") == selection.kind)
    if not selection.strata:
        rows = rows.filter(pl.col("stratum") == "all")
    enough = rows.filter(pl.col("subjects") >= SMALLEST_CELL)
    return enough, rows.height - enough.height


def file_name(selection: Selection, *, filtered: bool = False) -> str:
    """The name of a file for a selection; what a filter has left does not replace the whole."""
    parts = ["metrics", selection.split, selection.kind.rstrip(":"), "strata" * selection.strata]
    parts.append("filtered" * filtered)
    return "-".join(filter(None, parts)) + ".csv"


def as_csv(rows: pl.DataFrame) -> bytes:
    """`guarded` rows with the columns of METRICS; suppressed counts are marked."""
    columns: Sequence[Any] = [f.name for f in METRICS.fields if f.name not in _COUNTS]
    import polars as pl

    texts = [
        pl.col(f"{name}_text").str.replace_all(",", "").replace("–", None).alias(name)
        for name in _COUNTS
    ]
    return rows.select(*columns, *texts).write_csv().encode()
