"""Worker processes that leave stopping to their parent and never outlive it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar

from data_contracts.errors import CxrError

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Items that each worker has before it: enough that none waits for a slow neighbour.
_AHEAD = 4


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def in_order(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Generator[Result]:
    """Yield `function` of each of `items`, in their order.

    With 0 or 1 `workers` in this process, else in that many spawned ones; `function`, the items
    (small ones) and the results must then pickle. Only a few items per worker are under way, so
    memory does not grow with `items`. When the generator is closed, or this process dies, each
    worker ends after its present item. Raises what `function` raises, and `CxrError` when a
    worker dies.
    """
    workers = min(workers, len(items))
    if workers <= 1:
        yield from map(function, items)
        return
    with _crew(function, workers) as crew:
        ahead = _AHEAD * workers
        for number in range(len(items) + ahead):
            if number < len(items):
                _speak(crew[number % workers].send, items[number])
            if number >= ahead:
                result, error = _speak(crew[(number - ahead) % workers].recv)
                if error is not None:
                    raise error
                yield result


@contextmanager
def _crew(function: Callable[[Any], Any], workers: int) -> Iterator[list[Connection]]:
    """Start workers and yield a line to each; when the lines are cut the workers end.

    Each has a line of its own: one that dies, even in the middle of a word, blocks no other.
    """
    context = multiprocessing.get_context("spawn")
    lines: list[Connection] = []
    processes: list[SpawnProcess] = []
    try:
        for _ in range(workers):
            ours, theirs = context.Pipe()
            lines.append(ours)
            process = context.Process(target=_serve, args=(theirs, function), daemon=True)
            with theirs, _signals_held_back():
                process.start()
            processes.append(process)
        yield lines
    finally:
        for line in lines:
            line.close()
        for process in processes:
            process.join()


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Block SIGINT and SIGTERM, which a process that is started now inherits.

    A signal to the whole process group must not end a worker, not even one that is just
    starting: the parent decides when to stop.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _speak(act: Callable[..., Any], *words: Any) -> Any:
    try:
        return act(*words)
    except (EOFError, OSError) as error:
        raise CxrError(
            "a worker process died (killed, or out of memory); run the same command again, "
            "with fewer --workers if memory is short"
        ) from error


def _serve(line: Connection, function: Callable[[Any], Any]) -> None:
    """Answer each item with (result, error) until the parent is gone or needs no more."""
    while True:
        try:
            item = line.recv()
        except (EOFError, OSError):
            return
        result, error = None, None
        try:
            result = function(item)
        except Exception as fault:
            fault.add_note(f"in a worker process:\n{traceback.format_exc()}")
            error = fault
        try:
            line.send((result, error))
        except OSError:
            return
