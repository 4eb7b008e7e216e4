"""How busy this host is, in one line with the last minutes as bars; asked only while it is seen."""

from __future__ import annotations

from collections import deque
from functools import partial
from pathlib import Path

from textual.widgets import Static

from tui.jobs.host_use import CpuTimes, Use, read_use
from tui.jobs.sparkline import sparkline
from tui.shared.reading import Reading

_KEPT = 60
#: Bars beside each number, and with what each is a share of, from these widths on.
_BARS, _WIDE, _WIDEST = 8, 70, 110


class HostMeters(Static):
    """`CPU ▁▃▅▇ 93 %  memory ▂▂▂▂ 31 %  disk ▆▆▆▆ 77 %`, as much of it as there is room for."""

    DEFAULT_CSS = """
    HostMeters {
        width: auto; height: 1; color: $foreground 70%; padding: 0 1; text-wrap: nowrap;
    }
    """

    def __init__(self, workspace: Path) -> None:
        super().__init__()
        self._workspace, self._times = workspace, CpuTimes()
        self._uses: dict[str, tuple[Use, deque[float]]] = {}
        self._reading = Reading(self, "host", self._take, in_turn=True)
        self.room = 0
        """Cells that it may take."""

    def ask(self) -> None:
        """Look again, in a thread."""
        read = partial(read_use, self._workspace, self._times)
        self._reading.want(self._workspace, read, again=True)

    def _take(self, read: tuple[CpuTimes, tuple[Use, ...]]) -> None:
        self._times, uses = read
        before = self._uses
        self._uses = {}
        for use in uses:
            _, shares = before.get(use.name, (use, deque[float](maxlen=_KEPT)))
            shares.append(use.share)
            self._uses[use.name] = use, shares
        self.show()

    def show(self) -> None:
        """Show what is known, in the room there is."""
        bars = _BARS if self.room >= _WIDE else _BARS // 2
        parts = []
        for use, shares in self._uses.values():
            note = f" {use.note}" if self.room >= _WIDEST and use.note else ""
            curve = sparkline([*shares], bars, (0.0, 1.0))
            parts.append(f"{use.name} {curve} {round(100 * use.share):d} %{note}")
        while parts and sum(map(len, parts)) + 2 * len(parts) > self.room:
            parts.pop()
        self.update("  ".join(parts))
