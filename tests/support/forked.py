"""Runs `cxr` in processes that have torch loaded from the start, and strikes them at a moment.

Loading torch takes seconds, forking a process that has it takes none. The processes are real
ones, with signals of their own; only their reports have no figures.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from undrawn import leave_out_figures

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["jobs._cli", "jobs._execute", "polars", "h5py", "yaml", "cxrcore.training",
     "cxrcore.attribution", "pytorch_grad_cam", "cxrcore.synthetic.mimic_layout",
     "cxrcore.pixels.letterbox", "cxrcore.pixels.dicom", "cxrcore.pixels.png_jpeg",
     "cxrcore.summary", "cxrcore.evaluation.kernels",
     "cxrcore.reporting.report", "cxrcore.reporting.console", "PIL.Image"]
)  # fmt: skip

#: What happens, and for which time: an event's kind, `record` (run.json is written) or `flush` (an
#: artifact is whole and about to take its place).
Moment = tuple[str, int]


@dataclass(frozen=True)
class Running:
    """A command in a process of its own, in a process group of its own."""

    process: BaseProcess
    told: Path

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def end(self, seconds: float = 120) -> int:
        """Wait for the end; the exit code, negative for a signal."""
        self.process.join(seconds)
        code = self.process.exitcode
        if code is None:
            self.process.kill()
            raise TimeoutError(f"still running after {seconds} s: {self.told.read_text()}")
        return code


def start(
    words: list[str],
    told: Path,
    signals: Sequence[int] = (),
    moment: Moment | None = None,
    group: bool = False,
) -> Running:
    """Start `cxr words`; what it says goes to the file `told`.

    At `moment` the process sends `signals` to itself, or to its whole `group`.
    """
    process = CONTEXT.Process(target=_run, args=(words, str(told), signals, moment, group))
    process.start()
    return Running(process, told)


def _run(
    words: list[str], told: str, signals: Sequence[int], moment: Moment | None, group: bool
) -> None:
    os.setpgid(0, 0)
    descriptor = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    from jobs._cli import run

    leave_out_figures()

    def strike() -> None:
        for signal in signals:
            os.kill(0 if group else os.getpid(), signal)

    if moment:
        _watch(moment, strike)

    sys.exit(run(words))


def _watch(moment: Moment, strike: Callable[[], None]) -> None:
    from data_contracts import atomic
    from data_contracts import run as runs

    what, left = moment
    tell, write, flush = runs.append_event, runs.write_record, atomic._flush

    def count(happened: str) -> None:
        nonlocal left
        if happened == what:
            left -= 1
            if left == 0:
                strike()

    def append_event(folder: Path, kind: Any, **facts: Any) -> None:
        tell(folder, kind, **facts)
        count(kind)

    def write_record(workspace: Path, record: runs.RunRecord) -> None:
        write(workspace, record)
        count("record")

    def flush_artifact(path: Path) -> None:
        if path.name.endswith((".parquet.partial", ".h5.partial")):
            count("flush")
        flush(path)

    runs.append_event, runs.write_record = append_event, write_record
    atomic._flush = flush_artifact
