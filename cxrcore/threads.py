"""Independent parts of a calculation side by side, in threads that share the usable cores."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar

from threadpoolctl import threadpool_limits

from cxrcore.workers import usable_cores

Item = TypeVar("Item")
Result = TypeVar("Result")

_lock = threading.Lock()
_helping = 0


def side_by_side(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    by: Callable[[Item], Any] = lambda _: 0,
) -> list[Result]:
    """`function` of each of `items`, in their order; they are begun in the order of `by`.

    The calling thread takes part. What `function` itself does side by side shares the cores: all
    together no more threads work than there are usable cores. Numpy, BLAS and compiled kernels
    release the interpreter lock, so that threads are enough.

    After an error no other item is begun, and of several errors that of the first item is raised.
    When a signal breaks off the calling thread, the others stop at their next step.
    """
    work = _Work(function, items, by)
    with _helpers(work.run, len(items) - 1):
        work.run()
    if work.errors:
        raise work.errors[min(work.errors)]
    return [work.results[number] for number in range(len(items))]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS without threads of its own: its sums would depend on their number."""
    with threadpool_limits(1):
        yield


def one_at_a_time(function: Callable[[Item], object]) -> Callable[[Item], None]:
    """`function` for callers in several threads: one waits for the other."""
    lock = threading.Lock()

    def call(item: Item) -> None:
        with lock:
            function(item)

    return call


class Once(Generic[Result]):
    """Results by key, each computed once, whichever threads ask for it."""

    def __init__(self) -> None:
        self._results: dict[Hashable, Result] = {}
        self._locks: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """The result of `key`, by `compute` if it is not there yet."""
        with _lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._results:
                self._results[key] = compute()
            return self._results[key]


class _Work(Generic[Item, Result]):
    """Items that several threads take, one after the other."""

    def __init__(
        self, function: Callable[[Item], Result], items: Sequence[Item], by: Callable[[Item], Any]
    ) -> None:
        self._function, self._items = function, items
        self._numbers = iter(sorted(range(len(items)), key=lambda i: by(items[i])))
        self.results: dict[int, Result] = {}
        self.errors: dict[int, Exception] = {}

    def run(self) -> None:
        """Take items until none is left or one has failed."""
        while not self.errors:
            with _lock:
                number = next(self._numbers, None)
            if number is None:
                return
            try:
                self.results[number] = self._function(self._items[number])
            except Exception as error:
                self.errors[number] = error


class _StoppedError(BaseException):
    """Raised in a thread that is to stop."""


@contextmanager
def _helpers(run: Callable[[], None], at_most: int) -> Iterator[None]:
    """Have idle cores `run` too, and wait for them; stop them if the block is broken off."""
    threads: list[threading.Thread] = []
    try:
        while len(threads) < at_most and _takes_a_core():
            threads.append(threading.Thread(target=_help, args=(run,), daemon=True))
            threads[-1].start()
        yield
        for thread in threads:
            thread.join()
    except BaseException:
        for thread in threads:
            _stop(thread)
        raise


def _takes_a_core() -> bool:
    global _helping
    with _lock:
        free = _helping + 1 < usable_cores()
        _helping += free
    return free


def _help(run: Callable[[], None]) -> None:
    global _helping
    try:
        with suppress(_StoppedError):
            run()
    finally:
        with _lock:
            _helping -= 1


def _stop(thread: threading.Thread) -> None:
    """Raise an error in a thread, as a signal does in the main one, and wait for its end."""
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(_StoppedError)
        )
        thread.join()
