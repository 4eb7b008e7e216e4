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
from jobs._pipeline.folder import Folder, Ticket
from jobs._pipeline.slurm import UNANSWERED
from jobs._record import Recorder

_LOOK_EVERY = 0.2
#: Stands for a job that left no exit code: it was killed, or did not come so far.
NO_CODE = 1


@dataclass
class Outcome:
    """What has become of the steps that were to run."""

    failed: dict[str, int] = field(default_factory=dict)
    """Exit codes, by name of the step."""
    not_run: list[str] = field(default_factory=list)


def watch(folder: Folder, arguments: Sequence[str], recorder: Recorder) -> Outcome:
    """Run the engine to its end, with a line for each job that starts or ends.

    When the recorder is asked to stop, so are the running jobs; it returns when they have ended.
    """
    told: dict[str, str] = {}
    silent = False
    with _engine(folder, arguments) as engine:
        while engine.poll() is None:
            _tell(folder, told, recorder)
            silent = _tell_of_silence(folder, silent, recorder)
            if recorder.stop_requested and engine.stdin and not engine.stdin.closed:
                recorder.log("stopping; the running jobs save what they have")
                engine.stdin.close()
            time.sleep(_LOOK_EVERY)
    while left := _running_here(folder, recorder):
        # An engine that was killed leaves its jobs behind.
        for record in left:
            with suppress(ProcessLookupError):
                os.kill(record.pid, signal.SIGTERM)
        time.sleep(_LOOK_EVERY)
    _tell(folder, told, recorder)
    return _outcome(folder, recorder)


@contextmanager
def _engine(folder: Folder, arguments: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    ours = {"CXR_RUN_ID", "CXR_ENGINE", "CXR_SHARD_INDEX", "SNAKEMAKE_PROFILE"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    # The home of a container's user may not be writable.
    environment["XDG_CACHE_HOME"] = str((folder.path / "cache").absolute())
    with folder.log.open("wb") as log:
        # In a session of its own, so that Ctrl-C comes to the jobs once, by way of this process.
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


def _tell(folder: Folder, told: dict[str, str], recorder: Recorder) -> None:
    """Say which jobs have started or ended since the last time."""
    for ticket in folder.tickets:
        if told.get(ticket.name) == "succeeded":
            continue
        record = _record(folder, ticket)
        if record is None or record.state == told.get(ticket.name):
            continue
        if ticket.name not in told or record.state == "running":
            # A cluster may put a running job back into its queue.
            again = " again" if ticket.name in told else ""
            recorder.log(f"{_clock()} started{again} {ticket.name}")
        told[ticket.name] = record.state
        if record.state != "running":
            recorder.log(f"{_clock()} {_ending(ticket.name, record)}")
            done = sum(state != "running" for state in told.values())
            runs.append_event(
                recorder.folder, "progress", what="run", done=done, total=len(folder.tickets),
                unit="jobs",
            )  # fmt: skip


def _tell_of_silence(folder: Folder, before: bool, recorder: Recorder) -> bool:
    """Whether the cluster does not answer; say so if that is new."""
    silent = (folder.path / UNANSWERED).exists()
    if silent != before:
        said = "does not answer; waiting" if silent else "answers again"
        recorder.log(f"{_clock()} the cluster {said}")
    return silent


def _ending(name: str, record: RunRecord) -> str:
    if record.state == "succeeded":
        done = "up to date" if record.message == UP_TO_DATE else "done"
        return f"{done} {name}{_duration(record)}"
    if record.state == "cancelled":
        return f"cancelled {name}"
    if record.exit_code is None:
        return f"{record.state} {name}: it was killed, perhaps for want of memory"
    return f"{record.state} {name} (exit {record.exit_code}): {record.message}"


def _duration(record: RunRecord) -> str:
    took = runs.seconds_between(runs.moment(record.started), runs.moment(record.ended))
    return "" if took is None else f" ({took:.0f} s)"


def _clock() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")


def _record(folder: Folder, ticket: Ticket) -> RunRecord | None:
    """The step's run record in its present state; None if it has not started."""
    place = runs.run_folder(folder.workspace, ticket.run_id)
    try:
        return runs.with_present_state(place, runs.read_record(place))
    except ArtifactError:
        return None


def _running_here(folder: Folder, recorder: Recorder) -> list[RunRecord]:
    records = (_record(folder, ticket) for ticket in folder.tickets)
    host = recorder.record.host
    return [r for r in records if r is not None and r.state == "running" and r.host == host]


def _outcome(folder: Folder, recorder: Recorder) -> Outcome:
    outcome = Outcome()
    for ticket in folder.tickets:
        record = _record(folder, ticket)
        if record is None and ticket.last_words:
            recorder.log(f"failed {ticket.name}: {ticket.last_words}")
            outcome.failed[ticket.name] = NO_CODE
        elif record is None:
            outcome.not_run.append(ticket.name)
        elif record.state == "cancelled":
            outcome.failed[ticket.name] = Interrupted.exit_code
        elif record.state != "succeeded":
            code = NO_CODE if record.exit_code is None else record.exit_code
            outcome.failed[ticket.name] = code
    return outcome
