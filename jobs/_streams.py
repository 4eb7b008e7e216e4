"""Standard output and error that fail no finished work."""

from __future__ import annotations

import io
import sys
from typing import Any


class Sink(io.FileIO):
    """A stream's descriptor: after its first fault, which is kept, all else goes nowhere."""

    fault: OSError | None = None

    def write(self, data: Any) -> int:
        """Write what can be written; say that all of it was."""
        if self.fault is None:
            try:
                return super().write(data)
            except OSError as error:
                self.fault = error
        return len(memoryview(data).cast("B"))


def forgiving(descriptor: int) -> tuple[io.TextIOWrapper, Sink]:
    """A text stream over a descriptor, that no character and no reader's end can break."""
    sink = Sink(descriptor, "w", closefd=False)
    before = sys.stdout if descriptor == 1 else sys.stderr
    text = io.TextIOWrapper(
        io.BufferedWriter(sink), encoding=before.encoding if before else "utf-8",
        errors="backslashreplace", line_buffering=descriptor == 2 or sink.isatty(),
    )  # fmt: skip
    return text, sink
