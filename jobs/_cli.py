"""The command line: every job as a command, its `Config` as flags."""

from __future__ import annotations

import atexit
import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType, ModuleType
from typing import Annotated, Any

from cyclopts import App, CycloptsError, MissingArgumentError, Parameter, UnknownCommandError
from cyclopts.config import Dict
from pydantic import ValidationError

import jobs
from data_contracts.errors import CxrError, UsageError
from data_contracts.header import package_version
from jobs import _submit
from jobs._config import complaint, read_yaml
from jobs._docstrings import documented
from jobs._export_split import export_split
from jobs._pipeline.command import pipeline
from jobs._registry import Spec, find_jobs
from jobs._signals import break_off
from jobs._streams import forgiving

HELP = """What do networks see of a patient's health, gender, race and insurance in a chest X-ray?

Jobs work on one folder of artifacts, --workspace (or CXR_WORKSPACE)."""
EPILOGUE = "--config FILE.yaml reads flags from a file; flags on the command line win."

Handler = Callable[[int, FrameType | None], None] | signal.Handlers


def main() -> None:
    """Run the command of this process to its end, and exit with its code."""
    # Before a signal may raise: pydantic, while it builds a model, makes another error of that.
    find_jobs()
    sys.stdout, out = forgiving(1)
    sys.stderr, _ = forgiving(2)
    try:
        _at_signals(break_off)
        code = run(sys.argv[1:])
        _at_signals(signal.SIG_IGN)
    except KeyboardInterrupt:
        _at_signals(signal.SIG_IGN)
        code = _report_error("", "interrupted; run the same command to resume", 75)
    sys.stdout.flush()
    # The artifacts of a job exist even if its output is lost. Other commands produce only output.
    fault = out.fault
    if fault and fault.errno != errno.EPIPE and _command_of(sys.argv[1:]) not in find_jobs():
        code = _report_error("", f"cannot write to stdout ({fault.strerror})", 3)
    # A regular exit takes seconds for torch alone, and nothing is left to be done.
    atexit._run_exitfuncs()
    os._exit(code)


def _at_signals(handler: Handler) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def run(argv: list[str], package: ModuleType = jobs) -> int:
    """Parse `argv`, run the command, and return its exit code."""
    rest, files = _without_config_files(argv)
    command = _command_of(rest)
    try:
        app = build_app(package)
        if command != "run":  # its file has a section for each job
            argv, app.config = rest, tuple(_settings(command, f) for f in reversed(files))
        code = app(argv, exit_on_error=False, print_error=False, result_action="return_value")
    except UnknownCommandError as error:
        return _report_error("", _one_line(error), UsageError.exit_code)
    except CycloptsError as error:
        return _report_error(command, _one_line(error), UsageError.exit_code)
    except CxrError as error:
        return _report_error(command, str(error), error.exit_code)
    return code or 0


def _command_of(argv: list[str]) -> str:
    """The command's name: one word, or two for `submit JOB`."""
    names = [arg for arg in argv[:2] if not arg.startswith("-")]
    return " ".join(names if names[:1] == ["submit"] else names[:1])


def build_app(package: ModuleType = jobs) -> App:
    """The application with a command for every job of `package`."""
    app = App(
        name="cxr",
        help=HELP,
        help_epilogue=EPILOGUE,
        version=package_version,
        help_format="plaintext",
        suppress_keyboard_interrupt=False,
    )
    for position, spec in enumerate(find_jobs(package).values()):
        app.command(_command(spec), name=spec.name, sort_key=position)
    app.command(pipeline, name="run", sort_key=999)
    # By name: jobs do not import the dashboard, and listing the commands does not load it.
    app.command(
        "tui.command:dashboard",
        name="dashboard",
        help="Browse a workspace, launch jobs, view averaged heatmaps.",
        sort_key=998,
    )
    app.command(_inspect, name="inspect", sort_key=1000)
    app.command(export_split, name="export-split", sort_key=1000)
    app.command(_submit.submit_app(package))
    app.command(_submit.list_runs, name="runs", sort_key=1002)
    app.command(_submit.cancel, name="cancel", sort_key=1003)
    return app


def _command(spec: Spec) -> Any:
    def command(*, config: Any = None) -> int:
        from jobs._execute import execute

        config = config or spec.config()
        if (text := spec.preview(config)) is not None:
            print(text, end="")
            return 0
        return execute(spec, config)

    if any(field.is_required() for field in spec.config.model_fields.values()):
        command.__kwdefaults__ = {}

    # The flags differ from job to job, so the annotation is made here and not in the source.
    command.__annotations__["config"] = Annotated[spec.config, Parameter(name="*")]
    command.__doc__ = spec.help
    return command


@documented
def _inspect(path: Path, /, *, verify: bool = False) -> int:
    """Show header, schema and lineage of an artifact.

    Parameters
    ----------
    path
        File of the artifact.
    verify
        Read the whole file and recompute its digest.
    """
    from jobs._inspect import inspect

    inspect(path, verify=verify)
    return 0


def _without_config_files(argv: list[str]) -> tuple[list[str], list[str]]:
    """Split `argv` into the arguments other than `--config FILE`, and the files."""
    rest, files, args = [], [], iter(argv)
    for arg in args:
        flag, equals, value = arg.partition("=")
        if flag == "--config":
            files.append(value if equals else next(args, ""))
        else:
            rest.append(arg)
    return rest, files


def _settings(command: str, file: str) -> Dict:
    if not file:
        raise UsageError("--config needs the name of a YAML file")
    return Dict(_nested(command.split(), read_yaml(Path(file))), source=file)


def _nested(names: list[str], values: dict[str, Any]) -> dict[str, Any]:
    return {names[0]: _nested(names[1:], values)} if names else values


def _one_line(error: CycloptsError) -> str:
    """A parsing error as one line that names the flag."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ValidationError):
        parts = []
        for fault in cause.errors():
            flag = "--" + "-".join(str(p) for p in fault["loc"]).replace("_", "-")
            got = "" if fault["type"] == "missing" else f" {str(fault['input'])[:100]!r}:"
            parts.append(f"{flag}{got} {complaint(fault)}")
        return "; ".join(parts)
    if isinstance(error, MissingArgumentError) and error.argument:
        return f"{error.argument.name} needs a value"
    return " ".join(str(error).split())


def _report_error(command: str, message: str, code: int) -> int:
    name = f"cxr {command}".strip()
    print(
        f"{name}: {message} (see {name} --help)" if code == 2 else f"{name}: {message}",
        file=sys.stderr,
    )
    return code
