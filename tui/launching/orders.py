"""What a launch form starts: the equal commands for people, and the runs themselves."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from data_contracts.errors import CxrError
from jobs import _engines
from jobs._config import JobConfig
from jobs._engines._request import JobRequest, Options, arguments
from jobs._registry import Spec
from tui.launching.form import heeded
from tui.launching.request import Request
from tui.messages import ErrorMet


@dataclass(frozen=True)
class Commands:
    """What does the same as the form, a line for each run."""

    shell: tuple[str, ...] = ()
    docker: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    """What is good to know of an entry, such as a path that leads nowhere here."""
    fault: str = ""
    """Why the engine would refuse."""


def commands(asked: Request) -> Commands:
    """The equal commands. It looks at the disk; call it in a worker."""
    try:
        orders = [_engines.plan(asked.spec, c, asked.options) for c in asked.configs]
        shell = tuple(shell_command(order) for order in orders)
        docker = tuple(_docker_command(asked.spec, c, asked.options) for c in asked.configs)
    except CxrError as error:
        return Commands(fault=str(error))
    paths = {name: path for order in orders for name, path in order.paths.items()}
    lost = {n: "does not exist on this host" for n, p in paths.items() if not _is_there(p)}
    return Commands(shell, docker, lost)


def shell_command(order: JobRequest) -> str:
    """The `cxr submit` that an order is equal to."""
    options = order.options
    given = {n: getattr(options, n) for n in sorted(options.model_fields_set)}
    # Flags of the engine stand beside those of the job, as the command line has them.
    flat = replace(order, flags={**order.flags, **given}, options=Options())
    return shlex.join(["cxr", "submit", *arguments(flat)])


def _docker_command(spec: Spec, config: JobConfig, options: Options) -> str:
    common = {n: getattr(options, n) for n in options.model_fields_set & heeded("docker")}
    order = _engines.plan(spec, config, Options(**common | {"engine": "docker"}))
    return _engines.engine("docker").render(order).strip()


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def launch(asked: Request, tell: Callable[[ErrorMet], object], look: Callable[[], None]) -> None:
    """Start every run; `tell` of those that cannot be, `look` after each that could."""
    for config in asked.configs:
        try:
            _engines.submit(_engines.plan(asked.spec, config, asked.options))
        except CxrError as error:
            tell(ErrorMet(f"launch {run_name(asked.spec, config)}", str(error)))
        look()


def run_name(spec: Spec, config: JobConfig) -> str:
    """The job and what tells its runs apart, such as `train-task gender main`."""
    keys = config.keys()
    places = dict.fromkeys(p for c in spec.writes for p in c.template_keys if p in keys)
    return " ".join([spec.name, *(keys[p] for p in places)])
