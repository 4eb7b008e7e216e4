"""Settings as the words of a command line: everything that starts a job renders them here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def arguments(job: str, workspace: object, settings: Iterable[tuple[str, Any]]) -> list[str]:
    """The arguments of `cxr` that run `job` with `settings`; what is None is left out."""
    args = [job, f"--workspace={workspace}"]
    for name, value in settings:
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            args.append(f"--{flag}" if value else f"--no-{flag}")
        elif value is not None:
            many = value if isinstance(value, list | tuple) else [value]
            args += [f"--{flag}={one}" for one in many]
    return args
