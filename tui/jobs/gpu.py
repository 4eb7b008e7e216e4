"""How busy this host's GPUs are, asked only while it is shown."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from textual import work
from textual.message import Message
from textual.widgets import Static

from data_contracts.errors import CxrError
from jobs._engines._call import call

_COMMAND = (
    "nvidia-smi", "--query-gpu=utilization.gpu,memory.used,memory.total",
    "--format=csv,noheader,nounits",
)  # fmt: skip
#: Seconds after which a driver that does not answer is left alone.
_PATIENCE = 5.0


class GpuUse(Static):
    """One short text; nothing where there is no GPU."""

    DEFAULT_CSS = "GpuUse { width: auto; height: 1; color: $foreground 70%; padding: 0 1; }"

    @dataclass
    class Answered(Message):
        """What the driver reported."""

        text: str

    def ask(self) -> None:
        """Ask the driver, in a thread."""
        if not any(w.group == "gpu" and not w.is_finished for w in self.workers):
            self._ask()

    @work(thread=True, group="gpu", description="gpu")
    def _ask(self) -> None:
        if shutil.which(_COMMAND[0]) is None:
            return
        try:
            answer = call(_COMMAND, patience=_PATIENCE)
        except CxrError:
            return
        self.post_message(self.Answered(gpu_text(answer.stdout) if answer.returncode == 0 else ""))

    def on_gpu_use_answered(self, message: Answered) -> None:
        message.stop()
        self.update(message.text)

    def clear(self) -> None:
        """Show nothing, as of a run that does not work here."""
        if self.content:
            self.update("")


def gpu_text(stdout: str) -> str:
    """`GPU 93 %, 12.1 of 79.6 GiB` from lines of percent, MiB used and MiB in all, one a GPU."""
    busy, used, there = [], 0.0, 0.0
    for line in stdout.splitlines():
        try:
            percent, own, whole = (float(part) for part in line.split(","))
        except ValueError:
            continue  # a card without the value reports "[N/A]"
        busy.append(f"{percent:.0f}")
        used, there = used + own, there + whole
    if not busy:
        return ""
    return f"GPU {' '.join(busy)} %, {used / 1024:.1f} of {there / 1024:.1f} GiB"
