"""Writes a run's record, and shows its progress."""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data_contracts import run as runs
from data_contracts.atomic import translate_os_errors
from data_contracts.errors import ArtifactError, CxrError, Interrupted
from data_contracts.header import package_version
from jobs._signals import Stop


class Recorder:
    """The record of one run: facts, events, log, heartbeat; and the display on stderr."""

    def __init__(
        self, workspace: Path, job: str, config: dict[str, Any], stop: Stop | None = None
    ) -> None:
        run_id = os.environ.get("CXR_RUN_ID") or new_run_id(job)
        self.workspace, self.job = workspace, job
        self.folder = runs.run_folder(workspace, run_id)
        before = _read(self.folder)
        #: The same run has started before: a cluster has requeued it.
        self.resumed = before is not None and before.job == job and before.state != "submitted"
        engine, engine_id = _launched_by(before, job)
        self.record = runs.RunRecord(
            run_id=run_id, job=job, config=config, state="running", started=runs.now(),
            package_version=package_version(), engine=engine, engine_id=engine_id,
        )  # fmt: skip
        runs.write_record(workspace, self.record)
        runs.append_event(self.folder, "state", state="running")
        self.stop = stop or Stop()
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)
        self._heart.start()

    def _beat(self) -> None:
        while not self._ended.wait(runs.HEARTBEAT_SECONDS):
            try:
                runs.append_event(self.folder, "heartbeat")
            except (OSError, CxrError):
                # A full disk is reported by the job itself, at its next write.
                continue

    def log(self, text: str) -> None:
        """Log one line to stderr and to `log.txt`."""
        line = f"cxr {self.job}: {text}"
        # A full disk that stderr is redirected to is no reason to stop.
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)
        path = self.folder / "log.txt"
        # A path may contain bytes that are not text.
        with translate_os_errors(path), path.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"{runs.now()} {line}\n")

    def update(self, **facts: Any) -> None:
        """Change facts of `run.json`."""
        self.record = replace(self.record, **facts)
        runs.write_record(self.workspace, self.record)

    def end(self, state: runs.State, exit_code: int, message: str = "") -> None:
        """Close the record; nothing is written to it afterwards."""
        self._ended.set()
        self._heart.join()
        try:
            runs.append_event(self.folder, "state", state=state, exit_code=exit_code)
        finally:
            self.update(state=state, exit_code=exit_code, message=message, ended=runs.now())

    @property
    def stop_requested(self) -> bool:
        """Whether a signal has asked the job to stop."""
        return self.stop.requested

    def stop_if_asked(self) -> None:
        """Raise `Interrupted` when a signal has asked the job to stop."""
        if self.stop_requested:
            raise Interrupted("interrupted; run the same command to resume")

    @contextmanager
    def progress(self, what: str, total: int, unit: str) -> Iterator[Callable[..., None]]:
        """Yield `advance(steps=1, **shown)`, which also stops the job on request.

        A bar on a terminal, a line for each tenth elsewhere; at most one event a second.
        """
        show = _bar(what, total, unit) if sys.stderr.isatty() else self._lines(what, total, unit)
        with show as draw, self.stop.after_steps():
            exactly, done, last = 0.0, 0, 0.0

            def advance(steps: float = 1, **shown: Any) -> None:
                nonlocal exactly, done, last
                exactly, before = exactly + steps, done
                done = round(exactly)
                if done >= total > before or time.monotonic() - last >= 1:
                    last = time.monotonic()
                    runs.append_event(
                        self.folder,
                        "progress",
                        what=what,
                        done=done,
                        total=total,
                        unit=unit,
                        **shown,
                    )
                draw(done, shown)
                self.stop_if_asked()

            yield advance

    @contextmanager
    def _lines(
        self, what: str, total: int, unit: str
    ) -> Iterator[Callable[[int, dict[str, Any]], None]]:
        tenth = 0

        def draw(done: int, shown: dict[str, Any]) -> None:
            nonlocal tenth
            if (reached := 10 * done // max(total, 1)) > tenth or (done == total and tenth < 10):
                tenth = reached
                facts = "".join(f", {k} {v}" for k, v in shown.items())
                self.log(f"{what}: {done}/{total} {unit}{facts}")

        yield draw


def new_run_id(job: str) -> str:
    """An id that sorts by time and contains the job's name."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    return f"{stamp}-{job}-{secrets.token_hex(3)}"


def _read(folder: Path) -> runs.RunRecord | None:
    try:
        return runs.read_record(folder)
    except ArtifactError:
        return None


def _launched_by(record: runs.RunRecord | None, job: str) -> tuple[str, str | None]:
    """Engine and id from the launcher's record, or else from CXR_ENGINE, such as "slurm 8_2".

    Without either it is this process.
    """
    engine, _, engine_id = os.environ.get("CXR_ENGINE", "").partition(" ")
    own = (engine, engine_id) if engine_id else ("process", runs.process_mark(os.getpid()))
    if record is None:
        return own
    # A process ends with its run; what a cluster has requeued resumes under the same id.
    again = record.engine != "process" or record.state == "submitted"
    return (record.engine, record.engine_id) if again and record.job == job else own


@contextmanager
def _bar(what: str, total: int, unit: str) -> Iterator[Callable[[int, dict[str, Any]], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}{task.fields[facts]}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total, unit=unit, facts="")

        def draw(done: int, shown: dict[str, Any]) -> None:
            facts = "".join(f"  {k} {v}" for k, v in shown.items())
            bar.update(task, completed=done, facts=facts)

        yield draw
