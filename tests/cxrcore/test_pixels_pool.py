"""Worker processes: order, sameness, and their death."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxrcore.pixels import Prepared, Reject
from cxrcore.pixels.pool import prepare_all
from data_contracts.errors import CxrError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for number in range(40):
        Image.fromarray(rng.integers(0, 256, (48, 40), np.uint8)).save(tmp_path / f"{number}.png")
    return tmp_path


def test_workers_change_neither_order_nor_pixels(root: Path) -> None:
    paths = [f"{number}.png" for number in range(43)]
    alone, together = (list(prepare_all(root, paths, 32, workers)) for workers in (0, 2))
    assert [type(r) for r in alone] == [Prepared] * 40 + [Reject] * 3
    for one, other in zip(alone, together, strict=True):
        if isinstance(one, Prepared) and isinstance(other, Prepared):
            assert (one.pixels == other.pixels).all()
            assert one.box == other.box
        else:
            assert one == other


def test_a_killed_worker_ends_the_work_with_one_line(root: Path) -> None:
    results = prepare_all(root, ["0.png"] * 4000, 32, 2)
    next(results)
    for worker in multiprocessing.active_children():
        os.kill(worker.pid or 0, signal.SIGKILL)
    with pytest.raises(CxrError, match="a worker process died"):
        list(results)
    assert not multiprocessing.active_children()


def test_stopping_early_leaves_no_worker_behind(root: Path) -> None:
    results = prepare_all(root, ["0.png"] * 400, 32, 2)
    assert len(list(islice(results, 3))) == 3
    results.close()
    assert not multiprocessing.active_children()


PARENT = """
import multiprocessing, sys, time
from pathlib import Path
from cxrcore.pixels.pool import prepare_all
if __name__ == "__main__":
    results = prepare_all(Path(sys.argv[1]), ["0.png"] * 4000, 32, 1 + 1)
    next(results)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    time.sleep(60)
"""


def test_workers_do_not_outlive_a_killed_parent(root: Path) -> None:
    script = root / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen(
        [sys.executable, str(script), str(root)], stdout=subprocess.PIPE, text=True
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
