"""What these scripts share: a tiny workspace, commands that end, and how an end is judged."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from data_contracts.catalog import contracts
from data_contracts.cohort import COHORT
from data_contracts.errors import CxrError
from data_contracts.run import RunRecord, read_runs
from data_contracts.store import read_table, verify
from jobs._registry import find_jobs

ROOT = Path(__file__).resolve().parents[2]
CXR = (sys.executable, "-m", "jobs")
TASKS = ("mortality", "insurance")
SECONDS = 240.0
"""In which every command must come to its end."""

#: At this learning rate the best epoch is not the last one.
_TRAIN = (
    "--architecture shufflenet_v2_x0_5 --weights none --output-stride 32 --epochs 4 --device cpu "
    "--batch-size 8 --learning-rate 0.03 --patience 0"
)
#: Each job's command line, in order; `{source}` is the drawn collection.
COMMANDS: dict[str, str] = {
    "synthesize": "synthesize --subjects 60 --size 64 --workers 2",
    "extract": "extract --mimic-iv {source}/mimic-iv --mimic-cxr {source}/mimic-cxr",
    "preprocess": "preprocess --root {source}/mimic-cxr --size 32 --workers 2",
    **{f"train-task {task}": f"train-task --task {task} {_TRAIN}" for task in TASKS},
    **{f"explain {task}": f"explain --task {task} --device cpu" for task in TASKS},
    "aggregate": "aggregate --replicates 100",
}
#: States of a record by exit code; what is held by somebody else counts as a failure.
_STATES = {0: ("succeeded",), 75: ("interrupted", "failed")}


def source_of(workspace: Path) -> Path:
    """The drawn collection of a workspace."""
    return workspace / "synthetic" / "source"


def command(step: str, workspace: Path) -> list[str]:
    """The words of a step on `workspace`, without the program."""
    return [w.format(source=source_of(workspace)) for w in COMMANDS[step].split()]


@dataclass(frozen=True)
class Ending:
    """How a command ended; `code` is negative for a signal, and 124 if it had to be killed."""

    code: int
    stderr: str
    seconds: float


@dataclass
class Running:
    """A command under way, in a session of its own."""

    process: subprocess.Popen[bytes]
    output: Path
    begun: float = field(default_factory=time.monotonic)

    @property
    def pid(self) -> int:
        return self.process.pid

    def end(self, seconds: float = SECONDS) -> Ending:
        """Wait for the end of the command; kill it after `seconds`."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()
            code = 124
        text = self.output.read_text(encoding="utf-8", errors="replace")
        return Ending(code, text, time.monotonic() - self.begun)

    def workers_end(self, seconds: float = 20) -> bool:
        """Whether no process of the command is left, after at most `seconds`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                os.killpg(self.pid, 0)
            except ProcessLookupError:
                return True
            time.sleep(0.02)
        return False


def start(words: Sequence[str], workspace: Path, **environment: str) -> Running:
    """Start `cxr words` on `workspace`; stderr is kept beside it."""
    own = {"CXR_WORKSPACE": str(workspace), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    output = workspace.with_name(f"{workspace.name}.stderr")
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*CXR, *words], env=os.environ | own | environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=file, start_new_session=True,
        )  # fmt: skip
    return Running(process, output)


def run(words: Sequence[str], workspace: Path, **environment: str) -> Ending:
    """Run `cxr words` on `workspace` to its end."""
    return start(words, workspace, **environment).end()


def make_workspace(workspace: Path) -> Path:
    """Run every step on a new workspace; ends the script when one fails."""
    for step in COMMANDS:
        ending = run(command(step, workspace), workspace)
        if ending.code:
            sys.exit(f"`cxr {step}` ends with {ending.code}:\n{ending.stderr}")
    return workspace


def copy_of(workspace: Path, copy: Path) -> Path:
    """All artifacts of a workspace and no run; the files are links, so never write into one."""
    ignored = shutil.ignore_patterns("runs", ".locks")
    shutil.copytree(workspace, copy, ignore=ignored, copy_function=os.link)
    return copy


def remove_outputs(workspace: Path, step: str) -> Path:
    """Let a step have its work before it; the same workspace."""
    job, _, task = step.partition(" ")
    for contract in find_jobs()[job].writes:
        for path in contract.find(workspace, **({"task": task} if task else {})):
            path.unlink()
    return workspace


def content(workspace: Path) -> dict[str, str]:
    """Digest of every artifact, each verified, and hash of every other file but the runs' own.

    Raises `ArtifactError` for an artifact that is not whole.
    """
    paths = [p for p in workspace.rglob("*") if p.is_file()]
    names = {p.relative_to(workspace).as_posix(): p for p in paths}
    found = {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in names.items()
        if not name.startswith(("runs/", ".locks/"))
    }
    for contract in contracts().values():
        for path in contract.find(workspace):
            found[path.relative_to(workspace).as_posix()] = verify(path).digest
    return found


def differences(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """The files that are too many, too few or other."""
    return [
        f"{name} is {'left over' if name not in expected else 'other' if name in found else 'gone'}"
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    ]


def identifiers(workspace: Path) -> frozenset[str]:
    """Everything that names a patient, an examination or an image of the cohort."""
    frame = read_table(COHORT, COHORT.path(workspace)).frame
    return frozenset(v for c in ("subject_id", "study_id", "image_id") for v in frame[c])


def last_run(workspace: Path) -> RunRecord | None:
    """The newest run record, its state as it is now."""
    return next(reversed(read_runs(workspace)), None)


def record_faults(ending: Ending, workspace: Path) -> list[str]:
    """What is wrong with the newest record, for a job that has ended by itself."""
    record, wanted = last_run(workspace), _STATES.get(ending.code, ("failed",))
    if record is None or record.state not in wanted:
        return [f"exit code {ending.code}, but its record is {record and record.state}"]
    line = next(reversed(ending.stderr.splitlines()), "")
    if ending.code and line != f"cxr {record.job}: {record.message}":
        return [f"its last line is not its record's: {line}"]
    return []


def faults(
    ending: Ending, workspace: Path, codes: Collection[int], secrets: frozenset[str]
) -> list[str]:
    """What is wrong with the ending of a job: its code, its words, the artifacts it has left."""
    lines, found = ending.stderr.splitlines(), []
    if ending.code not in codes:
        found.append(f"exit code {ending.code}: {' | '.join(lines[-2:])[:300]}")
    if other := [line for line in lines if not line.startswith(("cxr ", "cxr: "))]:
        found.append(f"{len(other)} lines beside its own on stderr: {' | '.join(other)[-400:]}")
    logs = [p.read_text() for p in (workspace / "runs").rglob("*") if p.is_file()]
    words = set(re.findall(r"[\w-]+", " ".join([ending.stderr, *logs])))
    if words & secrets:
        found.append("names a patient, an examination or an image")
    try:
        content(workspace)
    except CxrError as error:
        found.append(f"an artifact is not whole: {error}")
    return found


def arguments(doc: str | None, **counts: int) -> argparse.ArgumentParser:
    """A parser with `--seed` and the given counts."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    for name, default in ({"seed": 0} | counts).items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
    return parser


def show(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table: the first column left, all others right."""
    cells = [list(head), *([str(c) for c in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for first, *rest in cells:
        right = (c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))
        print("  ".join([first.ljust(widths[0]), *right]).rstrip())


def conclude(broken: Sequence[str]) -> NoReturn:
    """Print every broken promise and end, with exit code 1 if there is one."""
    for line in broken:
        print(f"BROKEN: {line}")
    load, cores = os.getloadavg()[1], os.cpu_count()
    kept = f"{len(broken)} promises broken" if broken else "every promise kept"
    print(f"{kept}; load average {load:.1f} on {cores} cores")
    sys.exit(1 if broken else 0)
