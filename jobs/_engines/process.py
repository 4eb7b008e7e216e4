"""A detached process on this host: it outlives the command that started it."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from data_contracts.atomic import translate_os_errors
from data_contracts.errors import Unreachable, UsageError
from data_contracts.run import RunRecord, State, process_mark, run_folder
from jobs._engines._call import cxr_command, require, wait_until
from jobs._engines._request import JobRequest, arguments

SUPPORTED_OPTIONS = frozenset({"gpus", "one_at_a_time"})

#: Prints the job's process id and waits for a line before it becomes the job. Its parent ends at
#: once, so nobody has to wait for the job; if the launcher dies first, the job never starts.
_GATE = 'exec 3<&0; { read -r _ <&3 && exec "$@" </dev/null >>"$0" 2>&1 3<&-; } & echo $!'

#: Waits until nobody holds the lock, then becomes the job, which holds it to its end however it
#: ends. Nothing else has to run for the next one to begin, nor is anything left of one that is
#: cancelled while it waits.
_TURN = (
    """exec 9>>"$0" || exit; trap 'kill $!; exit 143' TERM; """
    """flock 9 & wait $! && trap - TERM && exec "$@" """
)
_QUEUE = ".locks/queue.lock"


def check(request: JobRequest) -> None:
    """Raise `UsageError` when this host lacks the GPUs that are asked for, or `flock`."""
    if request.options.one_at_a_time:
        require("flock")
    found = len(list(Path("/dev").glob("nvidia[0-9]*")))
    if request.options.gpus > found:
        raise UsageError(
            f"--gpus {request.options.gpus}: this host has {found}; omit the flag to use the CPU"
        )


def render(request: JobRequest) -> str:
    """The command line."""
    return shlex.join(_command_line(request)) + "\n"


def launch(request: JobRequest, on_submitted: Callable[..., None]) -> None:
    """Start the job; `on_submitted` gets its engine id before the job begins."""
    (run_id,) = request.run_ids
    output = run_folder(request.workspace, run_id) / "output.txt"
    if request.options.one_at_a_time:
        with translate_os_errors(request.workspace):
            (request.workspace / _QUEUE).parent.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(
        ["/bin/sh", "-c", _GATE, str(output), *_command_line(request)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True, env=os.environ | {"CXR_RUN_ID": run_id},
    ) as gate:  # fmt: skip
        assert gate.stdin is not None
        assert gate.stdout is not None
        on_submitted(process_mark(int(gate.stdout.readline())))
        gate.stdin.write(b"go\n")


def states(records: Sequence[RunRecord]) -> dict[str, State]:
    """The state of each run on this host; `lost` when its process is gone."""
    here = socket.gethostname()
    return {
        r.run_id: "lost" if _pid(r) is None else r.state
        for r in records if r.host == here
    }  # fmt: skip


def stop(record: RunRecord, grace: float) -> None:
    """SIGTERM, and SIGKILL after `grace` seconds; the job's workers end with it."""
    if record.host != socket.gethostname():
        raise UsageError(f"run {record.run_id} is on host {record.host}; cancel it there")
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
        pid = _pid(record)
        if pid is None:
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        except PermissionError:
            raise UsageError(
                f"run {record.run_id} belongs to another user; only they can cancel it"
            ) from None
        if wait_until(lambda: _pid(record) is None, seconds):
            return
    raise Unreachable(f"run {record.run_id} does not stop; its process hangs in the kernel")


def _pid(record: RunRecord) -> int | None:
    """The running process of a run; None when it has ended, also if its id was reused."""
    mark = record.engine_id
    pid = int(mark.partition("@")[0]) if mark else record.pid
    alive = process_mark(pid)
    return pid if alive and (mark is None or alive == mark) else None


def _command_line(request: JobRequest) -> list[str]:
    turn = ["/bin/sh", "-c", _TURN, str(request.workspace / _QUEUE)]
    return [*(turn if request.options.one_at_a_time else []), cxr_command(), *arguments(request)]
