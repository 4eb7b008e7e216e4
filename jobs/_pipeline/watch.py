"""Starts the engine, and follows the jobs by the records that they write themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

from data_contracts import run as runs
from data_contracts.errors import ArtifactError, Interrupted
from data_contracts.run import RunRecord
from jobs._execute import UP_TO_DATE
from jobs._pipeline.folder import Folder, ScheduledStep
from jobs._pipeline.slurm_queue import UNANSWERED
from jobs._record import Recorder

_POLL_SECONDS = 0.2
#: Of a job that left no exit code: it was killed, or did not get that far.
NO_CODE = 1


@dataclass
class Outcome:
    """How the scheduled steps ended."""

    failed: dict[str, int] = field(default_factory=dict)
    """Exit codes, by name of the step."""
    not_run: list[str] = field(default_factory=list)


def watch(folder: Folder, arguments: Sequence[str], recorder: Recorder) -> Outcome:
    """Run the engine to its end, and log a line for each job that starts or ends.

    When the recorder is asked to stop, so are the running jobs; it returns when they have ended.
    """
    reported: dict[str, str] = {}
    silent = False
    with _engine(folder, arguments) as engine:
        while engine.poll() is None:
            _report(folder, reported, recorder)
            silent = _report_silence(folder, silent, recorder)
            if recorder.stop_requested and engine.stdin and not engine.stdin.closed:
                recorder.log("stopping; the running jobs are saving their state")
                engine.stdin.close()
            time.sleep(_POLL_SECONDS)
    while left := _running_here(folder, recorder):
        # An engine that was killed leaves its jobs behind.
        for record in left:
            with suppress(ProcessLookupError):
                os.kill(record.pid, signal.SIGTERM)
        time.sleep(_POLL_SECONDS)
    _report(folder, reported, recorder)
    return _outcome(folder, recorder)


@contextmanager
def _engine(folder: Folder, arguments: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    ours = {"CXR_RUN_ID", "CXR_ENGINE", "CXR_SHARD_INDEX", "SNAKEMAKE_PROFILE"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    # The home of a container's user may not be writable.
    environment["XDG_CACHE_HOME"] = str((folder.path / "cache").absolute())
    with folder.log.open("wb") as log:
        # In a session of its own, so that Ctrl-C reaches the jobs once, through this process.
        engine = subprocess.Popen(
            [sys.executable, "-P", "-m", "jobs._pipeline.engine", *arguments],
            stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=folder.path, env=environment,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield engine
    finally:
        if engine.poll() is None:
            os.killpg(engine.pid, signal.SIGKILL)
        engine.wait()
        if engine.stdin:
            engine.stdin.close()


def _report(folder: Folder, reported: dict[str, str], recorder: Recorder) -> None:
    """Log which jobs have started or ended since the last time, and how many have ended."""
    for step in folder.scheduled:
        if reported.get(step.name) == "succeeded":
            continue
        record = _record(folder, step)
        if record is None or record.state == reported.get(step.name):
            continue
        if step.name not in reported or record.state == "running":
            # A cluster may put a running job back into its queue.
            again = " again" if step.name in reported else ""
            recorder.log(f"{_clock()} started{again} {step.name}")
        reported[step.name] = record.state
        if record.state != "running":
            recorder.log(f"{_clock()} {_ending(step.name, record)}")
        done = sum(state != "running" for state in reported.values())
        runs.append_event(
            recorder.folder, "progress", what="run", done=done, total=len(folder.scheduled),
            unit="jobs",
        )  # fmt: skip


def _report_silence(folder: Folder, before: bool, recorder: Recorder) -> bool:
    """Whether the cluster does not answer; log it if that is new."""
    silent = (folder.path / UNANSWERED).exists()
    if silent != before:
        change = "does not answer; waiting" if silent else "answers again"
        recorder.log(f"{_clock()} the cluster {change}")
    return silent


def _ending(name: str, record: RunRecord) -> str:
    if record.state == "succeeded":
        done = "up to date" if record.message == UP_TO_DATE else "done"
        return f"{done} {name}{_duration(record)}"
    if record.state == "cancelled":
        return f"cancelled {name}"
    if record.exit_code is None:
        return f"{record.state} {name}: killed (possibly out of memory)"
    return f"{record.state} {name} (exit {record.exit_code}): {record.message}"


def _duration(record: RunRecord) -> str:
    took = runs.seconds_between(runs.moment(record.started), runs.moment(record.ended))
    return "" if took is None else f" ({took:.0f} s)"


def _clock() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")


def _record(folder: Folder, step: ScheduledStep) -> RunRecord | None:
    """The step's run record in its present state; None if it has not started."""
    run_folder = runs.run_folder(folder.workspace, step.run_id)
    try:
        return runs.with_present_state(run_folder, runs.read_record(run_folder))
    except ArtifactError:
        return None


def _running_here(folder: Folder, recorder: Recorder) -> list[RunRecord]:
    records = (_record(folder, step) for step in folder.scheduled)
    host = recorder.record.host
    return [r for r in records if r is not None and r.state == "running" and r.host == host]


def _outcome(folder: Folder, recorder: Recorder) -> Outcome:
    outcome = Outcome()
    for step in folder.scheduled:
        record = _record(folder, step)
        if record is None and step.last_error_line:
            recorder.log(f"failed {step.name}: {step.last_error_line}")
            outcome.failed[step.name] = NO_CODE
        elif record is None:
            outcome.not_run.append(step.name)
        elif record.state == "cancelled":
            outcome.failed[step.name] = Interrupted.exit_code
        elif record.state != "succeeded":
            code = NO_CODE if record.exit_code is None else record.exit_code
            outcome.failed[step.name] = code
    return outcome
