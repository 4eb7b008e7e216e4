"""Worker processes: order, sameness, signals, and their death."""

from __future__ import annotations

import errno
import multiprocessing
import operator
import os
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import islice
from multiprocessing.context import SpawnProcess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxrcore.pixels import ProcessedImage, RejectedImage, prepare_all
from cxrcore.workers import ordered_map
from data_contracts.errors import CxrError, Interrupted, StorageError

#: Slow enough that work is under way when a test looks.
REST = 0.02


@pytest.fixture
def root(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for number in range(40):
        Image.fromarray(rng.integers(0, 256, (48, 40), np.uint8)).save(tmp_path / f"{number}.png")
    return tmp_path


def test_workers_change_neither_order_nor_pixels(root: Path) -> None:
    paths = [f"{number}.png" for number in range(43)]
    alone, together = (list(prepare_all(root, paths, 32, workers)) for workers in (0, 2))
    assert [type(r) for r in alone] == [ProcessedImage] * 40 + [RejectedImage] * 3
    for one, other in zip(alone, together, strict=True):
        if isinstance(one, ProcessedImage) and isinstance(other, ProcessedImage):
            assert (one.pixels == other.pixels).all()
            assert one.content_bbox == other.content_bbox
        else:
            assert one == other


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
def test_any_number_of_items_keeps_its_order(count: int) -> None:
    assert list(ordered_map(operator.neg, range(count), 2)) == [-i for i in range(count)]


def test_a_fault_of_an_item_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(partial(operator.truediv, 1), [1, 1, 0, 1], 2))
    error = StorageError("no space left")
    with pytest.raises(StorageError, match="no space left"):
        list(ordered_map(partial(_raise, error), [1, 2, 3], 2))


def _raise(error: Exception, _: int) -> None:
    raise error


@pytest.mark.parametrize("victims", [1, 2])
def test_a_killed_worker_ends_the_work_with_one_line(victims: int) -> None:
    results = ordered_map(bytes, [1 << 20] * 4000, 2)
    next(results)
    for worker in multiprocessing.active_children()[:victims]:
        os.kill(worker.pid or 0, signal.SIGKILL)
    with pytest.raises(CxrError, match=r"a worker process (was killed|cannot be started)"):
        list(results)
    assert not multiprocessing.active_children()


def _crash(number: int, on: set[int], once: Path | None = None) -> int:
    """Die of `on`; with `once`, only where no earlier death has left a file there."""
    if number in on and not (once and (once / str(number)).exists()):
        if once:
            (once / str(number)).touch()
        os.kill(os.getpid(), signal.SIGSEGV)
    return -number


def _died(number: int, ending: str) -> str:
    return f"{number} {ending}"


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_an_item_that_kills_its_worker_ends_nothing_else(workers: int) -> None:
    bad = {0, 5, 6, 19}
    results = list(ordered_map(partial(_crash, on=bad), range(20), workers, _died))
    assert results == [f"{i} SIGSEGV" if i in bad else -i for i in range(20)]
    assert not multiprocessing.active_children()


def test_a_worker_that_died_by_chance_costs_no_item(tmp_path: Path) -> None:
    results = ordered_map(partial(_crash, on={2, 3}, once=tmp_path), range(9), 2, _died)
    assert list(results) == [-i for i in range(9)]
    assert {p.name for p in tmp_path.iterdir()} == {"2", "3"}


def _never(_: int) -> None:
    """Stands for a worker that cannot even begin."""


def test_a_worker_that_cannot_start_is_no_fault_of_an_item(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(Interrupted, match=r"cannot be started \(exit code 1\); lower --workers"):
        list(ordered_map(_Unpicklable(), [1, 2, 3], 2, _died))

    def no_process(_: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(SpawnProcess, "start", no_process)
    with pytest.raises(Interrupted, match="resource temporarily unavailable"):
        list(ordered_map(_never, [1, 2, 3], 2, _died))


class _Unpicklable:
    """A function that no worker can load."""

    def __call__(self, _: int) -> None:
        raise AssertionError

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return sys.exit, (1,)


def test_stopping_early_leaves_no_worker_behind() -> None:
    results = ordered_map(time.sleep, [0.0] * 3 + [0.5] * 400, 2)
    assert len(list(islice(results, 3))) == 3
    results.close()
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_workers_do_not_hear_what_the_whole_group_is_told(number: signal.Signals) -> None:
    results = ordered_map(time.sleep, [REST] * 100, 2)
    next(results)
    for worker in multiprocessing.active_children():
        os.kill(worker.pid or 0, number)
    assert len(list(results)) == 99


def _slow_in_the_first(number: int, folder: Path) -> int:
    """Takes its time in the process that gets the first item; gives the process."""
    slow = folder / str(os.getpid())
    if number == 0:
        slow.touch()
    time.sleep(5 * REST if slow.exists() else 0)
    return os.getpid()


def test_a_slow_worker_gets_fewer_items(tmp_path: Path) -> None:
    slow, *others = ordered_map(partial(_slow_in_the_first, folder=tmp_path), range(60), 2)
    assert others.count(slow) < 20  # of 59; in turn it would be 29


ABANDONED = """
import time
from cxrcore.workers import ordered_map
if __name__ == "__main__":
    results = ordered_map(time.sleep, [0.02] * 4000, 2)
    next(results)
    raise SystemExit(3)
"""


def test_a_script_that_leaves_its_results_alone_ends(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(ABANDONED)
    assert subprocess.run([sys.executable, str(script)], timeout=30, check=False).returncode == 3


PARENT = """
import multiprocessing, time
from cxrcore.workers import ordered_map
if __name__ == "__main__":
    results = ordered_map(time.sleep, [0.02] * 4000, 2)
    next(results)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    time.sleep(60)
"""


def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert workers
    until = time.monotonic() + 20
    while any(alive(pid) for pid in workers) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in workers)


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
