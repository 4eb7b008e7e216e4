"""The dashboard: seven pages on one workspace. It owns nothing; closing it loses nothing."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, TypeVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen

from data_contracts.errors import Interrupted
from tui.artifact.page import ArtifactPage
from tui.cohort.page import CohortPage
from tui.heatmaps.page import HeatmapsPage
from tui.jobs.page import JobsPage
from tui.metrics.compare import Compare
from tui.metrics.page import MetricsPage
from tui.overview.page import OverviewPage
from tui.results.page import ResultsPage
from tui.shared.dashboard import DashboardApp
from tui.shared.dialogs import TextDialog
from tui.shared.error_texts import errors_text, internal_error
from tui.shared.messages import OpenArtifact, OpenCurves, OpenLaunch, OpenMaps, OpenRun
from tui.shared.page import Page
from tui.shared.stylesheet import ParsedOnce
from tui.shared.switch import after
from tui.terminal import StyleAll
from tui.themes import THEMES

#: In the order of their keys and of the first line.
PAGES: tuple[type[Page], ...] = (
    OverviewPage, JobsPage, MetricsPage, HeatmapsPage, CohortPage, ArtifactPage, ResultsPage,
)  # fmt: skip
_Page = TypeVar("_Page", bound=Page)


class Dashboard(DashboardApp):
    """The pages, their keys, and the ways from one to another."""

    TITLE = "cxr"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {p.NAME: p for p in PAGES}
    DEFAULT_MODE = "overview"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(i), f"switch_mode('{p}')", p.capitalize(), show=False, id=f"page.{p}")
            for i, p in enumerate(MODES, 1)
        ),
        Binding("E", "errors", "Errors", show=False, id="app.errors"),
        Binding("ctrl+t", "next_theme", "Next theme", show=False, id="app.theme"),
        Binding("q", "quit", "Quit", id="app.quit"),
    ]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.preferences.theme
        self.stylesheet = ParsedOnce(variables=self.get_css_variables())
        self.set_keymap(self.preferences.keys)

    def on_mount(self) -> None:
        # Ends by way of the application, which gives the terminal back as it was.
        for number in (signal.SIGINT, signal.SIGTERM):
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(number, lambda: self.exit(return_code=Interrupted.exit_code))

    async def on_open_artifact(self, message: OpenArtifact) -> None:
        (await self._page(ArtifactPage)).open(message.place)

    async def on_open_maps(self, message: OpenMaps) -> None:
        (await self._page(HeatmapsPage)).open(message.model_keys)

    async def on_open_curves(self, message: OpenCurves) -> None:
        await self.push_screen(Compare(message.model_keys, message.split))

    async def on_open_run(self, message: OpenRun) -> None:
        (await self._page(JobsPage)).open(message.run_id)

    async def on_open_launch(self, message: OpenLaunch) -> None:
        from tui.launch.screen import LaunchScreen

        page = await self._page(JobsPage)
        await self.push_screen(LaunchScreen(message.job, message.settings), page.await_launched)

    async def _page(self, page_type: type[_Page]) -> _Page:
        """Show a page, also from a screen above it."""
        await self.switch_mode(page_type.NAME)
        page = self.screen
        assert isinstance(page, page_type)
        return page

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return [StyleAll(), *filters] if self.no_color else filters

    def _fatal_error(self) -> None:
        # Textual's traceback shows the values of variables, which may be those of patients.
        self.panic(internal_error(self._exception))

    def action_errors(self) -> None:
        text = errors_text(self.snapshot, self.errors, self.seen_errors)
        self.push_screen(TextDialog("Errors", text))
        self.seen_errors = len(self.errors)
        self.errors_changed.publish(self.error_count)

    def action_next_theme(self) -> None:
        self.theme = after([theme.name for theme in THEMES], self.theme)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        own = list(screen.commands()) if isinstance(screen, Page) else []
        yield from own
        # Of a page what keys do is named, and that is one of them.
        yield from (c for c in super().get_system_commands(screen) if not own or c.title != "Quit")
