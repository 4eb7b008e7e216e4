"""The page Metrics: prediction performance of every model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from data_contracts.cohort import SPLITS
from data_contracts.crossed_metrics import CROSSED_METRICS
from data_contracts.errors import CxrError
from data_contracts.predictions import PREDICTIONS
from data_contracts.summary import METRICS
from tui.metrics.compare import MOST_MODELS
from tui.metrics.metric_rows import (
    Query,
    Selection,
    Vocabulary,
    as_csv,
    file_name,
    title_of,
    understood,
    vocabulary,
    with_kind,
)
from tui.metrics.metric_table import MetricTable, ModelKey, columns, marked, metric_table, note_of
from tui.shared.disclosure import Disclosure
from tui.shared.filter_bar import FilterBar
from tui.shared.messages import ErrorMet, Export, OpenCurves, OpenLaunch
from tui.shared.page import Page
from tui.shared.placeholder import Placeholder
from tui.shared.reading import Reading
from tui.shared.rows import Rows
from tui.shared.sanitize import escape_markup
from tui.shared.switch import after, switch
from tui.workspace.snapshot import Artifact, Snapshot

if TYPE_CHECKING:
    import polars as pl

_SPLITS = (*reversed(SPLITS), "")
_WIDE = 110
_NOTHING = """No models yet, so no metrics.
Press [b]n[/b] to launch train-task; see Overview ([b]1[/b]) for what to run first."""


class MetricRows(Rows):
    """The table, with the key that sorts it in the last line."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "sort_next", "Sort", id="rows.sort")]


