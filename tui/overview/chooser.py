"""A window in which one of many artifacts is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from tui.shared.dialogs import Dialog
from tui.shared.filter_bar import FilterBar
from tui.shared.pipeline import ARTIFACT_COLUMNS, artifact_row
from tui.shared.rows import Rows
from tui.workspace.snapshot import Artifact


class Chooser(Dialog[str]):
    """Returns the chosen artifact's place, or nothing if it is left."""

    DEFAULT_CSS = "Chooser > .box { width: 100; height: 90%; }"
    AUTO_FOCUS = "Rows"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="chooser.filter"),
        Binding("escape,q", "dismiss", "Close", id="chooser.close"),
    ]

    def __init__(self, title: str, artifacts: Sequence[Artifact]) -> None:
        super().__init__()
        self._title, self._artifacts = title, artifacts

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = self._title
            box.border_subtitle = "Enter open · / filter · Esc close"
            yield Rows(*ARTIFACT_COLUMNS)
            yield FilterBar()

    def on_mount(self) -> None:
        self.query_one(Rows).set_rows([artifact_row(a) for a in self._artifacts])

    def action_filter(self) -> None:
        self.query_one(FilterBar).open()

    def on_filter_bar_filtered(self, event: FilterBar.Filtered) -> None:
        self.query_one(Rows).filter(event.text)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        self.dismiss(event.key)
