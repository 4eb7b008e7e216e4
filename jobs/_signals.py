"""SIGTERM and Ctrl-C: a job stops after its step, or within seconds if the step is a long one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

#: Seconds that a job has to come to the end of its step.
PATIENCE = 3.0


@dataclass
class Stop:
    """Whether a job was asked to stop, and whether it must not be broken off."""

    requested: bool = False
    _in_steps: bool = False
    _whole: bool = False
    _timer: threading.Timer | None = None

    @contextmanager
    def after_steps(self) -> Iterator[None]:
        """Within this block the job looks after each step whether it is to stop."""
        before, self._in_steps = self._in_steps, True
        try:
            yield
        finally:
            self._in_steps = before

    @contextmanager
    def after_whole_steps(self) -> Iterator[None]:
        """Within this block the job stops by itself after its step: breaking off loses work."""
        before, self._whole = self._whole, True
        try:
            yield
        finally:
            self._whole = before

    def ask(self, number: int, _: FrameType | None) -> None:
        """The handler of SIGTERM and SIGINT. Breaks off at once where no steps are under way.

        So does a second Ctrl-C, wherever it comes.
        """
        if self.requested and number == signal.SIGINT:
            # A third one would break into the clearing up.
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
        """The handler of SIGALRM, once patience is at its end."""
        if not self._whole:
            raise KeyboardInterrupt

    def calm(self) -> None:
        """From here on the end is near: nobody's impatience may cut off the report."""
        self._whole = True
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if self._timer:
            self._timer.cancel()
            self._timer.join()


@contextmanager
def signals() -> Iterator[Stop]:
    """Hear SIGTERM and Ctrl-C until the block ends."""
    stop = Stop()
    handlers = {signal.SIGTERM: stop.ask, signal.SIGINT: stop.ask, signal.SIGALRM: stop.insist}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop
    finally:
        stop.calm()
        for number, handler in before.items():
            # The command is over but for its exit code, which nothing may change any more.
            over = handler is break_off
            signal.signal(number, signal.SIG_IGN if over else handler)


def break_off(_: int, __: FrameType | None) -> None:
    """The handler while a command runs that is no job."""
    raise KeyboardInterrupt
