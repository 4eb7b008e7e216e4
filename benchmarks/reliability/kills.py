"""Jobs killed at random moments: all artifacts stay whole, and the same command goes on.

    python -m benchmarks.reliability.kills [--kills 20] [--signal TERM] [--seed 0]

The moments are uniform over the undisturbed duration, start-up included. After a third of the
kills the same command is killed again; after the others it runs to its end, and must leave what
an undisturbed run leaves.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.reliability.common import (
    Running,
    arguments,
    command,
    conclude,
    content,
    copy_of,
    differences,
    faults,
    identifiers,
    last_run,
    make_workspace,
    remove_outputs,
    run,
    show,
    start,
)
from data_contracts.run import read_runs

ANSWER = 5.0
"""Seconds in which a job must answer SIGTERM or Ctrl-C."""


@dataclass
class Case:
    """A command that is killed, and what came of it."""

    step: str
    more: tuple[str, ...]
    seconds: float = 0.0
    expected: dict[str, str] = field(default_factory=dict)
    note: str = ""
    outcomes: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    slowest: float = 0.0

    @property
    def label(self) -> str:
        return " ".join([self.step, *self.more])

    def prepare(self, finished: Path, copy: Path) -> Path:
        """A workspace in which the command has its work before it."""
        copy_of(finished, copy)
        if "--force" not in self.more:
            remove_outputs(copy, self.step)
        return copy


FORCE, SHARD = ("--force",), ("--shard", "2/2", "--force")
CASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("synthesize", FORCE), ("extract", FORCE), ("preprocess", ()), ("preprocess", FORCE),
    ("preprocess", SHARD), ("train-task mortality", ()), ("train-task insurance", FORCE),
    ("explain mortality", FORCE), ("aggregate", ()), ("aggregate", FORCE),
)  # fmt: skip


def undisturbed(case: Case, finished: Path, folder: Path) -> None:
    """Find what the command leaves, and how long it takes."""
    workspace = case.prepare(finished, folder / f"undisturbed-{id(case)}")
    ending = run([*command(case.step, workspace), *case.more], workspace)
    if ending.code:
        raise SystemExit(f"undisturbed `cxr {case.label}` ends with {ending.code}")
    case.seconds, case.expected = ending.seconds, content(workspace)
    kept = [line for line in ending.stderr.splitlines() if "kept epoch" in line]
    case.note = kept[0].split("kept ")[1].split(",")[0] if kept else ""
    shutil.rmtree(workspace)


def has_handler(pid: int, number: int) -> bool:
    """Whether the process handles the signal, or ignores it since its work is over."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    masks = [line.split()[1] for line in status.splitlines() if line[:7] in ("SigCgt:", "SigIgn:")]
    return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)


def strike(running: Running, number: int, seconds: float) -> tuple[bool, float]:
    """Send the signal after `seconds`; whether it was handled, and the time of the answer."""
    with suppress(subprocess.TimeoutExpired):
        running.process.wait(seconds)
        return True, 0.0
    handled = has_handler(running.pid, number)
    os.kill(running.pid, number)
    begun = time.monotonic()
    with suppress(subprocess.TimeoutExpired):
        running.process.wait(10 * ANSWER)
    return handled, time.monotonic() - begun


def outcome(code: int, handled: bool, number: int, state: str | None) -> str:
    """The column of the table that an ending belongs to; empty for one that is not promised."""
    if code == 0 or (code == -signal.SIGKILL and state == "succeeded"):
        return "at its end"
    if number != signal.SIGKILL and code == -number and not handled and state is None:
        return "too early"
    if code not in (-signal.SIGKILL, 75) or (code == 75) == (number == signal.SIGKILL):
        return ""
    if state is None:
        return "no record"
    return "in work" if state == ("interrupted" if code == 75 else "lost") else ""


def kill(
    case: Case, workspace: Path, number: int, seconds: float, secrets: frozenset[str]
) -> list[str]:
    """Kill the case's command once; what was broken."""
    before = {r.run_id for r in read_runs(workspace)}
    running = start([*command(case.step, workspace), *case.more], workspace)
    handled, answer = strike(running, number, seconds)
    ending = running.end()
    record = last_run(workspace)
    state = record.state if record and record.run_id not in before else None
    what = outcome(ending.code, handled, number, state)
    case.outcomes[what] += 1
    broken = [] if what else [f"exit code {ending.code}, handled {handled}, record {state}"]
    if not running.workers_end():
        broken.append("workers are alive 20 s after it")
    if number != signal.SIGKILL:
        case.slowest = max(case.slowest, answer)
        if answer > ANSWER:
            broken.append(f"answered after {answer:.1f} s")
    return broken + faults(ending, workspace, [ending.code], secrets)


def attempt(
    case: Case, finished: Path, folder: Path, number: int, secrets: frozenset[str],
    rng: np.random.Generator,
) -> list[str]:  # fmt: skip
    """Kill the case's command until chance lets it run to its end; what was broken, and when."""
    workspace, moments, broken = case.prepare(finished, folder), list[float](), list[str]()
    while not moments or rng.random() < 1 / 3:
        moments.append(rng.uniform(0, case.seconds))
        broken += kill(case, workspace, number, moments[-1], secrets)
    ending = run([*command(case.step, workspace), *case.more], workspace)
    broken += faults(ending, workspace, [0], secrets)
    if not broken:
        broken += differences(content(workspace), case.expected)
        # A record's temporary file may be a living run's, and is removed half a minute later.
        hidden = {p.name for p in workspace.rglob(".*")} - {".locks", ".run.json.partial"}
        broken += [f"hidden and left over: {name}" for name in sorted(hidden)]
    case.resumed += not broken
    shutil.rmtree(workspace)
    at = ", ".join(f"{moment:.2f}" for moment in moments)
    return [f"cxr {case.label}, struck after {at} s of {case.seconds:.2f}: {b}" for b in broken]


def main() -> None:
    parser = arguments(__doc__, kills=20)
    parser.add_argument("--signal", choices=("KILL", "TERM", "INT"), default="KILL")
    parser.add_argument("--only", default="", help="the beginning of the commands to kill")
    options = parser.parse_args()
    number = signal.Signals[f"SIG{options.signal}"]
    cases = [c for c in (Case(*words) for words in CASES) if c.step.startswith(options.only)]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as threads:
        folder = Path(name)
        finished = make_workspace(folder / "finished")
        secrets = identifiers(finished)
        list(threads.map(lambda case: undisturbed(case, finished, folder), cases))

        def one(kill: int) -> list[str]:
            case, rng = cases[kill % len(cases)], np.random.default_rng([options.seed, kill])
            return attempt(case, finished, folder / f"kill-{kill}", number, secrets, rng)

        broken = [line for lines in threads.map(one, range(options.kills)) for line in lines]
    columns = ("too early", "no record", "in work", "at its end", "")
    show(
        ["struck", "undisturbed s", "kept", *columns[:-1], "not promised", "slowest answer s",
         "same in the end"],
        [[c.label, f"{c.seconds:.1f}", c.note, *(c.outcomes[o] for o in columns),
          f"{c.slowest:.1f}", c.resumed] for c in cases],
    )  # fmt: skip
    conclude(broken)


if __name__ == "__main__":
    main()
