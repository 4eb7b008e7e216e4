"""What a launch form submits: the equivalent commands as text, and the runs themselves."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from data_contracts.errors import CxrError
from data_contracts.run import RunRecord
from jobs import _engines
from jobs._config import JobConfig
from jobs._engines._request import JobRequest, Options, arguments
from jobs._registry import Spec
from tui.launch.form import supported_options
from tui.launch.launch_time import launch_time
from tui.launch.request import LaunchRequest
from tui.shared.launchable import chooses_engine
from tui.shared.messages import ErrorMet


@dataclass(frozen=True)
class Commands:
    """What does the same as the form, a line for each run."""

    shell: tuple[str, ...] = ()
    docker: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    """What is good to know of an entry, such as a path that leads nowhere here."""
    fault: str = ""
    """Why the engine would refuse."""
    time: str = ""
    """How long it will take, as far as earlier runs tell."""


def equivalent_commands(request: LaunchRequest, records: Sequence[RunRecord]) -> Commands:
    """The commands equivalent to a request. It reads the disk; call it in a worker.

    `records`: the runs of the workspace, which tell how long it will take.
    """
    spec, options = request.spec, request.options
    try:
        orders = [_engines.plan(spec, c, options) for c in request.configs]
        time = launch_time(request, [order.settings for order in orders], records)
        if chooses_engine(spec):
            own = tuple(shlex.join(["cxr", *arguments(order)]) for order in orders)
            return Commands(own, time=time)
        shell = tuple(shell_command(order) for order in orders)
        docker = tuple(_docker_command(spec, c, options) for c in request.configs)
    except CxrError as error:
        return Commands(fault=str(error))
    paths = {name: path for order in orders for name, path in order.paths.items()}
    missing_paths = {n: "does not exist on this host" for n, p in paths.items() if not _is_there(p)}
    return Commands(shell, docker, missing_paths, time=time)


def shell_command(order: JobRequest) -> str:
    """The `cxr submit` that an order is equal to."""
    options = order.options
    given = {n: getattr(options, n) for n in sorted(options.model_fields_set)}
    # Flags of the engine stand beside those of the job, as the command line has them.
    flat = replace(order, flags={**order.flags, **given}, options=Options())
    return shlex.join(["cxr", "submit", *arguments(flat)])


def _docker_command(spec: Spec, config: JobConfig, options: Options) -> str:
    common = {
        n: getattr(options, n) for n in options.model_fields_set & supported_options("docker")
    }
    order = _engines.plan(spec, config, Options(**common | {"engine": "docker"}))
    return _engines.engine("docker").render(order).strip()


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def launch(
    request: LaunchRequest, report: Callable[[ErrorMet], object], refresh: Callable[[], None]
) -> None:
    """Start every run; `report` those that cannot be, by reason; `refresh` after each."""
    faults: dict[str, list[str]] = {}
    for config in request.configs:
        try:
            _engines.submit(_engines.plan(request.spec, config, request.options))
        except CxrError as error:
            faults.setdefault(str(error), []).append(run_name(request.spec, config))
        refresh()
    for text, names in faults.items():
        report(ErrorMet(f"launch {', '.join(names)}", text))


def run_name(spec: Spec, config: JobConfig) -> str:
    """The job and what distinguishes its runs, such as `train-task gender main`."""
    keys = config.keys()
    places = dict.fromkeys(p for c in spec.writes for p in c.template_keys if p in keys)
    return " ".join([spec.name, *(keys[p] for p in places)])
