"""Where the page Heatmaps draws: one pane a tab, drawn by a worker, exported by another."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.widgets import ContentSwitcher

from tui.heatmaps.export import exported
from tui.heatmaps.figure import HeatmapFigure
from tui.heatmaps.panes import MapPane, PanelsPane
from tui.heatmaps.state import HeatmapState, TabName
from tui.shared.messages import Export
from tui.shared.panel_grid import PanelBox, PanelGrid
from tui.shared.placeholder import Placeholder
from tui.shared.reading import Reading

Make = Callable[[], HeatmapFigure]


class Canvas(ContentSwitcher):
    """Shows a figure, or why there is nothing to show."""

    DEFAULT_CSS = "Canvas { height: 1fr; }"

    def __init__(self, *, graphics: bool) -> None:
        super().__init__(initial="nothing")
        self._graphics = graphics
        self._drawing = Reading[tuple[TabName, HeatmapFigure]](
            self, "heatmaps", self._take, in_turn=True
        )
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
        self.current, self.seen = "nothing", None
        self._drawing.forget()

    def draw(self, tab: TabName, make: Make) -> None:
        """Show what `make` makes. Of what is asked while one is being made, the last is next."""
        self.current = "map" if tab == "map" else "panels"
        self._drawing.want(tab, lambda: (tab, make()), again=True)

    async def _take(self, drawn: tuple[TabName, HeatmapFigure]) -> None:
        tab, self.seen = drawn
        if tab == "map":
            self.query_one(MapPane).show(self.seen)
        else:
            await self.query_one(PanelsPane).show(self.seen)

    def box_of(self, state: HeatmapState) -> PanelBox | None:
        """The picture that is at hand: where the keys are, else the one that they change."""
        if self.seen is None:
            return None
        if state.tab == "map":
            return self.query_one(MapPane).box
        boxes = self.query_one(PanelGrid).boxes
        focused = [box for box in boxes if box.has_focus_within]
        # Of single images that with the map is the last.
        first = {"compare": state.active, "images": -1}.get(state.tab, 0)
        return next(iter(focused or boxes[first:]), None)

    def export(self, make: Make, sentence: str) -> None:
        """Make a file of what `make` makes, with the study's sentence."""
        self._exporting.do(lambda: exported(make(), sentence))
