"""Calls the command of an engine: never by a shell, never without an end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from data_contracts.errors import Unreachable, UsageError

#: Seconds in which the command of an engine must answer.
PATIENCE = 60.0
_HINTS = {
    "docker": "install Docker (https://docs.docker.com/engine/install), or use --engine process",
    "flock": "install util-linux, or leave out --one-at-a-time",
    "sbatch": "run this on a login node of the cluster, or use --engine process",
    "sinfo": "run this on a login node of the cluster",
    "squeue": "run this on a login node of the cluster",
    "scancel": "run this on a login node of the cluster",
    "scontrol": "run this on a login node of the cluster",
}


def cxr_command() -> str:
    """The `cxr` of this installation; raise `UsageError` if it is not installed."""
    path = Path(sys.executable).with_name("cxr")
    if not path.is_file():
        raise UsageError(f"{path} does not exist; install the package: pip install .")
    return str(path)


def require(command: str) -> None:
    """Raise `UsageError` that says how to get `command` if it is not there."""
    if shutil.which(command) is None:
        raise UsageError(f"`{command}` is not installed here; {_HINTS[command]}")


def call(
    args: Sequence[str], *, text: str = "", patience: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `args` with `text` as its input, and return its output, whatever its exit code.

    Raises `UsageError` when there is no such command, `Unreachable` when it has not ended after
    `patience` seconds; it is then killed with everything it has started.
    """
    require(args[0])
    patience = PATIENCE if patience is None else patience
    pipe = subprocess.PIPE
    with subprocess.Popen(
        list(args), stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True,
        encoding="utf-8", errors="replace",
    ) as process:  # fmt: skip
        try:
            stdout, stderr = process.communicate(text, timeout=patience)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise Unreachable(
                f"`{args[0]}` did not answer within {patience:.0f} s; "
                "run the same command again once it does"
            ) from None
    return subprocess.CompletedProcess(list(args), process.returncode, stdout, stderr)


def first_line(stderr: str) -> str:
    """The first line of an error output, cut to a readable length."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[0][:300] if lines else "no error message"


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Whether `done` comes true within so many seconds."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() >= end:
            return False
        time.sleep(0.1)
    return True
