"""The folder in which the engine works: the plan that it reads, and the files that it leaves."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_contracts.atomic import translate_os_errors, write_text
from jobs._engines._call import cxr_command
from jobs._engines.slurm.job_names import step_run_id
from jobs._pipeline.config import PipelineConfig
from jobs._pipeline.plan import Step
from jobs._pipeline.resources import Resources, resources_of
from jobs._pipeline.slurm_queue import OWN_ID

#: In the workspace.
FOLDER = ".pipeline"


@dataclass(frozen=True)
class ScheduledStep:
    """A step that is to run: the id of its run, and the files of its output."""

    name: str
    run_id: str
    outputs: tuple[str, ...]
    stderr_path: Path
    """Its standard output lies beside it."""

    @property
    def stdout(self) -> str:
        """The standard output of the job."""
        path = self.stderr_path.with_suffix(".out")
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    @property
    def last_error_line(self) -> str:
        """The last line of the job's standard error; empty if there is none."""
        return last_line(self.stderr_path)


@dataclass(frozen=True)
class Folder:
    """A pipeline's files in its workspace."""

    workspace: Path
    scheduled: tuple[ScheduledStep, ...]

    @property
    def path(self) -> Path:
        return self.workspace / FOLDER

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    def is_made(self, step: ScheduledStep) -> bool:
        """Whether the engine has recorded the step's success."""
        return all((self.path / "receipts" / place).exists() for place in step.outputs)


def last_line(path: Path) -> str:
    """The last non-empty line of a file; empty if there is none."""
    return next(reversed(_lines(path)), "")


def complaint(log: Path) -> str:
    """The error message in the engine's log, as one line; else the log's last line."""
    lines = [line for line in _lines(log) if line.startswith("message: ")]
    messages = [m for line in lines if (m := line.removeprefix("message: ")) != "None"]
    message = messages[-1] if messages else last_line(log)
    return message.partition("For further error details")[0].rstrip()


def _lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return [line.strip() for line in text.split("\n") if line.strip()]


def write_plan(
    config: PipelineConfig, steps: Sequence[Step], reasons: Mapping[str, str], run_id: str
) -> Folder:
    """Write the plan for the engine, and a receipt for all that is up to date."""
    folder = config.workspace / FOLDER
    todo = [step for step in steps if step.name in reasons]
    resources = resources_of(config, todo)
    scheduled, planned = [], {}
    with translate_os_errors(folder):
        for name in ("receipts", "logs"):
            shutil.rmtree(folder / name, ignore_errors=True)
            (folder / name).mkdir(parents=True)
        for number, step in enumerate(steps):
            stderr_path = folder / "logs" / f"{number}.err"
            own = step_run_id(run_id, number, step.spec.name)
            entry = ScheduledStep(step.name, own, step.outputs, stderr_path)
            given = resources.get(step.name, Resources(threads=1, gpus=0))
            planned[step.outputs[0]] = {
                "inputs": [f"receipts/{place}" for place in step.inputs],
                "threads": given.threads,
                "gpu": given.gpus,
                "run_id": own,
                "command": _command(config, step, entry, given),
            }
            if step.name in reasons:
                scheduled.append(entry)
                continue
            # In this order no receipt is older than those of what it was made from.
            for receipt in (folder / "receipts" / place for place in step.outputs):
                receipt.parent.mkdir(parents=True, exist_ok=True)
                receipt.touch()
    targets = [f"receipts/{place}" for step in steps for place in step.outputs]
    text = json.dumps({"targets": targets, "steps": planned}, indent=1)
    write_text(folder / "plan.json", text + "\n")
    return Folder(config.workspace, tuple(scheduled))


def _command(config: PipelineConfig, step: Step, entry: ScheduledStep, given: Resources) -> str:
    """A step for the shell, in the caller's working directory, with a run id of its own.

    The shell becomes the job, so that a signal to the one reaches the other.
    """
    how: dict[str, object] = {"force": True} if config.force else {}
    if config.debug:
        how["debug"] = True
    if "workers" in step.spec.config.model_fields:
        how["workers"] = given.threads
    program = "cxr" if config.engine == "kubernetes" else cxr_command()
    args = ["env", f"CXR_RUN_ID={entry.run_id}", program, *step.args(**how)]
    if config.engine == "local" and given.gpus:
        places = str((config.workspace / FOLDER).absolute())
        args = [sys.executable, "-P", "-m", "jobs._pipeline.gpu", places, *args]
    launched = f"export CXR_ENGINE={OWN_ID} && " if config.engine == "slurm" else ""
    output = str(entry.stderr_path.absolute().with_suffix(""))
    return (
        f"cd {shlex.quote(str(Path.cwd()))} && {launched}exec {shlex.join(args)} "
        f"> {shlex.quote(output + '.out')} 2> {shlex.quote(output + '.err')}"
    )
