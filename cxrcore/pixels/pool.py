"""Preparing many images, in order, by worker processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from cxrcore.pixels import Prepared, Reject, prepare_from
from data_contracts.errors import CxrError

#: Images handed to a worker at a time.
_CHUNK = 8


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def prepare_all(
    root: Path, paths: Sequence[str], size: int, workers: int
) -> Generator[Prepared | Reject]:
    """Yield what `prepare_from` makes of each of `paths`, in their order.

    With 0 or 1 `workers` in this process, else in that many others; the result is the same.
    Only a few chunks per worker are under way at a time, so memory does not grow with `paths`.
    Raises `CxrError` when a worker process dies.
    """
    if workers <= 1:
        _use_one_thread()
        yield from (prepare_from(root, path, size) for path in paths)
        return
    chunks = (paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK))
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    try:
        waiting: deque[Future[list[Prepared | Reject]]] = deque()
        for chunk in chunks:
            waiting.append(pool.submit(_prepare_chunk, root, chunk, size))
            if len(waiting) > 2 * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    except BrokenProcessPool as error:
        raise CxrError(
            "a worker process died (killed, or out of memory); run the same command again to go "
            "on, with fewer --workers if memory is short"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _prepare_chunk(root: Path, paths: Sequence[str], size: int) -> list[Prepared | Reject]:
    return [prepare_from(root, path, size) for path in paths]


def _start_worker() -> None:
    # Ctrl-C reaches the whole process group; only the parent acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _use_one_thread()


def _end_with_parent() -> None:
    # A worker waits on a queue that it holds open itself, so it would outlive a killed parent.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _use_one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)
