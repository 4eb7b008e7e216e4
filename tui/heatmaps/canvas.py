"""Where the page Heatmaps draws: one pane a tab, drawn by a worker, exported by another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual import work
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import ContentSwitcher

from data_contracts.errors import CxrError
from tui.heatmaps.export import exported
from tui.heatmaps.figure import HeatmapFigure
from tui.heatmaps.panes import MapPane, PanelsPane
from tui.heatmaps.state import TabName
from tui.shared.messages import ErrorMet, Export
from tui.shared.placeholder import Placeholder
from tui.shared.reading import Reading

Make = Callable[[], HeatmapFigure]


class Canvas(ContentSwitcher):
    """Shows a figure, or why there is nothing to show."""

    DEFAULT_CSS = "Canvas { height: 1fr; }"

    @dataclass
    class Ready(Message):
        """A figure is ready; None: it could not be made."""

        tab: TabName
        figure: HeatmapFigure | None

    def __init__(self, *, graphics: bool) -> None:
        super().__init__(initial="nothing")
        self._graphics = graphics
        self._tab: TabName = "map"
        self._waiting: Make | None = None
        self._busy = False
        self._exporting = Reading[tuple[str, bytes]](
            self, "export", lambda file: self.post_message(Export(*file))
        )
        self.seen: HeatmapFigure | None = None
        """What is shown now."""

    def compose(self) -> ComposeResult:
        yield Placeholder("reading the workspace …", id="nothing")
        yield MapPane(graphics=self._graphics, id="map")
        yield PanelsPane(graphics=self._graphics, id="panels")

    def update_status(self, text: str) -> None:
        """Show why there is nothing to show."""
        self.query_one("#nothing", Placeholder).update(text)
        self.current, self.seen, self._waiting = "nothing", None, None

    def draw(self, tab: TabName, make: Make) -> None:
        """Show what `make` makes. Of what is asked while one is being made, the last is next."""
        self._tab, self.current = tab, "map" if tab == "map" else "panels"
        if self._busy:
            self._waiting = make
        else:
            self._busy = True
            self._make_figure(tab, make)

    @work(thread=True, group="draw", description="draw")
    def _make_figure(self, tab: TabName, make: Make) -> None:
        try:
            figure = make()
        except CxrError as error:
            self.post_message(ErrorMet("heatmaps", str(error)))
            self.post_message(self.Ready(tab, None))
        else:
            self.post_message(self.Ready(tab, figure))

    async def on_canvas_ready(self, message: Ready) -> None:
        message.stop()
        self._busy, make, self._waiting = False, self._waiting, None
        if make is not None:
            self.draw(self._tab, make)
        if message.figure is None or message.tab != self._tab or self.current == "nothing":
            return
        self.seen = message.figure
        if message.tab == "map":
            self.query_one(MapPane).show(message.figure)
        else:
            await self.query_one(PanelsPane).show(message.figure)

    def export(self, make: Make) -> None:
        """Make a file of what `make` makes."""
        self._exporting.do(lambda: exported(make()))
