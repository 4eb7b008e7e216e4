"""A thread that scans the workspace once a second and reports changes."""

from __future__ import annotations

import gc
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tui.heap import trim_heap
from tui.workspace.snapshot import Artifact, Snapshot

if TYPE_CHECKING:
    from tui.workspace.scan import Scanner

EVERY_SECONDS = 1.0


class Watch:
    """Calls `publish` with each new snapshot, from its own thread, until stopped."""

    def __init__(self, workspace: Path, publish: Callable[[Snapshot], None]) -> None:
        self._workspace, self._publish = workspace, publish
        self._woken = threading.Event()
        self._marked_damaged: queue.SimpleQueue[tuple[Artifact, str]] = queue.SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def refresh(self) -> None:
        """Look at once, such as after a launch."""
        self._woken.set()

    def mark_damaged(self, artifact: Artifact, fault: str) -> None:
        """Show an artifact as damaged from now on."""
        self._marked_damaged.put((artifact, fault))
        self.refresh()

    def stop(self) -> None:
        self._stopped = True
        self._woken.set()

    def _look(self) -> None:
        from tui.workspace.scan import Scanner

        scanner, number = Scanner(self._workspace), 0
        while not self._stopped:
            self._woken.clear()
            self._take_damages(scanner)
            snapshot = scanner.scan()
            if snapshot.number != number:
                if number == 0:
                    # What was read stays; looking through it for garbage would hold up the keys.
                    gc.freeze()
                number = snapshot.number
                self._publish(snapshot)
            trim_heap()
            self._woken.wait(EVERY_SECONDS)

    def _take_damages(self, scanner: Scanner) -> None:
        while not self._marked_damaged.empty():
            scanner.mark_damaged(*self._marked_damaged.get())
