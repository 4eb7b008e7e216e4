"""Where the `cxr` command begins: signals and standard streams first, then the command line."""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> None:
    """Entry point of the `cxr` command."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    _open_closed_streams()
    from jobs import _cli

    _cli.main()


def _end(_: int, __: FrameType | None) -> None:
    """End while the command line is still being loaded: nothing has begun."""
    os.write(2, b"cxr: interrupted; run the same command to resume\n")
    os._exit(75)


def _open_closed_streams() -> None:
    """Let what was closed lead nowhere: the next file opened would take the place of a stream."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


if __name__ == "__main__":
    main()
