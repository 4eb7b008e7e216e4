"""A container on this host. It sees the workspace, and what the flags name (read-only).

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
from jobs._engines._order import INSIDE, Order, arguments

USES = frozenset({"image", "gpus", "cpus", "memory"})
_STATES: dict[str, State] = {
    "created": "submitted", "restarting": "submitted", "running": "running",
    "paused": "running", "removing": "running",
}  # fmt: skip


def check(order: Order) -> None:
    """Raise `UsageError` without engine, image or sources, `Unreachable` without its daemon."""
    require("docker")
    refuse_missing(order)
    _ask(["docker", "image", "inspect", "--format", "{{.Id}}", order.image], order)


def render(order: Order) -> str:
    """The command line."""
    return shlex.join(command("run", order, order.run_ids[0], "--detach")) + "\n"


def launch(order: Order, note: Callable[..., None]) -> None:
    """Make the container, note its name and its daemon, start it."""
    (run_id,) = order.run_ids
    name = container_name(run_id)
    try:
        _ask(command("create", order, run_id, "--pull=never"), order)
        daemon = _daemon()
        note(f"{name}@{socket.gethostname()}-{daemon}" if daemon else name)
        _ask(["docker", "start", name], order)
    except CxrError:
        # It may have started all the same, and nobody would know.
        with suppress(CxrError):
            call(["docker", "rm", "--force", name], patience=10.0)
        raise


def states(records: Sequence[RunRecord]) -> dict[str, State]:
    """Of each run, what its container does; `lost` when there is none.

    Of a run that another daemon has there is nothing to say.
    """
    form = "{{.Names}} {{.State}}"
    said = _ask(["docker", "ps", "--all", "--filter", "label=cxr.run", "--format", form])
    seen = dict(line.split(maxsplit=1) for line in said.splitlines())
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
            f"run {record.run_id} is on host {host}, in the Docker daemon {_daemon_of(record)}; "
            "cancel it there"
        )
    # A container that was made and never started does not remove itself.
    for words in (["stop", "-t", str(round(grace)), name], ["rm", "--force", name]):
        done = call(["docker", *words], patience=grace + PATIENCE)
        said = done.stderr.lower()
        if done.returncode and "no such container" not in said and "in progress" not in said:
            raise Unreachable(f"docker: {first_line(done.stderr)}")


def container_name(run_id: str) -> str:
    return f"cxr-{run_id}"


def _daemon() -> str:
    """The beginning of the id of the daemon that answers; empty where it has none."""
    try:
        said = _ask(["docker", "info", "--format", "{{.ID}}"])
    except UsageError:
        # What stands in for Docker may not know of such an id.
        return ""
    return said.strip().replace(":", "")[:8].lower()


def _daemon_of(record: RunRecord) -> str:
    """The daemon that has a run; empty where the record does not tell."""
    return str(record.engine_id).partition("@")[2].rpartition("-")[2]


def _name(record: RunRecord) -> str:
    return str(record.engine_id).partition("@")[0]


def refuse_missing(order: Order) -> None:
    """Raise `SourceError` for what a flag names and a container could not be given."""
    for name, path in order.paths.items():
        if not path.exists():
            flag = name.replace("_", "-")
            raise SourceError(f"--{flag} {path} does not exist; a container is given what is there")


def command(verb: str, order: Order, run_id: str, *more: str) -> list[str]:
    """The words of `docker run` or `docker create` for one run of the order."""
    options = order.options
    words = [
        "docker", verb, "--rm", "--init", *more,
        f"--name={container_name(run_id)}", f"--label=cxr.run={run_id}",
        f"--user={os.getuid()}:{os.getgid()}", f"--env=CXR_RUN_ID={run_id}",
        "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges",
        *([] if order.needs_network else ["--network=none"]),
        *(f"--env={name}" for name in order.store_variables),
        f"--mount={bind(order.workspace, INSIDE)}",
        *(f"--mount={bind(path, str(path), 'readonly')}" for path in order.outside),
    ]  # fmt: skip
    if options.gpus:
        words.append(f"--gpus={options.gpus}")
    if options.cpus:
        words.append(f"--cpus={options.cpus}")
    if options.memory:
        words.append(f"--memory={options.memory.lower()}")
    return [*words, order.image, *arguments(order, INSIDE)]


def bind(source: Path, target: str, *more: str) -> str:
    """The value of `--mount`: comma-separated values, so a path may hold any letter."""
    line = io.StringIO()
    values = ["type=bind", f"source={source}", f"target={target}", *more]
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


def _ask(words: Sequence[str], order: Order | None = None) -> str:
    done = call(words)
    said, lower = first_line(done.stderr), done.stderr.lower()
    if done.returncode == 0:
        return done.stdout
    if "cannot connect to the docker daemon" in lower or "is the docker daemon running" in lower:
        raise Unreachable(f"docker: {said} Start it, then run the same command again")
    if order is not None and ("no such image" in lower or "unable to find image" in lower):
        raise UsageError(f"there is no image {order.image} here; `make image` builds it")
    if "could not select device driver" in lower or "nvidia-container" in lower:
        raise UsageError(f"--gpus: docker has no GPU to give ({said}); leave it out")
    raise UsageError(f"docker: {said}")