class MetricsPage(Page):
    """A table of metrics by task, model, split and stratum; marked models are compared."""

    NAME: ClassVar[str] = "metrics"
    HELP: ClassVar[str] = (
        "Prediction performance of each model, with 95 % patient-bootstrap CIs.\n"
        "[b]n[/b]: patients; [b]images[/b]: their images; [b]pos.[/b]: images of the positive "
        "class, the second of two.\n[$text-warning]Amber[/]: the CI of an AUROC is not above "
        "0.5.\n[b]n/d[/b]: not disclosed; see the line above the table.\nA filter also finds the "
        "metric and strata that are not shown: [b]auroc mortality ap[/b]."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", id="metrics.mark"),
        Binding("c", "curves", "Curves", id="metrics.curves"),
        Binding("p", "next_split", "Split", id="metrics.split"),
        Binding("m", "next_metric(1)", "Metric", id="metrics.metric"),
        Binding("M", "next_metric(-1)", "Previous metric", False, id="metrics.metric-previous"),
        Binding("t", "strata", "Strata", show=False, id="metrics.strata"),
        Binding("x", "export", "Export", id="metrics.export"),
        Binding("u", "unmark", "Unmark all", show=False, id="metrics.unmark"),
        Binding("n", "launch", "Launch", show=False, id="metrics.launch"),
    ]
    DEFAULT_CSS = """
    MetricsPage {
        #state { height: auto; padding: 0 1; color: $foreground 70%; link-style: none; }
        Rows { padding-right: 1; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._frame: tuple[pl.DataFrame, pl.DataFrame] | None = None
        self._selection = Selection()
        self._reading = Reading(self, "metrics", self._take)
        self._table = MetricTable()
        self._known, self._typed = Vocabulary(), ""
        self._least: int | None = None
        self._marks: dict[ModelKey, None] = {}

    def content(self) -> Iterator[Widget]:
        yield Static(id="state")
        yield Static(id="note")
        yield Disclosure()
        yield MetricRows()
        yield Placeholder()

    def show(self, _: Snapshot) -> None:
        self._ask()

    def on_resize(self) -> None:
        self._ask()
        self._lay_out()

    def _ask(self) -> None:
        """Have the selection read, if it is not what is shown."""
        if self.snapshot is None:
            return
        artifact = self.snapshot.artifacts.get(METRICS.path_template)
        models = tuple(a.place for a in self.snapshot.of(PREDICTIONS.name))
        wide = self.size.width >= _WIDE
        content = artifact and (artifact.state, artifact.reason, artifact.header)
        query = self._query
        key = content, models, query.selection, wide
        read = partial(self._read, artifact, self.snapshot, query.selection, wide)
        nothing = "" if artifact or models else _NOTHING
        note = "" if nothing else note_of(artifact)
        self.show_note("\n".join(filter(None, (note, escape_markup(query.note)))))
        if self._reading.want(key, read):
            self.show_placeholder(nothing)

    @property
    def _query(self) -> Query:
        """What is selected by keys and by what was typed."""
        return understood(self._selection, self._typed, self._known)

    def _read(
        self, artifact: Artifact | None, snapshot: Snapshot, selection: Selection, wide: bool
    ) -> tuple[MetricTable, Vocabulary, int | None]:
        """The table, what can be asked of it, and what number is not disclosed."""
        models = [(a.keys["task"], a.keys["name"]) for a in snapshot.of(PREDICTIONS.name)]
        metrics = None
        if artifact is not None and artifact.header is not None:
            try:
                metrics = self._metrics(artifact, snapshot)
            except CxrError as error:
                self.post_message(ErrorMet("metrics", str(error)))
        known = Vocabulary() if metrics is None else vocabulary(metrics)
        if known.kinds and selection.kind not in (*known.kinds, ""):
            selection = replace(selection, kind=known.kinds[0])
        table = metric_table(metrics, selection, models, wide=wide)
        return table, known, artifact.least if artifact else None

    def _metrics(self, artifact: Artifact, snapshot: Snapshot) -> pl.DataFrame:
        """The table `with_kind`, worked out once for each content."""
        frame = self.dashboard.tables.read(artifact)
        if self._frame is None or self._frame[0] is not frame:
            more = snapshot.artifacts.get(CROSSED_METRICS.path_template)
            crossed = self.dashboard.tables.read(more) if more else None
            self._frame = frame, with_kind(frame, crossed)
        return self._frame[1]

    def _take(self, read: tuple[MetricTable, Vocabulary, int | None]) -> None:
        self._table, self._known, self._least = read
        kinds = self._known.kinds
        if kinds and self._selection.kind not in (*kinds, ""):
            self._selection = replace(self._selection, kind=kinds[0])
        self._lay_out()
        self._fill()
        self._filter()  # words that were typed before anything was read may mean more now

    def _lay_out(self) -> None:
        self.query_one(Rows).set_columns(*columns(self._table, self.size.width - 2))

    def _fill(self) -> None:
        pairs = zip(self._table.rows, self._table.models, strict=True)
        self.query_one(Rows).set_rows([marked(r) if m in self._marks else r for r, m in pairs])
        self._update_status()
        self.query_one(Disclosure).explain(self._least if self._table.suppressed else None)

    def _update_status(self) -> None:
        chosen, shown = self._query.selection, len(self.query_one(Rows).shown)
        counts = f"{shown:,} row{'s' * (shown != 1)}"
        if self._marks:
            counts += f", [$text-primary]{len(self._marks)} marked[/]"
        parts = [
            switch("p", "next_split", "split", chosen.split or "all"),
            switch("m", "next_metric(1)", "", title_of(chosen.kind)),
            switch("t", "strata", "strata", "on" if chosen.strata else "off"), counts,
            *self._table.dashes,
        ]  # fmt: skip
        self.query_one("#state", Static).update("  ".join(parts))

    def apply_filter(self, text: str) -> None:
        self._typed = text
        self._filter()

    def _filter(self) -> None:
        self._ask()
        self.query_one(Rows).filter(self._query.words)
        self._update_status()

    def on_rows_chosen(self) -> None:
        self.action_curves()

    @property
    def _current(self) -> ModelKey | None:
        row = self.query_one(Rows).current
        return self._table.model_of(row.key) if row else None

    def _select(self, **choice: Any) -> None:
        self._selection = replace(self._selection, **choice)
        self._ask()

    def action_next_split(self) -> None:
        self._select(split=after(_SPLITS, self._selection.split))

    def action_next_metric(self, step: int) -> None:
        self._select(kind=after((*self._known.kinds, ""), self._selection.kind, step))

    def action_strata(self) -> None:
        self._select(strata=not self._selection.strata)

    def action_mark(self) -> None:
        model = self._current
        if model in self._marks:
            del self._marks[model]
        elif len(self._marks) == MOST_MODELS:
            self.notify(f"Compare at most {MOST_MODELS} models; u unmarks all.")
        elif model is not None:
            self._marks[model] = None
        self._fill()

    def action_unmark(self) -> None:
        self._marks.clear()
        self._fill()

    def action_curves(self) -> None:
        if models := tuple(self._marks) or tuple(filter(None, [self._current])):
            self.post_message(OpenCurves(models, self._selection.split or "test"))

    def action_export(self) -> None:
        keys = [int(r.key) for r in self.query_one(Rows).shown if r.key.isdigit()]
        if self._table.frame is None or not keys:
            self.notify(
                "still reading" if self.is_reading else "nothing to export: no rows visible"
            )
            return
        name = file_name(self._query.selection, filtered=bool(self.query_one(FilterBar).value))
        self.post_message(Export(name, as_csv(self._table.frame[keys])))

    def action_launch(self) -> None:
        has_models = self.snapshot is not None and self.snapshot.of(PREDICTIONS.name)
        self.post_message(OpenLaunch("aggregate" if has_models else "train-task"))
