"""The dashboard: seven pages on one workspace. It owns nothing; closing it loses nothing."""

from __future__ import annotations

import asyncio
import io
import signal
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.events import DeliveryComplete, DeliveryFailed
from textual.filter import LineFilter
from textual.screen import Screen
from textual.signal import Signal

from data_contracts.errors import Interrupted
from data_contracts.run import RunRecord
from tui import clock
from tui.messages import ErrorMet, OpenArtifact, OpenLaunch, OpenMaps, OpenRun, SnapshotTaken
from tui.preferences import Preferences
from tui.results_page.page import ResultsPage
from tui.screens.artifact import ArtifactPage
from tui.screens.cohort import CohortPage
from tui.screens.heatmaps import HeatmapsPage
from tui.screens.jobs import JobsPage
from tui.screens.metrics import MetricsPage
from tui.screens.overview import OverviewPage
from tui.terminal import StyleAll
from tui.texts.error_texts import (
    errors_text,
    failures_by_reason,
    internal_error,
    newly_failed,
)
from tui.texts.sanitize import escape_markup
from tui.themes import THEMES
from tui.widgets.dialogs import TextDialog
from tui.widgets.status_header import PAGES
from tui.workspace.snapshot import Artifact, Snapshot
from tui.workspace.watch import Watch

if TYPE_CHECKING:
    from tui.launching.form import Raw

#: Seconds.
ANNOUNCE_AFTER = 2.0

_Page = TypeVar("_Page", bound=Screen[Any])


