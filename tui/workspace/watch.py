"""A thread that looks at the workspace once a second and tells what has changed."""

from __future__ import annotations

import gc
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tui.workspace.snapshot import Artifact, Snapshot

if TYPE_CHECKING:
    from tui.workspace.scan import Scanner

EVERY_SECONDS = 1.0


class Watch:
    """Calls `tell` with each new snapshot, from its own thread, until stopped."""

    def __init__(self, workspace: Path, tell: Callable[[Snapshot], None]) -> None:
        self._workspace, self._tell = workspace, tell
        self._asked = threading.Event()
        self._refuted: queue.SimpleQueue[tuple[Artifact, str]] = queue.SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def look_now(self) -> None:
        """Look at once, such as after a launch."""
        self._asked.set()

    def refute(self, artifact: Artifact, fault: str) -> None:
        """Have an artifact told as damaged from now on."""
        self._refuted.put((artifact, fault))
        self.look_now()

    def stop(self) -> None:
        self._stopped = True
        self._asked.set()

    def _look(self) -> None:
        from tui.workspace.scan import Scanner

        scanner, number = Scanner(self._workspace), 0
        while not self._stopped:
            self._asked.clear()
            self._hear(scanner)
            snapshot = scanner.scan()
            if snapshot.number != number:
                if number == 0:
                    # What was read stays; looking through it for garbage would hold up the keys.
                    gc.freeze()
                number = snapshot.number
                self._tell(snapshot)
            self._asked.wait(EVERY_SECONDS)

    def _hear(self, scanner: Scanner) -> None:
        while not self._refuted.empty():
            scanner.refute(*self._refuted.get())
