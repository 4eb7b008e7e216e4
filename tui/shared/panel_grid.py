"""Pictures side by side, each with lines above and a scale below it, as large as fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widgets import Static

from tui.shared.colour_bar import ColourBar
from tui.shared.graphics import new_picture
from tui.shared.toned import marked_up

if TYPE_CHECKING:
    from tui.shared.panel import Panel

#: The least cells across and lines that a picture is worth showing in.
_LEAST_WIDTH, _LEAST_HEIGHT = 14, 6
_MOST = 24


class PanelBox(Vertical):
    """One picture with its lines and its scale."""

    DEFAULT_CSS = """
    PanelBox { width: 1fr; height: 1fr; align: center middle; }
    PanelBox > Static {
        height: auto; width: 1fr; text-align: center; text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, *, graphics: bool) -> None:
        super().__init__()
        self._picture = new_picture(graphics=graphics)

    def compose(self) -> ComposeResult:
        yield Static()
        yield self._picture
        yield ColourBar()

    def show(self, panel: Panel, *, with_scale: bool) -> None:
        self.query_one(Static).update(marked_up(panel.lines))
        self._picture.show(panel.image, panel.values)
        bar = self.query_one(ColourBar)
        bar.display = with_scale
        bar.show(panel.scale)

    def set_side(self, side: int) -> None:
        """Make the picture `side` cells across, which is half as many lines."""
        self._picture.styles.height = side // 2


class PanelGrid(Container):
    """As many panels as there are pictures, in as many columns as make them largest."""

    DEFAULT_CSS = """
    PanelGrid { layout: grid; grid-gutter: 0 1; width: 1fr; height: 1fr; }
    """

    def __init__(self, *, graphics: bool, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._graphics = graphics
        self.shown: tuple[Panel, ...] = ()

    async def show(self, panels: tuple[Panel, ...]) -> None:
        """Show other panels."""
        self.shown = panels
        boxes = list(self.query(PanelBox))
        if missing := len(panels) - len(boxes):
            if missing > 0:
                new = [PanelBox(graphics=self._graphics) for _ in range(missing)]
                await self.mount_all(new)
                boxes += new
            for box in boxes[len(panels) :]:
                box.display = False
        with_scale = any(panel.scale is not None for panel in panels)
        for box, panel in zip(boxes, panels, strict=False):
            box.display = True
            box.show(panel, with_scale=with_scale)
        self._arrange()

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        count = len(self.shown)
        if not count:
            return
        lines = max(len(t.lines) for t in self.shown) + any(t.scale for t in self.shown)
        columns, side = best_columns(count, *self.size, lines)
        self.styles.grid_size_columns = columns
        self.styles.grid_size_rows = -(-count // columns)
        for box in self.query(PanelBox):
            box.set_side(side)


def room_for(width: int, height: int) -> int:
    """How many small panels fit: with two lines above, and one below, each picture."""
    columns, rows = width // (_LEAST_WIDTH + 1), height // (_LEAST_HEIGHT + 3)
    return max(1, min(_MOST, columns * rows))


def best_columns(count: int, width: int, height: int, lines: int) -> tuple[int, int]:
    """The columns that make square pictures largest, `lines` of text with each; and their side."""

    def side(columns: int) -> int:
        rows = -(-count // columns)
        return min((width - columns + 1) // columns, 2 * (height // rows - lines))

    columns = max(range(1, count + 1), key=lambda columns: (side(columns), -columns))
    return columns, max(2, side(columns))
