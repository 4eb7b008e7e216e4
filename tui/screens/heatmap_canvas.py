"""Where the page Heatmaps draws: one pane a view, painted by a worker, exported by another."""

from __future__ import annotations

from collections.abc import Callable

from textual import work
from textual.app import ComposeResult
from textual.widgets import ContentSwitcher

from data_contracts.errors import CxrError
from tui.maps.choice import View
from tui.maps.export import exported
from tui.maps.messages import Exported, Painted
from tui.maps.painting import Painting
from tui.messages import ErrorMet
from tui.screens.heatmap_panes import MapPane, SimilarityPane, TilesPane
from tui.widgets.empty import Empty
from tui.widgets.similarity import Matrix

Make = Callable[[], Painting | Matrix]
_PANES: dict[View, str] = {"map": "map", "similarity": "similarity"}


class Canvas(ContentSwitcher):
    """Shows a painting, a matrix, or why there is nothing to show."""

    DEFAULT_CSS = "Canvas { height: 1fr; }"

    def __init__(self, *, graphics: bool) -> None:
        super().__init__(initial="nothing")
        self._graphics = graphics
        self._view: View = "map"
        self._waiting: Make | None = None
        self._busy = False
        self.seen: Painting | Matrix | None = None
        """What is shown now."""

    def compose(self) -> ComposeResult:
        yield Empty("reading the workspace …", id="nothing")
        yield MapPane(graphics=self._graphics, id="map")
        yield TilesPane(graphics=self._graphics, id="tiles")
        yield SimilarityPane(id="similarity")

    def update_status(self, text: str) -> None:
        """Show why there is nothing to show."""
        self.query_one("#nothing", Empty).update(text)
        self.current, self.seen, self._waiting = "nothing", None, None

    def draw(self, view: View, make: Make) -> None:
        """Show what `make` makes. Of what is asked while one is being made, the last is next."""
        self._view, self.current = view, _PANES.get(view, "tiles")
        if self._busy:
            self._waiting = make
        else:
            self._busy = True
            self._paint(view, make)

    @work(thread=True, group="paint", description="paint")
    def _paint(self, view: View, make: Make) -> None:
        try:
            painting = make()
        except CxrError as error:
            self.post_message(ErrorMet("heatmaps", str(error)))
            self.post_message(Painted(view, None))
        else:
            self.post_message(Painted(view, painting))

    async def on_painted(self, message: Painted) -> None:
        message.stop()
        self._busy, make, self._waiting = False, self._waiting, None
        if make is not None:
            self.draw(self._view, make)
        if message.painting is None or message.view != self._view or self.current == "nothing":
            return
        self.seen = message.painting
        if isinstance(message.painting, Matrix):
            self.query_one(SimilarityPane).show(message.painting)
        elif message.view == "map":
            self.query_one(MapPane).show(message.painting)
        else:
            await self.query_one(TilesPane).show(message.painting)

    @work(thread=True, exclusive=True, group="export", description="export")
    def export(self, make: Make) -> None:
        """Make a file of what `make` makes, and send it to the page."""
        try:
            name, data = exported(make())
        except CxrError as error:
            self.post_message(ErrorMet("export", str(error)))
        else:
            self.post_message(Exported(name, data))
