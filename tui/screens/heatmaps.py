"""The page Heatmaps: where networks find their evidence, and how alike two of them look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.widget import Widget

from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.errors import CxrError
from data_contracts.images import IMAGES
from data_contracts.predictions import PREDICTIONS
from tui.maps.choice import Choice, Step, View
from tui.maps.data import Summary, read_summary
from tui.maps.export import PATIENT_LEVEL, side_for
from tui.maps.images import Explained, read_explained
from tui.maps.messages import ExplainedRead, Exported, SummaryRead
from tui.maps.painting import Painting
from tui.maps.work import (
    LARGE,
    SMALL,
    explained_networks,
    image_artifacts,
    key_of,
    matrix,
    missing_images,
    missing_maps,
    painting_of,
    stale,
    summary_artifacts,
    with_warning,
)
from tui.messages import ErrorMet
from tui.page import Page
from tui.screens.heatmap_canvas import Canvas, Make
from tui.screens.heatmap_keys import BINDINGS, IDLE, VIEWS
from tui.screens.heatmap_panes import MapPane
from tui.screens.heatmap_views import cells_like
from tui.widgets.filter_bar import FilterBar
from tui.widgets.panels import Question
from tui.widgets.rows import Rows
from tui.widgets.tiles import room_for
from tui.widgets.view_tabs import ViewTabs
from tui.workspace.snapshot import Artifact, Snapshot


class HeatmapsPage(Page):
    """Averaged attribution maps, their similarity, and single images."""

    NAME: ClassVar[str] = "heatmaps"
    HELP: ClassVar[str] = (
        "Where each network finds its evidence: averaged Grad-CAM maps over the mean radiograph, "
        "in logit per cell. Orange speaks for the class, blue against it. A contrast map is the "
        "mean over images of the class less the mean over the others. A true positive is an image "
        "of the last of two classes that the network calls so, whichever class the map explains."
        "\n\n"
        "Maps of fewer than 11 subjects are hidden. A network whose AUROC interval does not lie "
        "above 0.5 is marked: its maps are not read."
    )
    BINDINGS: ClassVar[list[BindingType]] = BINDINGS

    def __init__(self) -> None:
        super().__init__()
        self.choice = Choice()
        self.summary = Summary()
        self.explained: Explained | None = None
        self._problem = ""
        """Why the chosen model's single images cannot be read."""
        self._snapshot: Snapshot | None = None
        self._keys: dict[str, tuple[str, ...]] = {}

    def content(self) -> Iterator[Widget]:
        yield ViewTabs({str(view): tab for view, tab in VIEWS.items()})
        yield Canvas(graphics=self.dashboard.graphics)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(ViewTabs).mark(self.choice.view)

    # What is read

    def show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        artifacts = summary_artifacts(snapshot)
        if self._is_new("summary", key := key_of(artifacts)):
            self._read(key, artifacts)
        self._look_up()
        self._draw()

    def _is_new(self, what: str, key: tuple[str, ...]) -> bool:
        known, self._keys[what] = self._keys.get(what), key
        return known != key

    def _look_up(self) -> None:
        """Find the single images of the chosen model, once they are wanted."""
        if self.choice.view != "images" or self._snapshot is None:
            return
        networks = explained_networks(self._snapshot)
        if self.choice.network not in networks:
            wanted = self.choice.cell.network if self.choice.pair else None
            self.choice.network = wanted if wanted in networks else next(iter(networks), None)
        if self.choice.network is None:
            self.explained = None
            return
        artifacts = image_artifacts(self._snapshot, self.choice.network)
        if self._is_new("images", key := (*self.choice.network, *key_of(artifacts))):
            self.explained, self._problem = None, ""
            if {ATTRIBUTIONS.name, PREDICTIONS.name} <= {a.contract for a in artifacts if a.header}:
                self._read_explained(key, [a for a in artifacts if a.header])

    @work(thread=True, exclusive=True, group="read", description="read")
    def _read(self, key: tuple[str, ...], artifacts: list[Artifact]) -> None:
        summary = read_summary(self.dashboard.workspace, artifacts)
        self.post_message(SummaryRead(key, summary))

    @work(thread=True, exclusive=True, group="images", description="images")
    def _read_explained(self, key: tuple[str, ...], artifacts: list[Artifact]) -> None:
        folder = self.dashboard.workspace
        paths = {a.contract: folder / a.place for a in artifacts}
        stores = [folder / a.place for a in artifacts if a.contract == IMAGES.name]
        try:
            found = read_explained(paths[ATTRIBUTIONS.name], paths[PREDICTIONS.name], stores)
        except CxrError as error:
            self.post_message(ErrorMet("single images", str(error)))
            self.post_message(ExplainedRead(key, None, str(error)))
        else:
            self.post_message(ExplainedRead(key, found))

    def on_summary_read(self, message: SummaryRead) -> None:
        if message.key != self._keys["summary"]:
            return
        self.summary = message.summary
        for contract, problem in message.summary.problems.items():
            self.dashboard.report(contract, problem)
        heat = message.summary.heatmaps
        if heat is not None and heat.cells:
            rows = message.summary.associations
            self.choice.take(heat, rows[0]["reference"] if rows else "mortality")
            self.query_one(MapPane).list(heat)
            self.query_one(Rows).go_to(self.choice.cell.key)
        self._draw()

    def on_explained_read(self, message: ExplainedRead) -> None:
        if message.key == self._keys["images"]:
            self.explained, self._problem = message.explained, message.problem
            self._draw()

    # What is seen

    def _draw(self) -> None:
        """Show the chosen view, or what is missing for it."""
        if self._snapshot is None or "summary" not in self._keys:
            return
        canvas = self.query_one(Canvas)
        text = (
            missing_images(self._snapshot, self.choice, self.explained, self._problem)
            if self.choice.view == "images"
            else missing_maps(self._snapshot, self.summary, self.choice)
        )
        if text:
            canvas.update_status(text)
        else:
            canvas.draw(self.choice.view, self._maker(small=SMALL, large=LARGE))

    def _maker(self, small: int, large: int) -> Make:
        """What makes the chosen view, whatever keys change afterwards."""
        summary, choice, explained = self.summary, self.choice.copied(), self.explained
        if choice.view == "similarity":
            return lambda: matrix(summary, choice.words)
        side = small if choice.view == "tasks" else large
        side *= 4 if self.dashboard.graphics else 1
        room, reason = self._room, stale(self._snapshot) if self._snapshot else ""
        return lambda: with_warning(painting_of(summary, choice, explained, side, room), reason)

    @property
    def _room(self) -> int:
        """How many of all tasks' maps are shown at once."""
        return room_for(self.size.width, self.size.height - 6)

    def on_resize(self) -> None:
        if self.choice.view == "tasks":
            self._draw()

    # What keys do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        idle = IDLE[self.choice.view]
        return not (action in idle or (action == "step" and parameters[0] in idle))

    def action_view(self, view: View) -> None:
        self.choice.view = view
        self.query_one(ViewTabs).mark(view)
        self.refresh_bindings()
        self._look_up()
        self._changed()
        focus = {"map": "#maps", "similarity": "Similarity"}.get(view)
        self.set_focus(self.query_one(focus) if focus else None)

    def action_step(self, what: Step, by: int) -> None:
        networks = explained_networks(self._snapshot) if self._snapshot else []
        self.choice.step(what, by, self.summary.heatmaps, self.explained, networks)
        self._look_up()
        self._changed()

    def action_page(self, by: int) -> None:
        if self.summary.heatmaps is not None:
            total = len(cells_like(self.summary.heatmaps, self.choice.cell, self.choice.words))
            room = room_for(self.size.width, self.size.height - 6)
            self.choice.first = max(
                0, min(self.choice.first + by * room, (total - 1) // room * room)
            )
            self._changed()

    def _changed(self) -> None:
        if self.choice.view == "map" and self.choice.pair:
            self.query_one(Rows).go_to(self.choice.cell.key)
        self._draw()

    def on_rows_highlighted(self, message: Rows.Highlighted) -> None:
        heat = self.summary.heatmaps
        if heat is not None and self.choice.view == "map" and message.key in heat.by_key:
            self.choice.pair[self.choice.active] = heat.by_key[message.key]
            self._draw()

    def on_filter_bar_filtered(self, message: FilterBar.Filtered) -> None:
        self.choice.words, self.choice.first = message.text, 0
        self.query_one(Rows).filter(message.text)
        self._draw()

    def action_export(self) -> None:
        seen = self.query_one(Canvas).seen
        if seen is None or (isinstance(seen, Painting) and not seen.tiles):
            self.notify("there is nothing to export in this view", severity="warning")
        elif isinstance(seen, Painting) and seen.patient_level:
            self.app.push_screen(Question(PATIENT_LEVEL), self._export_if)
        else:
            self._export_if(True)

    def _export_if(self, yes: bool | None) -> None:
        canvas = self.query_one(Canvas)
        if yes and canvas.seen is not None:
            count = len(canvas.seen.tiles) if isinstance(canvas.seen, Painting) else 1
            canvas.export(self._maker(small=side_for(count), large=side_for(count)))

    def on_exported(self, message: Exported) -> None:
        self.dashboard.save(message.name, message.data)
