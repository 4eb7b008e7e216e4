"""The commands that start, list and cancel runs on any engine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

from cyclopts import App, Group, Parameter

from data_contracts.errors import Unreachable, UsageError
from jobs import _engines
from jobs._config import default_workspace, require_text
from jobs._docstrings import documented
from jobs._engines._request import Options
from jobs._registry import Spec, find_jobs


def submit_app(package: ModuleType) -> App:
    """`cxr submit JOB`: every job as a command, with its own flags and those of the engines."""
    app = App(name="submit", help="Start a job on an engine and print its run id.", sort_key=1001)
    for position, spec in enumerate(find_jobs(package).values()):
        app.command(_command(spec), name=spec.name, sort_key=position)
    return app


def _command(spec: Spec) -> Callable[..., int]:
    def command(*, config: Any = None, options: Any = None) -> int:
        request = _engines.plan(spec, config or spec.config(), options or Options())
        if request.options.dry_run:
            print(_engines.engine(request.options.engine).render(request), end="")
        else:
            print(*_engines.submit(request), sep="\n")
        return 0

    if any(field.is_required() for field in spec.config.model_fields.values()):
        command.__kwdefaults__ = {"options": None}
    # The flags differ from job to job, so the annotation is made here and not in the source.
    command.__annotations__ = {
        "config": Annotated[spec.config, Parameter(name="*", group=Group("Job", sort_key=0))],
        "options": Annotated[Options, Parameter(name="*", group=Group("Engine", sort_key=1))],
        "return": int,
    }
    command.__doc__ = spec.help
    return command


@documented
def cancel(run_id: str, /, *, workspace: Path | None = None, grace: float = _engines.GRACE) -> int:
    """Stop a run, wherever it was started.

    Parameters
    ----------
    run_id
        Id of the run, as shown by `cxr runs`.
    workspace
        Folder of all artifacts of one analysis.
    grace
        Seconds in which the run may save a checkpoint, before it is killed.
    """
    if grace < 0:
        raise UsageError("--grace must not be negative")
    record = _engines.cancel(require_text(workspace or default_workspace()), run_id, grace)
    print(f"cxr cancel: {run_id} is {record.state}", file=sys.stderr)
    return 0


@documented
def list_runs(*, workspace: Path | None = None) -> int:
    """List the runs of a workspace and their states.

    Parameters
    ----------
    workspace
        Folder of all artifacts of one analysis.
    """
    from data_contracts.run import read_runs
    from jobs._runs import show

    folder = require_text(workspace or default_workspace())
    if not folder.is_dir():
        raise UsageError(f"--workspace {folder} is not a folder")
    records = read_runs(folder)
    try:
        records = _engines.present(folder, records)
    except (UsageError, Unreachable) as error:
        print(f"cxr runs: showing the last recorded states: {error}", file=sys.stderr)
    show(records)
    return 0
