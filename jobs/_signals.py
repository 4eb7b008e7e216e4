"""SIGTERM and Ctrl-C: a job stops after its current step, or after some seconds in a long step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

#: Seconds that a job has to finish its current step.
PATIENCE = 3.0


@dataclass
class Stop:
    """Whether a job was asked to stop, and whether it must finish its step."""

    requested: bool = False
    _in_steps: bool = False
    _whole: bool = False
    _timer: threading.Timer | None = None

    @contextmanager
    def after_steps(self) -> Iterator[None]:
        """Within this block the job checks after each step whether to stop."""
        before, self._in_steps = self._in_steps, True
        try:
            yield
        finally:
            self._in_steps = before

    @contextmanager
    def after_whole_steps(self) -> Iterator[None]:
        """Within this block the job stops only after its step: an interruption would lose work."""
        before, self._whole = self._whole, True
        try:
            yield
        finally:
            self._whole = before

    def ask(self, number: int, _: FrameType | None) -> None:
        """The handler of SIGTERM and SIGINT. Interrupts at once outside of steps.

        A second Ctrl-C always interrupts at once.
        """
        if self.requested and number == signal.SIGINT:
            # A third one would interrupt the cleanup.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            raise KeyboardInterrupt
        if not self.requested:
            self.requested = True
            main = threading.main_thread().ident or 0
            self._timer = threading.Timer(
                PATIENCE, lambda: signal.pthread_kill(main, signal.SIGALRM)
            )
            self._timer.daemon = True
            self._timer.start()
            if not (self._in_steps or self._whole):
                raise KeyboardInterrupt

    def insist(self, _: int, __: FrameType | None) -> None:
        """The handler of SIGALRM, `PATIENCE` seconds after the request to stop."""
        if not self._whole:
            raise KeyboardInterrupt

    def calm(self) -> None:
        """From here on ignore signals: nothing may interrupt the final report."""
        self._whole = True
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if self._timer:
            self._timer.cancel()
            self._timer.join()


@contextmanager
def signals() -> Iterator[Stop]:
    """Handle SIGTERM and Ctrl-C until the block ends."""
    stop = Stop()
    handlers = {signal.SIGTERM: stop.ask, signal.SIGINT: stop.ask, signal.SIGALRM: stop.insist}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop
    finally:
        stop.calm()
        for number, handler in before.items():
            # The command is over except for its exit code, which nothing may change any more.
            over = handler is break_off
            signal.signal(number, signal.SIG_IGN if over else handler)


def break_off(_: int, __: FrameType | None) -> None:
    """The handler for commands that are not jobs."""
    raise KeyboardInterrupt
