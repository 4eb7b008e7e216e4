"""The page Heatmaps' panes: a list beside one map, and panels above their caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from data_contracts.disclosure import SUPPRESSED
from tui.heatmaps.data import MeanHeatmaps, MeanMap
from tui.heatmaps.figure import HeatmapFigure, explained
from tui.shared.colour_bar import ColourBar
from tui.shared.numbers import level_text
from tui.shared.panel_grid import PanelBox, PanelGrid
from tui.shared.rows import Rows
from tui.shared.table import Column, LazyRow, Row
from tui.shared.toned import Tone, marked_up


class MapPane(Horizontal):
    """All averaged maps as a list, and one of them, as large as fits."""

    DEFAULT_CSS = """
    MapPane > .list { width: 40; margin: 0 1 0 0; }
    MapPane.wide > .list { width: 56; }
    MapPane > .list > Static { height: auto; margin: 1 0 0 0; }
    """

    def __init__(self, *, graphics: bool, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.box = PanelBox(graphics=graphics, bare=True)
        self._heat: MeanHeatmaps | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="list"):
            yield Rows(id="maps")
            yield Static()
            yield ColourBar()
        yield self.box

    def list(self, heat: MeanHeatmaps) -> None:
        """Show the list of other maps."""
        self._heat = heat
        self._fill()
        self.call_after_refresh(self._reveal)

    def on_resize(self) -> None:
        wide = self.size.width >= 110
        if wide != self.has_class("wide"):
            self.set_class(wide, "wide")
            self._fill()
        self.call_after_refresh(self._reveal)

    def _reveal(self) -> None:
        """Scroll the list no further than the cursor needs, now that its size is known."""
        rows = self.query_one(Rows)
        rows.scroll_to(y=0, animate=False, force=True)
        rows.cursor = rows.cursor

    def _fill(self) -> None:
        if self._heat is None:
            return
        wide, rows = self.has_class("wide"), self.query_one(Rows)
        shown = [True, self._heat.has_names, True, True, wide]
        columns = (Column("task", 9, name=True), Column("model", 8 if wide else 6, name=True),
                   Column("class", 8, name=True),
                   Column("stratum", name=True), Column("n", 6, right=True))  # fmt: skip
        rows.set_columns(*(c for c, show in zip(columns, shown, strict=True) if show))
        rows.set_rows(_rows(self._heat, shown))

    def show(self, figure: HeatmapFigure) -> None:
        """Show a map and its caption."""
        caption = list(figure.caption)
        if self._heat is not None and self.has_class("wide"):
            # There is no room for the column of n otherwise.
            listed = [SUPPRESSED for m in self._heat.mean_maps if m.suppressed]
            caption += [n for n in explained(self._heat, *listed) if n not in caption]
        self.query_one(".list > Static", Static).update(marked_up(caption))
        self.query_one(".list > ColourBar", ColourBar).show(figure.scale)
        self.box.show(replace(figure.panels[0], lines=figure.caption[:3]), figure.scale)


def _rows(heat: MeanHeatmaps, shown: Sequence[bool]) -> list[Row]:
    """A row per map, those of one class together; of thousands few are seen."""
    return [LazyRow(m.key, partial(_row, m, shown)) for m in heat.by_class]


def _row(mean_map: MeanMap, shown: Sequence[bool]) -> Row:
    count = SUPPRESSED if mean_map.suppressed else f"{mean_map.subjects:,}"
    level = level_text(mean_map.stratum, mean_map.level)
    texts = mean_map.task, mean_map.model, mean_map.class_name, level, count
    kept = tuple(t for t, show in zip(texts, shown, strict=True) if show)
    tones: tuple[Tone, ...] = tuple("dim" for _ in kept) if mean_map.suppressed else ()
    return Row(mean_map.key, kept, (), tones)


class PanelsPane(Vertical):
    """Panels, then their caption, then the scale they share."""

    DEFAULT_CSS = """
    PanelsPane > Static { height: auto; max-height: 50%; padding: 0 1; }
    """

    def __init__(self, *, graphics: bool, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._graphics = graphics

    def compose(self) -> ComposeResult:
        yield PanelGrid(graphics=self._graphics)
        yield Static(classes="caption")
        yield ColourBar(id="bar")

    async def show(self, figure: HeatmapFigure) -> None:
        """Show other panels with their caption."""
        self.query_one(".caption", Static).update(marked_up(figure.caption))
        bar = self.query_one("#bar", ColourBar)
        bar.display = figure.scale is not None
        bar.show(figure.scale)
        about = figure.caption[:2] if figure.patient_level else ()
        await self.query_one(PanelGrid).show(figure.panels, figure.scale, about)
