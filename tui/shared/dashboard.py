"""What every page may ask of the application: the workspace as it is now, errors, and files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual import work
from textual.app import App
from textual.events import DeliveryComplete, DeliveryFailed, Event, Key
from textual.signal import Signal

from data_contracts.run import RunRecord
from tui import clock
from tui.shared.error_texts import failures_by_reason, newly_failed
from tui.shared.messages import ErrorMet, Export, SnapshotTaken
from tui.shared.preferences import Preferences
from tui.shared.sanitize import escape_markup
from tui.shared.views import Views
from tui.workspace.snapshot import Artifact, Snapshot
from tui.workspace.tables import Tables
from tui.workspace.watch import Watch

#: Seconds.
ANNOUNCE_AFTER = 2.0


class DashboardApp(App[None]):
    """Shows `workspace`. `graphics`: pictures in the terminal's own protocol."""

    def __init__(
        self,
        workspace: Path,
        preferences: Preferences | None = None,
        *,
        views: Views | None = None,
        graphics: bool = False,
    ) -> None:
        super().__init__()
        self.workspace, self.graphics = workspace, graphics
        self.preferences, self.views = preferences or Preferences(), views or Views()
        self.tables = Tables(workspace)
        self.snapshot: Snapshot | None = None
        self.errors: list[str] = []
        self.seen_errors = 0
        """How many of them have been looked at."""
        self._failed: list[RunRecord] = []
        """Runs whose failure is to be announced."""
        self.drafts: dict[str, Mapping[str, Any]] = {}
        """What was entered in the launch form of each job."""
        self.snapshots: Signal[Snapshot] = Signal(self, "snapshots")
        self.errors_changed: Signal[int] = Signal(self, "errors")
        self._watch = Watch(workspace, self._post_snapshot)

    def on_mount(self) -> None:
        self._watch.start()

    async def on_event(self, event: Event) -> None:
        """Do what a key is for at once, unless the focus is where one types.

        Textual first hands it from widget to widget, and the next keys too: letters typed right
        after `/` would reach the table.
        """
        done = isinstance(event, Key) and not event.is_forwarded and await self._answer(event.key)
        if not done:
            await super().on_event(event)

    async def _answer(self, key: str) -> bool:
        """Do what a key is bound to; whether anything was done."""
        types = self.focused is not None and self.focused.check_consume_key("a", "a")
        # What is shown over the page is left by Escape before anything else.
        if types or not self.screen.is_mounted or (key == "escape" and self.screen.maximized):
            return False
        bound = self.screen.active_bindings.get(key)
        if bound is None or not bound.enabled:
            return False
        return await self.run_action(bound.binding.action, bound.node)

    async def action_switch_mode(self, mode: str) -> None:
        # The next key is for that page.
        await self.switch_mode(mode)

    def _post_snapshot(self, snapshot: Snapshot) -> None:
        self.post_message(SnapshotTaken(snapshot))

    def on_unmount(self) -> None:
        self._watch.stop()
        self.views.write()

    def refresh_workspace(self) -> None:
        """Read the workspace at once."""
        self._watch.refresh()

    def on_workspace_changed(self) -> None:
        self.refresh_workspace()

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
        now, unseen = self.snapshot, len(self.errors) - self.seen_errors
        return unseen + (len(now.faults + now.failures) if now else 0)

    def on_error_met(self, message: ErrorMet) -> None:
        self.report(message.where, message.text)

    def report(self, where: str, text: str) -> None:
        """Show an error for a while, and keep it in the list of errors."""
        self.errors.append(
            f"[dim]{clock.local(clock.now()):%H:%M:%S}[/] [b]{where}[/]  {escape_markup(text)}"
        )
        self.errors_changed.publish(self.error_count)
        self.notify(text, title=where, severity="error", timeout=6, markup=False)

    def on_export(self, message: Export) -> None:
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
            self.deliver_binary(io.BytesIO(message.data), save_filename=message.name, name="export")
        else:
            # In a terminal Textual 8.2 opens such a file as text, and fails.
            self._write(folder / message.name, message.data)

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
