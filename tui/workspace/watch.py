"""A thread that looks at the workspace once a second and tells what has changed."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from pathlib import Path

from tui.workspace.snapshot import Snapshot

EVERY_SECONDS = 1.0


class Watch:
    """Calls `tell` with each new snapshot, from its own thread, until stopped."""

    def __init__(self, workspace: Path, tell: Callable[[Snapshot], None]) -> None:
        self._workspace, self._tell = workspace, tell
        self._asked = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def look_now(self) -> None:
        """Look at once, such as after a launch."""
        self._asked.set()

    def stop(self) -> None:
        self._stopped = True
        self._asked.set()

    def _look(self) -> None:
        from tui.workspace.scan import Scanner

        scanner, number = Scanner(self._workspace), 0
        while not self._stopped:
            self._asked.clear()
            snapshot = scanner.scan()
            if snapshot.number != number:
                if number == 0:
                    # What was read stays; looking through it for garbage would hold up the keys.
                    gc.freeze()
                number = snapshot.number
                self._tell(snapshot)
            self._asked.wait(EVERY_SECONDS)
