"""Several models side by side: curves one over the other, metrics, and AUROC by subgroup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Static

from data_contracts.cohort import SPLITS
from data_contracts.differences import DIFFERENCES
from data_contracts.errors import CxrError, concerns_content
from data_contracts.model import TRAINING_HISTORY
from data_contracts.summary import CURVES, METRICS
from tui.metrics.comparison import Compared, Comparison, Differences, why_no_slopes
from tui.metrics.comparison_plots import LOOKS, columns, drawings, row_of
from tui.metrics.difference import difference_lines
from tui.metrics.forest import forest
from tui.shared.curve_plot import CurvePlot
from tui.shared.disclosure import Disclosure
from tui.shared.messages import ErrorMet
from tui.shared.page import ZOOM_KEYS, Page
from tui.shared.reading import Reading
from tui.shared.reading_pane import ReadingPane
from tui.shared.rows import Rows
from tui.shared.sanitize import escape_markup
from tui.shared.switch import after, switch
from tui.shared.toned import as_content
from tui.workspace.snapshot import Snapshot

_Found = tuple[Sequence[Compared], Differences]
MOST_MODELS = len(LOOKS)
_TITLES = {
    "roc": "ROC", "calibration": "calibration", "loss": "loss", "auroc": "AUROC by epoch",
}  # fmt: skip
#: Cells from which all plots are shown at once.
_GRID = (110, 34)


class Compare(Page):
    """ROC, calibration and training curves of a few models, or their AUROC by subgroup."""

    NAME: ClassVar[str] = "metrics"
    HELP: ClassVar[str] = (
        "Curves of one class against the rest, as aggregate has written them.\n"
        "Calibration: observed share vs mean predicted probability, in bins with equal numbers of\n"
        "images. A class of few patients gets no curve. Fine dots are pointwise 95 % bands. Each\n"
        "model has a sign beside its colour. The mouse tells the values at its place, and so does\n"
        "an upright line that the arrows move once Tab has brought the keys to a plot. z shows a\n"
        "plot over the page, Esc returns.\n"
        "Subgroups: the same AUROC by subgroup of patients, with its 95 % CI.\n"
        "With more than two classes, AUPRC and slope are means over the classes, Brier is their\n"
        "sum, and the CI is that of the class.\n"
        "Differences: test AUROC of the first model minus that of another, paired by patient\n"
        "(DeLong), p not adjusted for the number of pairs. Overlapping CIs do not show equality."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "app.pop_screen", "Back", id="compare.back"),
        Binding("v,right,l", "next_plot(1)", "Plot", id="compare.plot"),
        Binding("left,h", "next_plot(-1)", "Previous plot", show=False, id="compare.plot-previous"),
        *ZOOM_KEYS,
        Binding("t", "subgroups", "Subgroups", id="compare.subgroups"),
        Binding("c", "next_class", "Class", id="compare.class"),
        Binding("p", "next_split", "Split", id="compare.split"),
    ]
    DEFAULT_CSS = """
    Compare {
        #state { height: 1; padding: 0 1; color: $foreground 70%; link-style: none; }
        #plots { height: 1fr; layout: grid; grid-size: 1 1; }
        #plots CurvePlot { display: none; }
        #plots CurvePlot.seen { display: block; }
        &.all #plots { grid-size: 2 2; }
        &.all #plots CurvePlot { display: block; }
        Rows { height: auto; margin-top: 1; padding-right: 1; }
        #difference { height: auto; padding: 0 1; color: $foreground 70%; }
        #forest { display: none; height: 1fr; }
        &.subgroups #plots, &.subgroups Rows { display: none; }
        &.subgroups #forest { display: block; }
    }
    """

    # The rows are the legend.
    ALLOW_IN_MAXIMIZED_VIEW = "StatusHeader, #state, Rows, KeyFooter"

    def __init__(self, models: Sequence[tuple[str, str]], split: str) -> None:
        super().__init__()
        self._models, self._split = models[:MOST_MODELS], split
        self._plot, self._shift = "roc", 0
        self._reading = Reading(self, "curves", self._take)
        self._compared: Sequence[Compared] = ()

    def content(self) -> Iterator[Widget]:
        yield Static(id="state")
        with Container(id="plots"):
            for name, title in _TITLES.items():
                yield CurvePlot(title, "nothing to plot", id=name)
        with ReadingPane(id="forest"):
            yield Static()
        yield Static(id="note")
        yield Disclosure()
        rows = Rows()
        rows.styles.height = len(self._models) + 1
        yield rows
        if len(self._models) > 1:
            yield Static(id="difference")

    def on_resize(self) -> None:
        wide, high = self.size
        self.set_class(wide >= _GRID[0] and high >= _GRID[1], "all")
        self.query_one(Rows).columns = columns(wide, self._models)
        self._draw_forest()
        self._update_status()

    def show(self, _: Snapshot) -> None:
        self._ask()

    def _ask(self) -> None:
        """Have everything computed, if it is not what is shown."""
        self._update_status()
        if self.snapshot is None:
            return
        read = [c.path_template for c in (METRICS, CURVES, DIFFERENCES)] + [
            TRAINING_HISTORY.path_template.format(task=task, name=name)
            for task, name in self._models
        ]
        headers = [(a.header, a.reason) for p in read if (a := self.snapshot.artifacts.get(p))]
        key = headers, self._split, self._shift
        self._reading.want(key, partial(self._compare, self.snapshot, self._split, self._shift))

    def _compare(self, snapshot: Snapshot, split: str, shift: int) -> _Found:
        comparison = Comparison(self.dashboard.tables)
        # Drawing needs it, and loading it takes long enough to be felt.
        import textual_plot  # noqa: F401

        compared = []
        for task, name in self._models:
            try:
                compared.append(comparison.of(snapshot, task, name, split, shift))
            except CxrError as error:
                self.post_message(ErrorMet(f"{task}/{name}", str(error)))
                why = "damaged" if concerns_content(error) else "cannot be read"
                compared.append(Compared(task, name, why=f"{why} (see E)"))
        try:
            return compared, comparison.differences(snapshot)
        except CxrError as error:
            self.post_message(ErrorMet(DIFFERENCES.path_template, str(error)))
            return compared, {}

    async def _take(self, found: _Found) -> None:
        compared, differences = self._compared, _ = found
        if len(compared) > 1:
            lines = difference_lines(differences, compared, self._split)
            self.query_one("#difference", Static).update("\n".join(map(escape_markup, lines)))
        pairs = list(zip(compared, LOOKS, strict=False))
        for name, drawing in drawings(pairs).items():
            plot = self.query_one(f"#{name}", CurvePlot)
            texts, limits = (drawing.title, drawing.why), (drawing.x, drawing.y)
            await plot.draw(drawing.lines, *limits, *texts, whole=drawing.whole)
        self.query_one(Rows).set_rows([row_of(one, look) for one, look in pairs])
        self._draw_forest()
        self._update_status()

    def _draw_forest(self) -> None:
        pairs = list(zip(self._compared, LOOKS, strict=False))
        lines = forest(pairs, self.size.width - 3) if pairs else []
        self.query_one("#forest Static", Static).update(as_content(lines))

    def _notes(self) -> list[str]:
        """What is out of date, and which curves are missing; explains what is not disclosed."""
        curves, metrics = (
            self.snapshot.artifacts.get(c.path_template) if self.snapshot else None
            for c in (CURVES, METRICS)
        )
        by_subgroup = self.has_class("subgroups")
        shown = [one.strata if by_subgroup else one.metrics for one in self._compared]
        suppressed = any(row["suppressed"] for rows in shown for row in rows.values())
        self.query_one(Disclosure).explain(metrics.least if metrics and suppressed else None)
        notes = [f"no curve for {c.task}/{c.name}: {c.why}" for c in self._compared if c.why]
        notes += [] if by_subgroup else why_no_slopes(self._compared)
        if curves and curves.state == "stale":
            notes.insert(0, f"the curves are out of date ({curves.reason})")
        return notes

    def _update_status(self) -> None:
        self.show_note("\n".join(map(escape_markup, self._notes())))
        classes = dict.fromkeys(c.curves.positive for c in self._compared if c.curves)
        parts = [
            switch("p", "next_split", "split", self._split),
            switch("c", "next_class", "class", ", ".join(classes) or "–"),
        ]
        if self.has_class("subgroups"):
            parts.append(switch("t", "subgroups", "", "AUROC by subgroup"))
        elif not self.has_class("all"):
            parts.append(switch("v", "next_plot(1)", "", _TITLES[self._plot]))
        self.query_one("#state", Static).update("  ".join(parts))
        for name in _TITLES:
            self.query_one(f"#{name}").set_class(name == self._plot, "seen")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # A handful of lines needs no filter.
        if action == "filter" or (action == "next_plot" and self.has_class("subgroups")):
            return False
        return super().check_action(action, parameters)

    def zoom_target(self) -> Widget:
        if self.has_class("subgroups"):
            return self.query_one("#forest")
        focused = [plot for plot in self.query(CurvePlot) if plot.has_focus]
        return focused[0] if focused else self.query_one(f"#{self._plot}")

    def action_subgroups(self) -> None:
        self.minimize()
        self.toggle_class("subgroups")
        self.query_one("#forest" if self.has_class("subgroups") else Rows).focus()
        self._update_status()
        self.refresh_bindings()

    def action_next_plot(self, step: int) -> None:
        self._plot = after(tuple(_TITLES), self._plot, step)
        self._update_status()
        if self.maximized is not None:
            self.maximized = self.query_one(f"#{self._plot}")
            self.set_focus(self.maximized)

    def action_next_class(self) -> None:
        self._shift += 1
        self._ask()

    def action_next_split(self) -> None:
        self._split = after(tuple(reversed(SPLITS)), self._split)
        self._ask()
