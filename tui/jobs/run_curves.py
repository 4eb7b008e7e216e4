"""The curves of one run, live: losses and AUROC by epoch, and how fast it goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from data_contracts.errors import ArtifactError, CxrError
from data_contracts.run import RunRecord, read_new_events, run_folder
from jobs._engines import UNFINISHED
from tui.jobs.event_series import EventSeries
from tui.shared.axes import auroc_limits, limits_of
from tui.shared.curve_plot import CurvePlot, PlotLine
from tui.shared.messages import ErrorMet
from tui.shared.placeholder import Placeholder
from tui.shared.reading import Reading
from tui.shared.run_texts import rate_text
from tui.shared.sanitize import escape_markup, sanitize
from tui.shared.toned import Tone
from tui.workspace.records import config_of

#: From this width on, the speed of a training stands beside its losses.
_THREE_FROM = 110


class RunCurves(Vertical):
    """Reads a run's events as they come, while it is looked at."""

    DEFAULT_CSS = """
    RunCurves #latest { height: 1; padding: 0 1; color: $foreground 80%; }
    RunCurves #charts { height: 1fr; display: none; }
    RunCurves CurvePlot { display: none; }
    RunCurves.drawn { Placeholder { display: none; } #charts { display: block; } }
    RunCurves.epochs #loss, RunCurves.epochs #auroc { display: block; }
    RunCurves.speeds #speed { display: block; }
    RunCurves.epochs.narrow #speed { display: none; }
    """

    def __init__(self, workspace: Path) -> None:
        super().__init__()
        self._workspace = workspace
        self._record: RunRecord | None = None
        self._resumed: Sequence[str] = ()
        self._series = EventSeries()
        self._fault = ""
        self._read_once = False
        self._reading = Reading(self, "curves", self._take, self._fail)

    def compose(self) -> Iterator[Widget]:
        yield Static(id="latest")
        yield Placeholder()
        yield Horizontal(id="charts")

    def look_at(self, record: RunRecord, resumed: Sequence[str] = ()) -> None:
        """Show the curves of a run, which has `resumed` earlier ones, the newest first."""
        if self._record is None or record.run_id != self._record.run_id:
            self._series, self._fault, self._read_once = EventSeries(), "", False
            self._record = record
            self._show()
        self._record, self._resumed = record, resumed
        self.read_on()

    def read_on(self) -> None:
        """Read what has been added."""
        if self._record is not None:
            run_id = self._record.run_id
            read = partial(self._read, run_id, self._series, self._resumed)
            self._reading.want(run_id, read, again=True)

    def _read(
        self, run_id: str, series: EventSeries, resumed: Sequence[str]
    ) -> tuple[int, EventSeries]:
        """Where `series` ended, and the series with what has been added."""
        import textual_plot  # noqa: F401  # it loads numpy, which must not hold up the keys

        events, offset = read_new_events(run_folder(self._workspace, run_id), series.offset)
        extended = series.extended(events, offset)
        if not series.epochs:
            for earlier in resumed:
                extended = extended.after(self._epochs_of(earlier))
        return series.offset, extended

    def _epochs_of(self, run_id: str) -> Sequence[Mapping[str, float]]:
        """The epochs of an earlier run; none where its events cannot be read."""
        try:
            events, offset = read_new_events(run_folder(self._workspace, run_id))
        except ArtifactError:
            return ()
        return EventSeries().extended(events, offset).epochs

    async def _fail(self, error: CxrError) -> None:
        if str(error) != self._fault:
            self.post_message(ErrorMet("curves", str(error)))
        self._fault = str(error)
        await self._take((self._series.offset, self._series))

    async def _take(self, read: tuple[int, EventSeries]) -> None:
        before, series = read
        charts = self.query_one("#charts", Horizontal)
        new = series.offset > self._series.offset or not self._read_once
        # Of two readings from the same place only the first counts.
        if before == self._series.offset and new:
            self._series, self._read_once = series, True
            if not charts.children:
                names = ("loss", "auroc", "speed")
                await charts.mount(*(CurvePlot("", "no data", n) for n in names))
            self._show()
            await self._draw()

    def on_resize(self) -> None:
        self.set_class(self.size.width < _THREE_FROM, "narrow")

    def _speeds(self) -> tuple[list[float], list[float]]:
        size = config_of(self._record).get("batch_size") if self._record else None
        return self._series.speeds(size if isinstance(size, int) else 1)

    def _show(self) -> None:
        """Show what there is, and leave out the charts of what there is not."""
        has_epochs, has_speeds = bool(self._series.epochs), bool(self._speeds()[0])
        self.set_class(has_epochs, "epochs")
        self.set_class(has_speeds, "speeds")
        self.set_class(has_epochs or has_speeds, "drawn")
        self.query_one("#latest", Static).update(self._latest_numbers(), layout=False)
        if self._fault:
            why = "Cannot read the events of this run (see E)."
        elif self._record and self._record.state in UNFINISHED:
            why = "No curves yet: this run has reported no epochs and no progress."
        else:
            why = "No curves: this run reported no epochs and too little progress to plot."
        self.query_one(Placeholder).update(why)

    async def _draw(self) -> None:
        series = self._series
        losses = [
            _line(series.metric("train_loss"), "live"), _line(series.metric("val_loss"), "warn")
        ]  # fmt: skip
        auroc = [_line(series.metric("val_auroc"), "warn")]
        speed = [_line(self._speeds(), "good")]
        epochs = (1.0, self._last_epoch)
        for name, title, lines in (
            ("loss", "loss by epoch", losses),
            ("auroc", "validation AUROC by epoch", auroc),
            ("speed", f"{sanitize(series.unit)}/s by minute", speed),
        ):
            lines = [line for line in lines if line.x]
            by_minute = name == "speed"
            x = limits_of([x for line in lines for x in line.x]) if by_minute else epochs
            limits = auroc_limits if name == "auroc" else limits_of
            y = limits([y for line in lines for y in line.y])
            plot = self.query_one(f"#{name}", CurvePlot)
            await plot.draw(lines, x, y, title, whole=not by_minute)

    @property
    def _last_epoch(self) -> float:
        """Where the axes of epochs end: with the last one there is to be."""
        return max(2.0, self._epochs, *(e["epoch"] for e in self._series.epochs))

    @property
    def _epochs(self) -> int:
        """How many there are to be; 0 if the settings do not give it."""
        epochs = config_of(self._record).get("epochs") if self._record else None
        return epochs if isinstance(epochs, int) else 0

    def _latest_numbers(self) -> str:
        """The latest numbers, each in the colour of its line."""
        series, parts = self._series, []
        _, rates = self._speeds()
        if series.epochs:
            last = series.epochs[-1]
            parts.append(
                f"epoch {last['epoch']:.0f}" + (f"/{self._epochs}" if self._epochs else "")
            )
            if "train_loss" in last and "val_loss" in last:
                parts.append(f"loss [$text-primary]━ train {last['train_loss']:.3f}[/]")
                parts.append(f"[$text-warning]━ val {last['val_loss']:.3f}[/]")
            if "val_auroc" in last:
                parts.append(f"AUROC [$text-warning]{last['val_auroc']:.3f}[/]")
        if rates:
            parts.append(f"[$text-success]{escape_markup(rate_text(rates[-1], series.unit))}[/]")
        return "  ".join(parts)


def _line(points: tuple[list[float], list[float]], tone: Tone) -> PlotLine:
    """A line, or a dot while there is only one point."""
    return PlotLine(*points, tone, signs="•" * (len(points[0]) == 1))
