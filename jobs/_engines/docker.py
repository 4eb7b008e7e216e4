"""A container on this host. It mounts the workspace, and what the flags name (read-only).

It has a network only where a flag names an object store. A run's engine id is the name of its
container, the host that submitted it and the daemon that has it, `cxr-RUN@host-daemon`. (The host
in the record of a running job is the container itself.)

`command` is also what a Slurm script runs in its container.
"""

from __future__ import annotations

import csv
import io
import os
import shlex
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from data_contracts.errors import CxrError, SourceError, Unreachable, UsageError
from data_contracts.run import RunRecord, State
from jobs._engines._call import PATIENCE, call, first_line, require
from jobs._engines._request import CONTAINER_WORKSPACE, JobRequest, arguments

SUPPORTED_OPTIONS = frozenset({"image", "gpus", "cpus", "memory"})
_STATES: dict[str, State] = {
    "created": "submitted", "restarting": "submitted", "running": "running",
    "paused": "running", "removing": "running",
}  # fmt: skip


def check(request: JobRequest) -> None:
    """Raise `UsageError` without engine, image or sources, `Unreachable` without its daemon."""
    require("docker")
    require_existing_paths(request)
    _ask(["docker", "image", "inspect", "--format", "{{.Id}}", request.image], request)


def render(request: JobRequest) -> str:
    """The command line."""
    return shlex.join(command("run", request, request.run_ids[0], "--detach")) + "\n"


def launch(request: JobRequest, on_submitted: Callable[..., None]) -> None:
    """Create the container, report its name and its daemon, start it."""
    (run_id,) = request.run_ids
    name = container_name(run_id)
    try:
        _ask(command("create", request, run_id, "--pull=never"), request)
        daemon = _daemon()
        on_submitted(f"{name}@{socket.gethostname()}-{daemon}" if daemon else name)
        _ask(["docker", "start", name], request)
    except CxrError:
        # It may have started all the same, unrecorded.
        with suppress(CxrError):
            call(["docker", "rm", "--force", name], patience=10.0)
        raise


def states(records: Sequence[RunRecord]) -> dict[str, State]:
    """The state of each run's container; `lost` when there is none.

    Runs of another daemon are omitted.
    """
    form = "{{.Names}} {{.State}}"
    listed = _ask(["docker", "ps", "--all", "--filter", "label=cxr.run", "--format", form])
    seen = dict(line.split(maxsplit=1) for line in listed.splitlines())
    absent = [r for r in records if _name(r) not in seen and _daemon_of(r)]
    here = _daemon() if absent else ""
    elsewhere = {r.run_id for r in absent if _daemon_of(r) != here}
    return {
        r.run_id: _STATES.get(seen.get(_name(r), ""), "lost")
        for r in records if r.run_id not in elsewhere
    }  # fmt: skip


def stop(record: RunRecord, grace: float) -> None:
    """`docker stop`: SIGTERM, and SIGKILL after `grace` seconds."""
    name = _name(record)
    if record.run_id not in states([record]):
        host = str(record.engine_id).partition("@")[2].rpartition("-")[0]
        raise UsageError(
            f"run {record.run_id} is on host {host}, Docker daemon {_daemon_of(record)}; "
            "cancel it there"
        )
    # A container that was created and never started does not remove itself.
    for args in (["stop", "-t", str(round(grace)), name], ["rm", "--force", name]):
        done = call(["docker", *args], patience=grace + PATIENCE)
        stderr = done.stderr.lower()
        if done.returncode and "no such container" not in stderr and "in progress" not in stderr:
            raise Unreachable(f"docker: {first_line(done.stderr)}")


def container_name(run_id: str) -> str:
    return f"cxr-{run_id}"


def _daemon() -> str:
    """The beginning of the id of the daemon that answers; empty where it has none."""
    try:
        answer = _ask(["docker", "info", "--format", "{{.ID}}"])
    except UsageError:
        # Replacements of Docker may not have such an id.
        return ""
    return answer.strip().replace(":", "")[:8].lower()


def _daemon_of(record: RunRecord) -> str:
    """The daemon that has a run; empty where the record does not name it."""
    return str(record.engine_id).partition("@")[2].rpartition("-")[2]


def _name(record: RunRecord) -> str:
    return str(record.engine_id).partition("@")[0]


def require_existing_paths(request: JobRequest) -> None:
    """Raise `SourceError` for a path that a container could not mount."""
    for name, path in request.paths.items():
        if not path.exists():
            flag = name.replace("_", "-")
            raise SourceError(f"--{flag} {path} does not exist; it cannot be mounted")


def command(verb: str, request: JobRequest, run_id: str, *more: str) -> list[str]:
    """The arguments of `docker run` or `docker create` for one run of the request."""
    options = request.options
    args = [
        "docker", verb, "--rm", "--init", *more,
        f"--name={container_name(run_id)}", f"--label=cxr.run={run_id}",
        f"--user={os.getuid()}:{os.getgid()}", f"--env=CXR_RUN_ID={run_id}",
        "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges",
        *([] if request.needs_network else ["--network=none"]),
        *(f"--env={name}" for name in request.store_variables),
        f"--mount={bind(request.workspace, CONTAINER_WORKSPACE)}",
        *(f"--mount={bind(path, str(path), 'readonly')}" for path in request.external_paths),
    ]  # fmt: skip
    if options.gpus:
        args.append(f"--gpus={options.gpus}")
    if options.cpus:
        args.append(f"--cpus={options.cpus}")
    if options.memory:
        args.append(f"--memory={options.memory.lower()}")
    return [*args, request.image, *arguments(request, CONTAINER_WORKSPACE)]


def bind(source: Path, target: str, *more: str) -> str:
    """The value of `--mount`: comma-separated values, so a path may hold any letter."""
    line = io.StringIO()
    values = ["type=bind", f"source={source}", f"target={target}", *more]
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


def _ask(args: Sequence[str], request: JobRequest | None = None) -> str:
    done = call(args)
    message, lower = first_line(done.stderr), done.stderr.lower()
    if done.returncode == 0:
        return done.stdout
    if "cannot connect to the docker daemon" in lower or "is the docker daemon running" in lower:
        raise Unreachable(f"docker: {message} Start it, then run the same command again")
    if request is not None and ("no such image" in lower or "unable to find image" in lower):
        raise UsageError(f"no image {request.image} on this host; `make image` builds it")
    if "could not select device driver" in lower or "nvidia-container" in lower:
        raise UsageError(f"--gpus: docker has no GPU ({message}); omit the flag")
    raise UsageError(f"docker: {message}")
