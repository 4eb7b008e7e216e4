"""The whole chain on a tiny synthetic cohort, by the real command line."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from forked import start

CXR = Path(sys.executable).with_name("cxr")
TASKS = ("mortality", "insurance")

#: Each job's command line, in order; `{source}` is the drawn collection.
COMMANDS: dict[str, list[str]] = {
    "synthesize": ["synthesize", "--subjects", "60", "--size", "64", "--workers", "1"],
    "extract": ["extract", "--mimic-iv", "{source}/mimic-iv", "--mimic-cxr", "{source}/mimic-cxr"],
    "preprocess": ["preprocess", "--root", "{source}/mimic-cxr", "--size", "48", "--workers", "1"],
    **{
        f"train-task {task}": [
            "train-task", "--task", task, "--architecture", "squeezenet1_1", "--weights", "none",
            "--output-stride", "16", "--epochs", "1", "--device", "cpu",
        ]
        for task in TASKS
    },
    **{f"explain {task}": ["explain", "--task", task, "--device", "cpu"] for task in TASKS},
    "aggregate": [
        "aggregate", "--replicates", "100", "--surrogates", "99", "--permutations", "99",
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Chain:
    """A finished run of the whole chain."""

    workspace: Path
    results: dict[str, subprocess.CompletedProcess[str]]


def words(step: str, workspace: Path) -> list[str]:
    """The command line of a step on `workspace`."""
    source = workspace / "synthetic" / "source"
    return [str(CXR), *(w.format(source=source) for w in COMMANDS[step])]


def environment(workspace: Path) -> dict[str, str]:
    # One thread: two processes of one test run do not wait for each other's threads.
    return os.environ | {"CXR_WORKSPACE": str(workspace), "OMP_NUM_THREADS": "1"}


def run_step(step: str, workspace: Path) -> subprocess.CompletedProcess[str]:
    """Run one step to its end."""
    return subprocess.run(
        words(step, workspace), env=environment(workspace), text=True,
        capture_output=True, timeout=240, check=False,
    )  # fmt: skip


def run_chain(workspace: Path) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run every step, a job's first one in a fresh process; the results by step."""
    results: dict[str, subprocess.CompletedProcess[str]] = {}
    for step in COMMANDS:
        known = {done.split()[0] for done in results}
        results[step] = (_run_forked if step.split()[0] in known else run_step)(step, workspace)
    return results


def _run_forked(step: str, workspace: Path) -> subprocess.CompletedProcess[str]:
    args = [*words(step, workspace)[1:], "--workspace", str(workspace)]
    running = start(args, workspace.with_name("told"))
    code = running.end()
    return subprocess.CompletedProcess(args, code, "", running.told.read_text())
