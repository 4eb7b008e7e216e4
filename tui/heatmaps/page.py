"""The page Heatmaps: where models find their evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from data_contracts.errors import CxrError
from tui.heatmaps.canvas import Canvas, Make
from tui.heatmaps.data import SummaryData, read_summary
from tui.heatmaps.export import PATIENT_LEVEL, side_for
from tui.heatmaps.figures import maps_like
from tui.heatmaps.images import ExplainedImages
from tui.heatmaps.keys import BINDINGS, TABS, UNUSED
from tui.heatmaps.panes import MapPane
from tui.heatmaps.state import HeatmapState, ModelKey, StateField, TabName
from tui.heatmaps.work import (
    LARGE,
    LARGEST,
    SMALL,
    explained_models,
    figure_of,
    image_artifacts,
    missing,
    read_images,
    stale,
    summary_artifacts,
    with_notes,
)
from tui.shared.dialogs import Question
from tui.shared.messages import ErrorMet
from tui.shared.page import Page
from tui.shared.panel_grid import PanelGrid, room_for
from tui.shared.picture import Picture
from tui.shared.reading import Reading
from tui.shared.rows import Rows
from tui.shared.tab_bar import TabBar
from tui.workspace.snapshot import Snapshot, content_key


class HeatmapsPage(Page):
    """Averaged attribution maps and single images."""

    NAME: ClassVar[str] = "heatmaps"
    HELP: ClassVar[str] = (
        "Where each network finds its evidence: averaged maps over the mean radiograph, in logit "
        "per cell. Orange supports the class, blue opposes it. A class difference is the mean "
        "over images of the class minus the mean over the others. A true positive is an image of "
        "the second of two classes that is predicted as such, whichever class the map "
        "explains.\n\nThe mouse tells the value at its place; so does a cross that the arrows move "
        "after Tab. Zones are thirds of the picture; the patient's right is on the left. z shows "
        "a map over the page, then magnifies it around the cross; Z goes a step back.\n\n"
        "n/d: not disclosed, because it stands for few patients or would reveal few. A warning "
        "names models that do not predict better than chance; their maps are not interpreted."
    )
    BINDINGS: ClassVar[list[BindingType]] = BINDINGS

    def __init__(self) -> None:
        super().__init__()
        self.state = HeatmapState()
        self.summary = SummaryData()
        self.explained: ExplainedImages | None = None
        self._problem = ""
        """Why the chosen model's single images cannot be read."""
        self._summary_reading = Reading(self, "read", self._take_summary)
        self._images_reading = Reading(self, "images", self._take_images, self._without_images)

    def content(self) -> Iterator[Widget]:
        yield TabBar({str(name): tab for name, tab in TABS.items()})
        yield Canvas(graphics=self.dashboard.graphics)

    # What is read

    def show(self, snapshot: Snapshot) -> None:
        artifacts = summary_artifacts(snapshot)
        self._summary_reading.want(
            content_key(artifacts), lambda: read_summary(self.dashboard.tables, artifacts)
        )
        self._look_up()
        self._draw()

    def _look_up(self) -> None:
        """Find the single images of the chosen model, once they are wanted."""
        if self.state.tab != "images" or self.snapshot is None:
            return
        model_keys = explained_models(self.snapshot)
        if self.state.model_key not in model_keys:
            wanted = self.state.mean_map.model_key if self.state.pair else None
            self.state.model_key = wanted if wanted in model_keys else next(iter(model_keys), None)
        if self.state.model_key is None:
            self.explained = None
            self._images_reading.forget()
            return
        artifacts = [a for a in image_artifacts(self.snapshot, self.state.model_key) if a.header]
        key = (*self.state.model_key, *content_key(artifacts))
        if self._images_reading.want(
            key, partial(read_images, self.dashboard.workspace, artifacts)
        ):
            self.explained, self._problem = None, ""

    def _take_images(self, explained: ExplainedImages | None) -> None:
        self.explained = explained
        self._draw()

    def _without_images(self, error: CxrError) -> None:
        self.post_message(ErrorMet("single images", str(error)))
        self._problem = str(error)
        self._draw()

    def _take_summary(self, summary: SummaryData) -> None:
        self.summary = summary
        for contract, problem in summary.problems.items():
            self.post_message(ErrorMet(contract, problem))
        heat = summary.heatmaps
        if heat is not None and heat.mean_maps:
            self.state.take(heat, summary.reference)
            self.state.take_wanted(heat)
            self.query_one(MapPane).list(heat)
            self.query_one(TabBar).count("map", len(heat.mean_maps))
            self.query_one(Rows).go_to(self.state.mean_map.key)
        self._draw()

    def open(self, model_keys: Sequence[ModelKey]) -> None:
        """Show two models side by side, or one alone; if not read yet, as soon as they are."""
        self.state.wanted = tuple(model_keys)
        if self.summary.heatmaps is not None and self.state.pair:
            self.state.take_wanted(self.summary.heatmaps)
        self.action_tab("compare" if len(model_keys) > 1 else "map")

    # What is seen

    def _draw(self) -> None:
        """Show the chosen tab, or what is missing for it."""
        if self.snapshot is None:
            return
        canvas = self.query_one(Canvas)
        text = missing(self.snapshot, self.summary, self.state, self.explained, self._problem)
        if text:
            self.minimize()
            canvas.update_status(text)
        else:
            small, large = (LARGE, LARGEST) if self.maximized else (SMALL, LARGE)
            canvas.draw(self.state.tab, self._maker(small=small, large=large))

    def _maker(self, small: int, large: int) -> Make:
        """What makes the chosen tab, whatever keys change afterwards."""
        summary, state, explained = self.summary, self.state.copied(), self.explained
        reason = stale(self.snapshot) if self.snapshot else ""
        side = small if state.tab == "tasks" else large
        side *= 4 if self.dashboard.graphics else 1
        room = self._room
        return lambda: with_notes(figure_of(summary, state, explained, side, room), reason)

    @property
    def _room(self) -> int:
        """How many of all tasks' maps are shown at once."""
        return room_for(self.size.width, self.size.height - 6)

    def on_resize(self) -> None:
        if self.state.tab == "tasks":
            self._draw()

    # What keys do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        unused = UNUSED[self.state.tab]
        return not (action in unused or (action == "step" and parameters[0] in unused))

    def action_tab(self, tab: TabName) -> None:
        self.minimize()
        self.state.tab = tab
        self.query_one(TabBar).mark(tab)
        self.refresh_bindings()
        self._look_up()
        self._changed()
        self.set_focus(self.query_one("#maps") if tab == "map" else None)

    def action_step(self, what: StateField, by: int) -> None:
        model_keys = explained_models(self.snapshot) if self.snapshot else []
        self.state.step(what, by, self.summary.heatmaps, self.explained, model_keys)
        self._look_up()
        self._changed()

    def action_page(self, by: int) -> None:
        grid = self.query_one(PanelGrid)
        if self.summary.heatmaps is not None and not grid.turn(by):
            total = len(maps_like(self.summary.heatmaps, self.state.mean_map, self.state.query))
            last = (total - 1) // self._room * self._room
            first = max(0, min(self.state.first + by * self._room, last))
            if first != self.state.first:
                self.state.first = first
                self._changed()
                grid.enlarge(0 if by > 0 else -1)

    def _changed(self) -> None:
        if self.state.tab == "map" and self.state.pair:
            self.query_one(Rows).go_to(self.state.mean_map.key)
        self._draw()

    def on_rows_highlighted(self, message: Rows.Highlighted) -> None:
        heat = self.summary.heatmaps
        if heat is not None and self.state.tab == "map" and message.key in heat.by_key:
            self.state.pair[self.state.active] = heat.by_key[message.key]
            self._draw()

    def zoom_target(self) -> Widget | None:
        return self.query_one(Canvas).box_of(self.state)

    def action_zoom(self, steps: int) -> None:
        was_whole = self.maximized is None
        super().action_zoom(steps)
        if was_whole and self.state.tab == "map":
            # Beside the list it was as large as the page is high.
            super().action_zoom(steps)

    def watch_maximized(self) -> None:
        """Draw it finer, or as before."""
        self._draw()

    def on_picture_pointed(self, message: Picture.Pointed) -> None:
        tabs = self.query_one(TabBar)
        if message.text != tabs.caption:
            tabs.caption = message.text
            tabs.mark(tabs.present)

    def apply_filter(self, text: str) -> None:
        super().apply_filter(text)
        self.state.query, self.state.first = text, 0
        self._draw()

    def action_export(self) -> None:
        seen = self.query_one(Canvas).seen
        if seen is None or not seen.panels:
            why = "still reading" if self.is_reading else "nothing to export in this tab"
            self.notify(why, severity="warning")
        elif seen.patient_level:
            self.app.push_screen(Question(PATIENT_LEVEL), self._export_if)
        else:
            self._export_if("y")

    def _export_if(self, answer: str | None) -> None:
        canvas = self.query_one(Canvas)
        if answer == "y" and canvas.seen is not None and self.snapshot is not None:
            side = side_for(len(canvas.seen.panels))
            canvas.export(self._maker(small=side, large=side), self.snapshot.dated_sentence)
