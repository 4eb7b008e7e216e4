"""Rows of the page Metrics: a selection of the table, and models that it does not cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tui.results.metric_rows import Selection, selected
from tui.table import Column, Row, Tone
from tui.texts.numbers import NONE, interval, number
from tui.texts.sanitize import escape_markup
from tui.workspace.snapshot import Artifact

if TYPE_CHECKING:
    import polars as pl

ModelKey = tuple[str, str]
"""Its task and its name."""

MARK, NO_MARK = "● ", "  "
_RIGHT = ("value", "95 % CI", "n", "images", "pos.")
#: Columns that give way on a narrow terminal, in this order, and how far.
_SHRINK = (("model", 6), ("level", 6), ("task", 8))
_GAP = 2


@dataclass(frozen=True)
class MetricTable:
    """Rows, and what the page needs to know about them."""

    titles: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()
    """Cells that the longest text of each column takes."""
    rows: tuple[Row, ...] = ()
    models: tuple[ModelKey, ...] = ()
    """Of each row."""
    frame: pl.DataFrame | None = None
    """The rows of the table, in order, by which the rows' keys are named."""
    hidden: int = 0
    """Rows left out because they have few patients."""

    def model_of(self, key: str) -> ModelKey | None:
        """The model of a row."""
        owners = (m for r, m in zip(self.rows, self.models, strict=True) if r.key == key)
        return next(owners, None)


def metric_table(
    metrics: pl.DataFrame | None, selection: Selection, models: Sequence[ModelKey], *, wide: bool
) -> MetricTable:
    """The rows of `selection` from `guarded` metrics, then `models` that have none at all."""
    titles = _titles(selection, wide)
    rows: list[Row] = []
    owners: list[ModelKey] = []
    frame, hidden = None, 0
    covered: set[ModelKey] = set()
    if metrics is not None:
        covered = set(metrics.select("task", "model").unique().iter_rows())
        frame, hidden = selected(metrics, selection)
        for i, record in enumerate(frame.iter_rows(named=True)):
            rows.append(_row(str(i), record, titles))
            owners.append((record["task"], record["model"]))
    for model in models:
        if model not in covered:
            rows.append(_bare_row(model, titles))
            owners.append(model)
    texts = zip(*(row.cells for row in rows), strict=True) if rows else ((t,) for t in titles)
    widths = tuple(
        max(len(title), *map(len, column)) for title, column in zip(titles, texts, strict=True)
    )
    return MetricTable(titles, widths, tuple(rows), tuple(owners), frame, hidden)


def note_of(artifact: Artifact | None) -> str:
    """What is wrong with the table and what to do, as content markup; empty if nothing is."""
    if artifact is None:
        return (
            "aggregate has not run yet; press [b]n[/b] to launch it. "
            "Curves ([b]c[/b]) need no metrics."
        )
    if artifact.state not in ("damaged", "stale"):
        return ""
    reason = escape_markup(artifact.reason)
    state = "out of date" if artifact.state == "stale" else artifact.state
    return f"the metrics are {state} ({reason}); press [b]n[/b] to re-create them with aggregate"


def columns(table: MetricTable, width: int) -> list[Column]:
    """The columns as wide as their texts; where that is too wide, names are cut."""
    widths = dict(zip(table.titles, table.widths, strict=True))
    excess = sum(widths.values()) + _GAP * (len(widths) - 1) - width
    for name, least in _SHRINK:
        if excess > 0 and name in widths:
            cut = min(excess, max(0, widths[name] - least))
            widths[name] -= cut
            excess -= cut
    return [Column(title, n, right=title in _RIGHT) for title, n in widths.items()]


def marked(row: Row) -> Row:
    """`row` with a mark before its first cell."""
    first = MARK + row.cells[0][len(NO_MARK) :]
    return Row(row.key, (first, *row.cells[1:]), row.values, ("live", *row.tones[1:]))


def _titles(selection: Selection, wide: bool) -> tuple[str, ...]:
    """What all rows share stands above the table; there is room for it on a wide terminal."""
    several = wide or not selection.kind or selection.kind.endswith(":")
    return tuple(
        title
        for title, needed in (
            ("task", True), ("model", True), ("split", wide or not selection.split),
            ("stratum", selection.strata), ("level", selection.strata), ("metric", several),
            ("value", True), ("95 % CI", True), ("n", True),
            ("images", wide or not selection.strata), ("pos.", True),
        )
        if needed
    )  # fmt: skip


def _row(key: str, record: dict[str, Any], titles: tuple[str, ...]) -> Row:
    cells = {
        "task": NO_MARK + record["task"], "model": record["model"], "split": record["split"],
        "stratum": record["stratum"].replace("_", " "), "level": record["level"],
        "metric": record["metric"], "value": number(record["value"]),
        "95 % CI": interval(record["low"], record["high"]), "n": record["subjects_text"],
        "images": record["images_text"], "pos.": record["positives_text"],
    }  # fmt: skip
    # A text that hides a number must not be sorted by it.
    values = record | {
        "95 % CI": record["low"],
        "n": record["subjects"] if record["subjects_text"][0].isdigit() else None,
        "images": record["images"] if record["images_text"][0].isdigit() else None,
        "pos.": record["positives"] if record["positives_text"][0].isdigit() else None,
    }
    tones: tuple[Tone, ...] = tuple("warn" if _is_chance(t, record) else "" for t in titles)
    return Row(key, tuple(cells[t] for t in titles), tuple(values[t] for t in titles), tones)


def _is_chance(title: str, record: dict[str, Any]) -> bool:
    """Whether the interval of an AUROC does not lie above one half."""
    is_area = record["kind"].startswith("auroc") and record["low"] is not None
    return title in ("value", "95 % CI") and is_area and record["low"] <= 0.5


def _bare_row(model: ModelKey, titles: tuple[str, ...]) -> Row:
    names = dict(zip(("task", "model"), model, strict=True))
    cells = dict.fromkeys(titles, NONE) | names | {"task": NO_MARK + model[0]}
    key = "\n".join(model)
    tones: tuple[Tone, ...] = tuple("" if t in names else "dim" for t in titles)
    return Row(key, tuple(cells.values()), tuple(names.get(t) for t in titles), tones)
