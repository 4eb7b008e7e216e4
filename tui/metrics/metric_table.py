"""Rows of the page Metrics: a selection of the table, and models that it does not cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from data_contracts.disclosure import SUPPRESSED
from tui.metrics.comparison import NO_SLOPE
from tui.metrics.metric_rows import Selection, selected
from tui.shared.numbers import NONE, interval, number
from tui.shared.sanitize import escape_markup
from tui.shared.table import Column, Row
from tui.shared.toned import Tone
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


#: Of a model that was trained after `aggregate` ran; the key launches it.
NOT_AGGREGATED = "not aggregated (n)"


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
    suppressed: bool = False
    """Whether numbers of any row are not disclosed."""
    dashes: tuple[str, ...] = ()
    """Why there are dashes."""

    def model_of(self, key: str) -> ModelKey | None:
        """The model of a row."""
        owners = (m for r, m in zip(self.rows, self.models, strict=True) if r.key == key)
        return next(owners, None)


def metric_table(
    metrics: pl.DataFrame | None, selection: Selection, models: Sequence[ModelKey], *, wide: bool
) -> MetricTable:
    """The rows of `selection` from metrics `with_kind`, then `models` that have none at all."""
    titles = _titles(selection, wide)
    rows: list[Row] = []
    owners: list[ModelKey] = []
    frame, suppressed = None, False
    dashes: tuple[str, ...] = ()
    covered: set[ModelKey] = set()
    if metrics is not None:
        covered = set(metrics.select("task", "name").unique().iter_rows())
        frame = selected(metrics, selection)
        suppressed, dashes = bool(frame["suppressed"].any()), _dashes(frame)
        for i, record in enumerate(frame.iter_rows(named=True)):
            rows.append(_row(str(i), record, titles))
            owners.append((record["task"], record["name"]))
    for model in models:
        if model not in covered:
            why = NONE if metrics is None else NOT_AGGREGATED
            rows.append(_bare_row(model, titles, why))
            owners.append(model)
    texts = zip(*(row.cells for row in rows), strict=True) if rows else ((t,) for t in titles)
    widths = tuple(
        max(len(title), *map(len, column)) for title, column in zip(titles, texts, strict=True)
    )
    return MetricTable(titles, widths, tuple(rows), tuple(owners), frame, suppressed, dashes)


def _dashes(frame: pl.DataFrame) -> tuple[str, ...]:
    """Why numbers are missing that might be shown."""
    shown = frame.filter(suppressed=False)
    slopes = shown.filter(shown["kind"].str.starts_with("calibration_slope"))["value"]
    texts = {
        f"slope –: {NO_SLOPE}": slopes,
        "pos. –: not two classes": shown["positives"],
    }
    return tuple(text for text, numbers in texts.items() if numbers.null_count())


def note_of(artifact: Artifact | None) -> str:
    """What is wrong with the table and what to do, as content markup; empty if nothing is."""
    if artifact is None:
        return (
            "aggregate has not run yet; press [b]n[/b] to launch it. "
            "Training curves ([b]c[/b]) need no metrics."
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
    names = [title for title, _ in _SHRINK]
    return [
        Column(title, n, right=title in _RIGHT, name=title in names) for title, n in widths.items()
    ]


def marked(row: Row) -> Row:
    """`row` with a mark before its first cell."""
    first = MARK + row.cells[0][len(NO_MARK) :]
    return replace(row, cells=(first, *row.cells[1:]), tones=("live", *row.tones[1:]))


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
        "task": NO_MARK + record["task"], "model": record["name"], "split": record["split"],
        "stratum": record["stratum"].replace("_", " "), "level": record["level"],
        "metric": record["metric"], "value": number(record["value"]),
        "95 % CI": interval(record["low"], record["high"]), "n": _count(record["subjects"]),
        "images": _count(record["images"]), "pos.": _count(record["positives"]),
    }  # fmt: skip
    values = record | {
        "model": record["name"], "95 % CI": record["low"], "n": record["subjects"],
        "pos.": record["positives"],
    }  # fmt: skip
    if record["suppressed"]:
        cells |= dict.fromkeys(_RIGHT, SUPPRESSED)
        return _with_tones(key, cells, values, titles, _RIGHT, "dim")
    chance = ("value", "95 % CI") if _is_chance(record) else ()
    return _with_tones(key, cells, values, titles, chance, "warn")


def _with_tones(
    key: str, cells: dict[str, str], values: dict[str, Any], titles: tuple[str, ...],
    toned: Sequence[str], tone: Tone,
) -> Row:  # fmt: skip
    """A row with the columns `titles`, some `toned`; a filter finds the others as well."""
    tones: tuple[Tone, ...] = tuple(tone if t in toned else "" for t in titles)
    shown, sorting = tuple(cells[t] for t in titles), tuple(values[t] for t in titles)
    hidden = {n: cells[n] for n in ("split", "stratum", "level", "metric") if n not in titles}
    return Row(key, shown, sorting, tones, hidden)


def _count(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"


def _is_chance(record: dict[str, Any]) -> bool:
    """Whether the interval of an AUROC does not lie above one half."""
    is_area = record["kind"].startswith("auroc") and record["low"] is not None
    return bool(is_area and record["low"] <= 0.5)


def _bare_row(model: ModelKey, titles: tuple[str, ...], why: str) -> Row:
    """The row of a model without numbers; `why` stands where the interval would."""
    names = dict(zip(("task", "model"), model, strict=True))
    cells = dict.fromkeys(titles, NONE) | names | {"task": NO_MARK + model[0]}
    cells["95 % CI"] = why
    key = "\n".join(model)
    tones: tuple[Tone, ...] = tuple("" if t in names else "dim" for t in titles)
    return Row(key, tuple(cells.values()), tuple(names.get(t) for t in titles), tones)
