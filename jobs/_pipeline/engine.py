"""The process that is Snakemake: `python -m jobs._pipeline.engine ARGUMENT …`.

It ends when its standard input does, whether closed or its other end killed: the running jobs are
then asked to stop, and no other one starts. So no pipeline outlives the command that started it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from data_contracts import lock
from data_contracts.errors import Busy
from jobs._pipeline.slurm_queue import follow_queue

#: Locked while an engine, or a job that it left behind, works in the folder of a pipeline.
PLACE = ".pipeline/engine"
_POLL_SECONDS = 0.5


def main(arguments: list[str]) -> None:
    """Run Snakemake in the folder of a pipeline, its working directory."""
    from snakemake import cli

    threading.Thread(target=_end_with_input, daemon=True).start()
    workspace = Path.cwd().parent
    if "slurm" in arguments:
        follow_queue(workspace)
    while True:
        try:
            with lock.hold(workspace, [PLACE], f"process {os.getpid()}"):
                cli.main(arguments)
        except Busy:
            # The jobs of an engine that was killed are still saving their state.
            time.sleep(_POLL_SECONDS)


def _end_with_input() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    from snakemake.shell import shell

    os.kill(os.getpid(), signal.SIGINT)
    while True:
        # A job may have been about to start; a second SIGTERM does no harm.
        for process in list(shell._processes.values()):
            process.terminate()
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1:])
