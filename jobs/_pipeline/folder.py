"""The folder in which the engine works: what it is told, and what it leaves."""

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
from jobs._engines._slurm_names import step_run_id
from jobs._pipeline.config import PipelineConfig
from jobs._pipeline.plan import Step
from jobs._pipeline.resources import Share, shares
from jobs._pipeline.slurm import OWN_ID

#: In the workspace.
FOLDER = ".pipeline"


@dataclass(frozen=True)
class Ticket:
    """A step that is to run: the id of its run, and where its words go."""

    name: str
    run_id: str
    outputs: tuple[str, ...]
    said: Path
    """Its standard error; its standard output lies beside it."""

    @property
    def output(self) -> str:
        """What the job has printed on standard output."""
        path = self.said.with_suffix(".out")
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    @property
    def last_words(self) -> str:
        """The last line that the job has said; empty if there is none."""
        return last_line(self.said)


@dataclass(frozen=True)
class Folder:
    """A pipeline as it lies in its workspace."""

    workspace: Path
    tickets: tuple[Ticket, ...]

    @property
    def path(self) -> Path:
        return self.workspace / FOLDER

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    def is_made(self, ticket: Ticket) -> bool:
        """Whether the engine has seen the step end well."""
        return all((self.path / "receipts" / place).exists() for place in ticket.outputs)


def last_line(path: Path) -> str:
    """The last line of a file that says something; empty if there is none."""
    return next(reversed(_lines(path)), "")


def complaint(log: Path) -> str:
    """What the engine complains of in its log, as one line; else the last that it said."""
    messages = [line for line in _lines(log) if line.startswith("message: ")]
    told = [m for line in messages if (m := line.removeprefix("message: ")) != "None"]
    said = told[-1] if told else last_line(log)
    return said.partition("For further error details")[0].rstrip()


def _lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return [line.strip() for line in text.split("\n") if line.strip()]


def lay_out(
    config: PipelineConfig, steps: Sequence[Step], reasons: Mapping[str, str], run_id: str
) -> Folder:
    """Write the plan for the engine, and a receipt for all that is up to date."""
    folder = config.workspace / FOLDER
    todo = [step for step in steps if step.name in reasons]
    share = shares(config, todo)
    tickets, planned = [], {}
    with translate_os_errors(folder):
        for name in ("receipts", "said"):
            shutil.rmtree(folder / name, ignore_errors=True)
            (folder / name).mkdir(parents=True)
        for number, step in enumerate(steps):
            said = folder / "said" / f"{number}.err"
            own = step_run_id(run_id, number, step.spec.name)
            ticket = Ticket(step.name, own, step.outputs, said)
            due = share.get(step.name, Share(threads=1, gpus=0))
            planned[step.outputs[0]] = {
                "inputs": [f"receipts/{place}" for place in step.inputs],
                "threads": due.threads,
                "gpu": due.gpus,
                "run_id": own,
                "command": _command(config, step, ticket, due),
            }
            if step.name in reasons:
                tickets.append(ticket)
                continue
            # In this order no receipt is older than those of what it was made from.
            for receipt in (folder / "receipts" / place for place in step.outputs):
                receipt.parent.mkdir(parents=True, exist_ok=True)
                receipt.touch()
    targets = [f"receipts/{place}" for step in steps for place in step.outputs]
    text = json.dumps({"targets": targets, "steps": planned}, indent=1)
    write_text(folder / "plan.json", text + "\n")
    return Folder(config.workspace, tuple(tickets))


def _command(config: PipelineConfig, step: Step, ticket: Ticket, share: Share) -> str:
    """A step for the shell: where the caller stands, with a run id of its own.

    The shell becomes the job, so that a signal to the one reaches the other.
    """
    how: dict[str, object] = {"force": True} if config.force else {}
    if config.debug:
        how["debug"] = True
    if "workers" in step.spec.config.model_fields:
        how["workers"] = share.threads
    program = "cxr" if config.engine == "kubernetes" else cxr_command()
    words = ["env", f"CXR_RUN_ID={ticket.run_id}", program, *step.words(**how)]
    if config.engine == "local" and share.gpus:
        places = str((config.workspace / FOLDER).absolute())
        words = [sys.executable, "-P", "-m", "jobs._pipeline.gpu", places, *words]
    launched = f"export CXR_ENGINE={OWN_ID} && " if config.engine == "slurm" else ""
    said = str(ticket.said.absolute().with_suffix(""))
    return (
        f"cd {shlex.quote(str(Path.cwd()))} && {launched}exec {shlex.join(words)} "
        f"> {shlex.quote(said + '.out')} 2> {shlex.quote(said + '.err')}"
    )