class Dashboard(App[None]):
    """Shows `workspace`. `graphics`: pictures in the terminal's own protocol."""

    TITLE = "cxr"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        page.NAME: page
        for page in (
            OverviewPage,
            JobsPage,
            MetricsPage,
            HeatmapsPage,
            CohortPage,
            ArtifactPage,
            ResultsPage,
        )
    }
    DEFAULT_MODE = "overview"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(i), f"switch_mode('{p}')", p.capitalize(), show=False, id=f"page.{p}")
            for i, p in enumerate(PAGES, 1)
        ),
        Binding("E", "errors", "Errors", show=False, id="app.errors"),
        Binding("ctrl+t", "next_theme", "Theme", show=False, id="app.theme"),
        Binding("q", "quit", "Quit", id="app.quit"),
    ]

    def __init__(
        self, workspace: Path, preferences: Preferences | None = None, *, graphics: bool = False
    ) -> None:
        super().__init__()
        self.workspace, self.graphics = workspace, graphics
        self.snapshot: Snapshot | None = None
        self.errors: list[str] = []
        self._seen = 0
        """How many of them have been looked at."""
        self._failed: list[RunRecord] = []
        """Runs whose failure is to be announced."""
        self.drafts: dict[str, dict[str, Raw]] = {}
        """What was entered in the launch form of each job."""
        self.snapshots: Signal[Snapshot] = Signal(self, "snapshots")
        self.errors_changed: Signal[int] = Signal(self, "errors")
        self._watch = Watch(workspace, self._post_snapshot)
        for theme in THEMES:
            self.register_theme(theme)
        self.preferences = preferences or Preferences()
        self.theme = self.preferences.theme
        self.set_keymap(self.preferences.keys)

    def on_mount(self) -> None:
        self._watch.start()
        # Ends by way of the application, which gives the terminal back as it was.
        for number in (signal.SIGINT, signal.SIGTERM):
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(number, lambda: self.exit(return_code=Interrupted.exit_code))

    def _post_snapshot(self, snapshot: Snapshot) -> None:
        self.post_message(SnapshotTaken(snapshot))

    def on_unmount(self) -> None:
        self._watch.stop()

    def refresh_workspace(self) -> None:
        """Read the workspace at once."""
        self._watch.refresh()

    def mark_damaged(self, artifact: Artifact, fault: str) -> None:
        """Show an artifact as damaged, as reading it has shown."""
        self._watch.mark_damaged(artifact, fault)

    def on_snapshot_taken(self, message: SnapshotTaken) -> None:
        before, self.snapshot = self.snapshot, message.snapshot
        if before and (failed := list(newly_failed(before, message.snapshot))):
            # What was launched together fails within moments of each other.
            if not self._failed:
                self.set_timer(ANNOUNCE_AFTER, self._announce_failures)
            self._failed += failed
        self.snapshots.publish(message.snapshot)

    def _announce_failures(self) -> None:
        """Runs of one job that failed for the same reason are announced together."""
        for title, text in failures_by_reason(self._failed):
            self.notify(text, title=title, severity="error", markup=False)
        self._failed = []

    @property
    def error_count(self) -> int:
        """What is wrong now, and the messages that nobody has looked at."""
        now = self.snapshot
        return len(self.errors) - self._seen + (len(now.faults + now.failures) if now else 0)

    def on_error_met(self, message: ErrorMet) -> None:
        self.report(message.where, message.text)

    def report(self, where: str, text: str) -> None:
        """Show an error for a while, and keep it in the list of errors."""
        self.errors.append(
            f"[dim]{clock.local(clock.now()):%H:%M:%S}[/] [b]{where}[/]  {escape_markup(text)}"
        )
        self.errors_changed.publish(self.error_count)
        self.notify(text, title=where, severity="error", timeout=6, markup=False)

    async def on_open_artifact(self, message: OpenArtifact) -> None:
        await self.switch_mode(ArtifactPage.NAME)
        self._page(ArtifactPage).open(message.place)

    async def on_open_maps(self, message: OpenMaps) -> None:
        await self.switch_mode(HeatmapsPage.NAME)
        self._page(HeatmapsPage).open(message.model_keys)

    async def on_open_run(self, message: OpenRun) -> None:
        await self.switch_mode(JobsPage.NAME)
        self._page(JobsPage).open(message.run_id)

    async def on_open_launch(self, message: OpenLaunch) -> None:
        await self.switch_mode(JobsPage.NAME)
        self._page(JobsPage).launch(message.job, message.settings)

    def _page(self, page_type: type[_Page]) -> _Page:
        page = self.screen
        assert isinstance(page, page_type)
        return page

    def save(self, name: str, data: bytes) -> None:
        """Write a file for the user; in a browser it is a download.

        It goes into `exports/` of the workspace, or, if that cannot be written, where `cxr` was
        started.
        """
        writable = self.snapshot is not None and self.snapshot.writable
        folder = self.workspace / "exports" if writable else Path.cwd()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.report("export", f"could not create {folder} ({error.strerror})")
            return
        if self.is_web:
            self.deliver_binary(io.BytesIO(data), save_filename=name, name="export")
        else:
            # In a terminal Textual 8.2 opens such a file as text, and fails.
            self._write(folder / name, data)

    @work(thread=True)
    def _write(self, path: Path, data: bytes) -> None:
        try:
            path.write_bytes(data)
        except OSError as error:
            self.post_message(DeliveryFailed("export", error, "export"))
        else:
            self.post_message(DeliveryComplete("export", path, "export"))

    def on_delivery_complete(self, event: DeliveryComplete) -> None:
        if event.name == "export":
            where = str(event.path) if event.path else "downloaded by the browser"
            self.notify(where, title="Exported", markup=False)

    def on_delivery_failed(self, event: DeliveryFailed) -> None:
        if event.name == "export":
            self.report("export", f"could not write the file ({event.exception})")

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return [StyleAll(), *filters] if self.no_color else filters

    def _fatal_error(self) -> None:
        # Textual's traceback shows the values of variables, which may be those of patients.
        self.panic(internal_error(self._exception))

    def action_errors(self) -> None:
        text = errors_text(self.snapshot, self.errors, self._seen)
        self.push_screen(TextDialog("Errors", text))
        self._seen = len(self.errors)
        self.errors_changed.publish(self.error_count)

    def action_next_theme(self) -> None:
        names = [theme.name for theme in THEMES]
        at = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(at + 1) % len(names)]

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        for page in PAGES:
            title = page.capitalize()
            yield SystemCommand(title, f"Go to {title}", lambda p=page: self.switch_mode(p))
        yield SystemCommand("Errors", "Everything that went wrong", self.action_errors)
        yield from super().get_system_commands(screen)
