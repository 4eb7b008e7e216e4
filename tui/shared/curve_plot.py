"""Curves in the terminal, in the colours of the theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.shared.axes import Limits, even_axis
from tui.shared.toned import Tone

if TYPE_CHECKING:
    from textual_plot import PlotWidget

#: The tones that distinguish lines, in this order, and the signs that do so without colour.
LINE_TONES: tuple[Tone, ...] = ("live", "warn", "good", "bad", "")
LINE_SIGNS = ("●", "▲", "■", "◆", "+")
#: Cells from one tick to the next, at least: of y, and of x beside the width of a number.
_ROWS_APART, _COLUMNS_APART = 2, 3


@dataclass(frozen=True)
class PlotLine:
    """A line through points, or a sign at each of them, or a line of fine dots, as of a band."""

    x: Sequence[float]
    y: Sequence[float]
    tone: Tone
    signs: str = ""
    dotted: bool = False


class CurvePlot(Vertical):
    """Lines over axes with ticks; a sentence in place of them when there is none.

    The mouse tells the values of all lines at its place, where the title stands otherwise.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "curve--live", "curve--warn", "curve--good", "curve--bad", "curve--plain", "curve--dim",
    }  # fmt: skip
    DEFAULT_CSS = """
    CurvePlot {
        width: 1fr; height: 1fr;
        .title { height: 1; padding: 0 1; color: $primary; text-style: bold; }
        .why { height: 1fr; content-align: center middle; text-align: center;
            color: $foreground 60%; display: none; }
        PlotWidget { height: 1fr; }
        &.bare PlotWidget { display: none; }
        &.bare .why { display: block; }
        .curve--live { color: $text-primary; }
        .curve--warn { color: $text-warning; }
        .curve--good { color: $text-success; }
        .curve--bad { color: $text-error; }
        .curve--plain { color: $foreground; }
        .curve--dim { color: $foreground 35%; }
    }
    """

    def __init__(self, title: str, why: str, id: str) -> None:  # noqa: A002
        """`why`: what to show when there is no line."""
        super().__init__(id=id, classes="bare")
        self._title, self._why = title, why
        self._lines: Sequence[PlotLine] = ()
        self._limits: tuple[Limits, Limits] = ((0.0, 1.0), (0.0, 1.0))
        self._whole = False
        self._columns = (0, 1, (0.0, 1.0))
        """The first cell of the axis x, how many there are, and its limits."""

    def compose(self) -> ComposeResult:
        yield Static(self._title, classes="title", markup=False)
        yield Static(self._why, classes="why", markup=False)

    async def draw(
        self,
        lines: Sequence[PlotLine],
        x: Limits,
        y: Limits,
        title: str = "",
        why: str = "",
        *,
        whole: bool = False,
    ) -> None:
        """Show other lines within the limits of both axes, perhaps under another title.

        The dim ones, which only guide the eye, are not shown alone, but `why`. `whole`: x counts.
        """
        from textual_plot import PlotWidget

        if not self.query(PlotWidget):
            plot = PlotWidget(allow_pan_and_zoom=False)
            # Its keys move and scale axes that stay as they are here.
            plot.can_focus = False
            await self.mount(plot)
            plot.margin_top, plot.margin_bottom, plot.margin_left = 0, 1, 7
            self.app.theme_changed_signal.subscribe(self, lambda _: self._paint())
        self._lines, self._limits, self._whole = lines, (x, y), whole
        self._title = title or self._title
        self.query_one(".title", Static).update(self._title)
        self.query_one(".why", Static).update(why or self._why)
        self._paint()

    def on_resize(self) -> None:
        self._paint()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self.query_one(".title", Static).update(self._values_at(event.screen_x - self.region.x))

    def on_leave(self) -> None:
        self.query_one(".title", Static).update(self._title)

    def _values_at(self, cell: int) -> Content | str:
        """The values of all lines at a cell of the axis x; the title where there are none."""
        import numpy as np

        first, count, (low, high) = self._columns
        x = low + (cell - first + 0.5) / count * (high - low)
        x = round(x) if self._whole else x
        signs = {line.tone: line.signs for line in self._lines if line.signs}
        parts = [Content(f"{x:.0f}:" if self._whole else f"{x:.3g}:")]
        for line in self._lines:
            own = line.tone != "dim" and not line.dotted and not line.signs
            if own and line.x[0] <= x <= line.x[-1]:
                text = f"  {signs.get(line.tone, '━')} {np.interp(x, line.x, line.y):.3f}"
                parts.append(Content.styled(text, self._colour(line.tone)))
        return Content("").join(parts) if len(parts) > 1 else self._title

    def _paint(self) -> None:
        from textual_plot import HiResMode, PlotWidget

        self.set_class(all(line.tone == "dim" for line in self._lines), "bare")
        if not (plots := self.query(PlotWidget)):
            return
        plot = plots.first()
        plot.clear()
        for line in self._lines:
            style = self._colour(line.tone)
            if line.signs:
                plot.scatter(line.x, line.y, marker=line.signs, marker_style=style)
            elif line.dotted:
                x, y = self._dots(line)
                plot.scatter(x, y, marker_style=style, hires_mode=HiResMode.BRAILLE)
            else:
                plot.plot(line.x, line.y, line_style=style, hires_mode=HiResMode.BRAILLE)
        self._set_axes(plot)

    def _dots(self, line: PlotLine) -> tuple[Sequence[float], Sequence[float]]:
        """A dot for each column of the plot."""
        import numpy as np

        x = np.linspace(line.x[0], line.x[-1], max(2, self.size.width))
        return x.tolist(), np.interp(x, line.x, line.y).tolist()

    def _set_axes(self, plot: PlotWidget) -> None:
        (x_limits, y_limits), title, frame = self._limits, 1, 2
        columns = self.size.width - plot.margin_left - frame
        rows = self.size.height - title - plot.margin_top - plot.margin_bottom - frame
        number = len(f"{x_limits[1]:.0f}") if self._whole else 3
        x = even_axis(x_limits, columns, number + _COLUMNS_APART, whole=self._whole)
        y = even_axis(y_limits, rows, _ROWS_APART)
        self._columns = plot.margin_left + frame // 2, max(1, columns), (x.low, x.high)
        plot.set_xticks(x.ticks)
        plot.set_yticks(y.ticks)
        plot.set_xlimits(x.low, x.high)
        plot.set_ylimits(y.low, y.high)

    def _colour(self, tone: Tone) -> str:
        colour = self.get_component_styles(f"curve--{tone or 'plain'}").color
        return (self.background_colors[1] + colour).hex6
