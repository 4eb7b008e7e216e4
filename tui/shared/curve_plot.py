"""Curves in the terminal, in the colours of the theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
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


class CurvePlot(Vertical, can_focus=True):
    """Lines over axes with ticks; a sentence in place of them when there is none.

    The mouse, or with the focus an upright line that keys move, tells the values of all lines at
    its place, where the title stands otherwise.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "Left", show=False, id="plot.left"),
        Binding("right", "move(1)", "Right", show=False, id="plot.right"),
    ]

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
        self._share: float | None = None
        """Where the upright line stands, as a share of the axis."""

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
        self.query_one(".why", Static).update(why or self._why)
        self._paint()

    def on_resize(self) -> None:
        self._paint()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        first, count, _ = self._columns
        self._tell((event.screen_x - self.region.x - first + 0.5) / count)

    def on_leave(self) -> None:
        self._tell()

    async def on_click(self, event: events.Click) -> None:
        if event.chain == 2:
            await self.run_action("screen.zoom(1)")

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self._share = 0.5 if has_focus else None
        self._paint()

    def action_move(self, step: int) -> None:
        if self._share is not None:
            count = self._columns[1]
            cell = int(self._share * count) + step
            self._share = (max(0, min(cell, count - 1)) + 0.5) / count
            self._paint()

    def _tell(self, share: float | None = None) -> None:
        """Tell the values at a share of the axis x, or else at the upright line; or the title."""
        share = self._share if share is None else share
        text = self._title if share is None else self._values_at(self._x_at(share))
        if self.is_maximized and text != self._title:
            text = Content.assemble(self._title, "   ", text)
        self.query_one(".title", Static).update(text)

    def _x_at(self, share: float) -> float:
        low, high = self._columns[2]
        x = low + share * (high - low)
        return round(x) if self._whole else x

    def _values_at(self, x: float) -> Content | str:
        """The values of all lines at a place of the axis x; the title where there are none."""
        import numpy as np

        signs = {line.tone: line.signs for line in self._lines if line.signs}
        parts = [Content(f"{x:.0f}:" if self._whole else f"{x:.3g}:")]
        for line in self._lines:
            own = line.tone != "dim" and not line.dotted and not line.signs
            if own and line.x[0] <= x <= line.x[-1]:
                text = f"  {signs.get(line.tone, '━')} {np.interp(x, line.x, line.y):.3f}"
                parts.append(Content.styled(text, self._colour(line.tone)))
        return Content("").join(parts) if len(parts) > 1 else self._title

    def _paint(self) -> None:
        self.set_class(all(line.tone == "dim" for line in self._lines), "bare")
        if self._lines:
            self._plot()
        self._tell()

    def _plot(self) -> None:
        from textual_plot import HiResMode, PlotWidget

        plot = self.query_one(PlotWidget)
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
        if self._share is not None:
            plot.add_v_line(self._x_at(self._share), self._colour("dim"))

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
