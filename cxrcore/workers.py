"""Worker processes that leave stopping to their parent and never outlive it."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import select
import signal
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from data_contracts.errors import CxrError, Interrupted

Item = TypeVar("Item")
Result = TypeVar("Result")
#: A worker's answer to an item: the result, or the error that it raised.
Answer = tuple[Any, Exception | None]

#: Items per worker that are queued, or answered before their turn.
_QUEUED = 4


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def ordered_map(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    on_death: Callable[[Item, str], Result] | None = None,
) -> Generator[Result]:
    """Yield `function` of each of `items`, in their order.

    With 0 `workers` in this process, else in that many spawned ones; `function`, the items
    (small ones) and the results must then pickle. Only a few items per worker are in progress, so
    memory does not grow with `items`. When the generator is closed, or this process dies, each
    worker ends after its current item.

    An item whose worker dies is retried once, alone; if that worker dies too, its result is
    `on_death` of the item and of the cause of death. Without `on_death` one worker is as good as
    none, and a death is an error. Raises what `function` raises, `CxrError` for such a death, and
    `Interrupted` when a worker cannot be started.
    """
    workers = min(workers, len(items))
    if workers <= (1 if on_death is None else 0):
        yield from map(function, items)
        return
    done: dict[int, Answer] = {}
    sent = 0
    with worker_pool(function, workers) as pool:
        for number in range(len(items)):
            while sent < min(number + _QUEUED * workers, len(items)):
                # To whoever has least to do: a slow worker gets fewer.
                min(pool, key=lambda worker: len(worker.waiting)).send(sent, items[sent])
                sent += 1
            while number not in done:
                _receive(pool, on_death, done)
            result, error = done.pop(number)
            if error is not None:
                raise error
            yield result


def _receive(
    pool: Sequence[_Worker],
    on_death: Callable[[Any, str], Any] | None,
    done: dict[int, Answer],
) -> None:
    """Wait until any worker has answered, and put an answer of each that has into `done`."""
    poll, at_work = select.poll(), [worker for worker in pool if worker.waiting]
    for worker in at_work:
        poll.register(worker.connection, select.POLLIN)
    ready = {file for file, _ in poll.poll()}
    for worker in at_work:
        if worker.connection.fileno() in ready:
            try:
                done.update([worker.receive()])
            except _DeathError:
                _retry_alone(worker, pool, on_death, done)
                return


def _retry_alone(
    worker: _Worker,
    pool: Sequence[_Worker],
    on_death: Callable[[Any, str], Any] | None,
    done: dict[int, Answer],
) -> None:
    """Answer the item that a dead `worker` was at, in `done`, and restart the worker."""
    if on_death is None:
        raise CxrError(
            "a worker process was killed (possibly out of memory); run the same command again, "
            "with fewer --workers if memory is short"
        )
    for other in pool:
        # A death among these is noticed again when its item is due.
        with suppress(_DeathError):
            while other is not worker and other.waiting:
                done.update([other.receive()])
    number, item = worker.waiting.popleft()
    with worker_pool(worker.function, 1) as (alone,):
        alone.send(number, item)
        try:
            done.update([alone.receive()])
        except _DeathError as death:
            done[number] = on_death(item, str(death)), None
    worker.restart()


class _DeathError(Exception):
    """A worker is dead; the text is the signal or exit code."""


class _Worker:
    """A process that answers items in turn, and the items that it has not answered yet.

    Each has a connection of its own: one that dies, even in the middle of a message, blocks no
    other.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function
        self.waiting: deque[tuple[int, Any]] = deque()
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, child_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(child_end, self.function), daemon=True)
        self._has_started = False
        try:
            with child_end, _signals_blocked():
                self._process.start()
        except OSError as error:
            self.connection.close()
            raise _cannot_start((error.strerror or "no resources").lower()) from error

    def send(self, number: int, item: Any) -> None:
        self.waiting.append((number, item))
        # A death is noticed when the answer is due.
        with suppress(OSError):
            self.connection.send(item)

    def receive(self) -> tuple[int, Answer]:
        """The answer to the item that has waited longest; raise `_DeathError` if none will come."""
        try:
            if not self._has_started:
                self._has_started = self.connection.recv()
            answer = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode or 0
            ending = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            if not self._has_started:
                raise _cannot_start(ending) from None
            raise _DeathError(ending) from None
        return self.waiting.popleft()[0], answer

    def restart(self) -> None:
        """Start a new process, with all waiting items."""
        self.close()
        self._start()
        left, self.waiting = self.waiting, deque()
        for number, item in left:
            self.send(number, item)

    def close(self) -> None:
        """Let the process end after its current item."""
        self.connection.close()

    def join(self) -> None:
        self._process.join()


def _cannot_start(reason: str) -> Interrupted:
    return Interrupted(
        f"a worker process cannot be started ({reason}); lower --workers or raise the limits of "
        "memory and processes, then run the same command to resume"
    )


@contextmanager
def worker_pool(function: Callable[[Any], Any], workers: int) -> Iterator[list[_Worker]]:
    """Start workers; at the end close their connections, and wait for them."""
    pool: list[_Worker] = []

    def close() -> None:
        for worker in pool:
            worker.close()

    # A generator that nobody closes would keep them, and their parent would wait for them.
    atexit.register(close)
    try:
        for _ in range(workers):
            pool.append(_Worker(function))
        yield pool
    finally:
        atexit.unregister(close)
        close()
        for worker in pool:
            worker.join()


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block SIGINT and SIGTERM, which a process that is started now inherits.

    A signal to the whole process group must not end a worker, not even one that is just
    starting: the parent decides when to stop.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, function: Callable[[Any], Any]) -> None:
    """Answer each item with (result, error) until the parent is gone or closes the connection."""
    with suppress(OSError):
        connection.send(True)
    while True:
        try:
            item = connection.recv()
        except (EOFError, OSError):
            return
        result, error = None, None
        try:
            result = function(item)
        except Exception as fault:
            fault.add_note(f"in a worker process:\n{traceback.format_exc()}")
            error = fault
        try:
            connection.send((result, error))
        except OSError:
            return
