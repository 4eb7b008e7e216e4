"""The page Metrics: prediction performance of every model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import get_current_worker

from data_contracts.cohort import SPLITS
from data_contracts.errors import CxrError
from data_contracts.predictions import PREDICTIONS
from data_contracts.summary import METRICS
from tui.messages import ErrorMet, OpenLaunch
from tui.page import Page
from tui.results.metric_rows import Selection, as_csv, file_name, title_of, with_kind
from tui.results.metric_table import MetricTable, ModelKey, columns, marked, metric_table, note_of
from tui.screens.compare import MOST_MODELS, Compare
from tui.widgets.disclosure import Disclosure
from tui.widgets.filter_bar import FilterBar
from tui.widgets.placeholder import Placeholder
from tui.widgets.rows import Rows
from tui.widgets.switch import after, switch
from tui.workspace.snapshot import Artifact, Snapshot
from tui.workspace.tables import Tables

if TYPE_CHECKING:
    import polars as pl

_SPLITS = (*reversed(SPLITS), "")
_WIDE = 110


@dataclass
class MetricsRead(Message):
    """A selection of the metrics is ready to be shown."""

    table: MetricTable
    kinds: tuple[str, ...]
    least: int | None
    """Fewer patients are not disclosed."""


class MetricsPage(Page):
    """A table of metrics by task, model, split and stratum; marked models are compared."""

    NAME: ClassVar[str] = "metrics"
    HELP: ClassVar[str] = (
        "Prediction performance of each model, with 95 % patient-bootstrap CIs.\n"
        "[b]n[/b]: patients; [b]images[/b]: their images; [b]pos.[/b]: images of the positive "
        "class, the second of two.\n[$text-warning]Amber[/]: the CI of an AUROC is not above "
        "0.5.\n[b]n/d[/b]: not disclosed; see the line above the table."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", id="metrics.mark"),
        Binding("c", "curves", "Curves", id="metrics.curves"),
        Binding("p", "next_split", "Split", show=False, id="metrics.split"),
        Binding("m", "next_metric(1)", "Metric", show=False, id="metrics.metric"),
        Binding("M", "next_metric(-1)", "Previous metric", False, id="metrics.metric-previous"),
        Binding("t", "strata", "Strata", show=False, id="metrics.strata"),
        Binding("x", "export", "Export", id="metrics.export"),
        Binding("u", "unmark", "Unmark all", show=False, id="metrics.unmark"),
        Binding("n", "launch", "Launch", id="metrics.launch"),
    ]
    DEFAULT_CSS = """
    MetricsPage {
        #state { height: auto; padding: 0 1; color: $foreground 70%; link-style: none; }
        #note { height: auto; padding: 0 1; color: $text-warning; display: none; }
        #note.shown { display: block; }
        Rows { padding-right: 1; }
        Placeholder { display: none; }
        &.empty Placeholder { display: block; }
        &.empty Rows, &.empty #state, &.empty #note, &.empty Disclosure { display: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._tables: Tables | None = None
        self._frame: tuple[pl.DataFrame, pl.DataFrame] | None = None
        self._snapshot: Snapshot | None = None
        self._selection = Selection()
        self._asked: object = None
        self._table = MetricTable()
        self._kinds: tuple[str, ...] = ()
        self._least: int | None = None
        self._marks: dict[ModelKey, None] = {}

    def content(self) -> Iterator[Widget]:
        yield Static(id="state")
        yield Static(id="note")
        yield Disclosure()
        yield Rows()
        yield Placeholder(
            "No models yet, so no metrics.\n"
            "Press [b]n[/b] to launch train-task; see Overview ([b]1[/b]) for what to run first."
        )

    def show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._ask()

    def on_resize(self) -> None:
        self._ask()
        self._lay_out()

    def _ask(self) -> None:
        """Have the selection read, if it is not what is shown."""
        if self._snapshot is None:
            return
        artifact = self._snapshot.artifacts.get(METRICS.path_template)
        models = tuple(a.place for a in self._snapshot.of(PREDICTIONS.name))
        wide = self.size.width >= _WIDE
        content = artifact and (artifact.state, artifact.reason, artifact.header)
        asked = content, models, self._selection, wide
        if asked != self._asked:
            self._asked = asked
            self._update_note(artifact, bool(models))
            self._read(artifact, self._snapshot, self._selection, wide)

    @work(thread=True, exclusive=True, group="metrics", description="metrics")
    def _read(
        self, artifact: Artifact | None, snapshot: Snapshot, selection: Selection, wide: bool
    ) -> None:
        worker = get_current_worker()
        models = [(a.keys["task"], a.keys["name"]) for a in snapshot.of(PREDICTIONS.name)]
        metrics = None
        if artifact is not None and artifact.header is not None:
            try:
                metrics = self._metrics(artifact)
            except CxrError as error:
                self.post_message(ErrorMet("metrics", str(error)))
        kinds = () if metrics is None else tuple(metrics["kind"].unique(maintain_order=True))
        if kinds and selection.kind not in (*kinds, ""):
            selection = replace(selection, kind=kinds[0])
        table = metric_table(metrics, selection, models, wide=wide)
        if not worker.is_cancelled:
            self.post_message(MetricsRead(table, kinds, artifact.least if artifact else None))

    def _metrics(self, artifact: Artifact) -> pl.DataFrame:
        """The table `with_kind`, worked out once for each content."""
        self._tables = self._tables or Tables(self.dashboard.workspace)
        frame = self._tables.read(artifact)
        if self._frame is None or self._frame[0] is not frame:
            self._frame = frame, with_kind(frame)
        return self._frame[1]

    def on_metrics_read(self, message: MetricsRead) -> None:
        self._table, self._kinds, self._least = message.table, message.kinds, message.least
        if self._kinds and self._selection.kind not in (*self._kinds, ""):
            self._selection = replace(self._selection, kind=self._kinds[0])
        self._lay_out()
        self._fill()

    def _lay_out(self) -> None:
        rows = self.query_one(Rows)
        wanted = tuple(columns(self._table, self.size.width - 2))
        if [c.title for c in wanted] != [c.title for c in rows.columns]:
            rows.set_columns(*wanted)
        rows.columns = wanted
        rows.refresh()

    def _fill(self) -> None:
        pairs = zip(self._table.rows, self._table.models, strict=True)
        self.query_one(Rows).set_rows([marked(r) if m in self._marks else r for r, m in pairs])
        self._update_status()
        self.query_one(Disclosure).explain(self._least if self._table.suppressed else None)

    def _update_status(self) -> None:
        chosen = self._selection
        shown = len(self.query_one(Rows).shown)
        counts = f"{shown:,} row{'s' * (shown != 1)}"
        if self._marks:
            counts += f", [$text-primary]{len(self._marks)} marked[/]"
        switches = [
            switch("p", "next_split", "split", chosen.split or "all"),
            switch("m", "next_metric(1)", "", title_of(chosen.kind)),
            switch("t", "strata", "strata", "on" if chosen.strata else "off"),
        ]
        self.query_one("#state", Static).update("  ".join([*switches, counts]))

    def _update_note(self, artifact: Artifact | None, has_models: bool) -> None:
        """Show what is missing, stale or damaged, and what to do."""
        note, line = note_of(artifact), self.query_one("#note", Static)
        line.update(note)
        line.set_class(bool(note), "shown")
        self.set_class(artifact is None and not has_models, "empty")

    def on_filter_bar_filtered(self, message: FilterBar.Filtered) -> None:
        self.query_one(Rows).filter(message.text)
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
        self._select(kind=after((*self._kinds, ""), self._selection.kind, step))

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
            self.app.push_screen(Compare(models, self._selection.split or "test"))

    def action_export(self) -> None:
        keys = [int(r.key) for r in self.query_one(Rows).shown if r.key.isdigit()]
        if self._table.frame is None or not keys:
            self.notify(
                "still reading" if self.is_reading else "nothing to export: no rows visible"
            )
            return
        name = file_name(self._selection, filtered=bool(self.query_one(FilterBar).value))
        self.dashboard.save(name, as_csv(self._table.frame[keys]))

    def action_launch(self) -> None:
        has_models = self._snapshot is not None and self._snapshot.of(PREDICTIONS.name)
        self.post_message(OpenLaunch("aggregate" if has_models else "train-task"))
