"""A `cxr` command whose runs are forked from a process that has torch loaded from the start.

For what an engine, a shell or a cluster starts: arguments, folder, environment, streams, signals
and exit code are those of the caller; only reports have no figures.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from forked import CONTEXT
from undrawn import leave_out_figures

_COMMAND = """#!{python} -IS
import json, os, signal, socket, sys
SIGNALS = {{signal.SIGTERM, signal.SIGINT}}
signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
server = socket.socket(socket.AF_UNIX)
server.connect({place!r})
request = json.dumps([{command!r}, sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [b"%16d" % len(request)], [0, 1, 2])
server.sendall(request)
told = server.makefile()
pid = int(told.readline())

def forward(number, _):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass

for number in SIGNALS:
    signal.signal(number, forward)
signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
code = int(told.readline())
if code < 0:
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(code)
"""


@contextmanager
def served(folder: Path) -> Iterator[Path]:
    """The path of the command, which works in the block."""
    place, command = folder / "socket", folder / "cxr"
    with socket.create_server(str(place), family=socket.AF_UNIX, backlog=100) as server:
        process = CONTEXT.Process(target=_serve, args=(server,))
        process.start()
    text = _COMMAND.format(python=sys.executable, place=str(place), command=str(command))
    command.write_text(text)
    command.chmod(0o755)
    try:
        yield command
    finally:
        process.kill()
        process.join()


def _serve(server: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = server.accept()
        with connection:
            if os.fork() == 0:
                server.close()
                os._exit(_answer(connection))


def _answer(connection: socket.socket) -> int:
    """Run what the caller asks for, tell it the process and its exit code; end with the caller."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, descriptors, *_ = socket.recv_fds(connection, 16, 3)
    request = json.loads(connection.makefile("rb").read(int(size)))
    pid = os.fork()
    if pid == 0:
        connection.close()
        _become(descriptors, *request)
    for descriptor in descriptors:
        os.close(descriptor)
    connection.sendall(b"%d\n" % pid)
    ends = threading.Thread(
        target=_end_with_caller, args=(connection, os.pidfd_open(pid)), daemon=True
    )
    ends.start()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with suppress(OSError):
        connection.sendall(b"%d\n" % code)
    return 0


def _end_with_caller(connection: socket.socket, process: int) -> None:
    with suppress(OSError):
        connection.recv(1)
        signal.pidfd_send_signal(process, signal.SIGKILL)


def _become(
    descriptors: list[int], command: str, words: list[str], folder: str, environment: dict[str, str]
) -> None:
    import torch

    from jobs.__main__ import main

    os.setsid()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # Snakemake says by this variable how many threads a job has; torch would read it when loaded.
    torch.set_num_threads(int(environment.get("OMP_NUM_THREADS", 1)))
    leave_out_figures()
    pipeline: Any = importlib.import_module("jobs._pipeline.folder")
    pipeline.cxr_command = lambda: command
    sys.argv = [command, *words]
    main()
