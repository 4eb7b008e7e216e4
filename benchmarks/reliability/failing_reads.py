"""A disk below a running job that fails, is unmounted, held by another program, or full.

    python -m benchmarks.reliability.failing_reads [--faults 12] [--seed 0]

Calls that open, read or look at files fail from a drawn one on, by a library that is preloaded
(`failing.c`; left out where there is no compiler). The job must end in 75 or 4, permissions and
full disks of the workspace in 3, in one line that neither calls a file damaged nor advises to
delete it; once the fault is gone the same command must end as if undisturbed.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import numpy as np

from benchmarks.reliability.common import (
    Ending,
    arguments,
    command,
    conclude,
    content,
    copy_of,
    differences,
    faults,
    identifiers,
    make_workspace,
    record_faults,
    remove_outputs,
    run,
    show,
    source_of,
    start,
)
from benchmarks.reliability.disks import CALL_KINDS, compiled, counts, disk, resize

#: Which folder fails, by the step that reads it.
FOLDERS = {
    "preprocess": "synthetic/source/mimic-cxr/files", "extract": "synthetic/source",
    "train-task insurance": "images", "aggregate": "models", "explain insurance": "images",
}  # fmt: skip
ERRORS = ("EIO", "ESTALE", "ETIMEDOUT", "EMFILE", "ENOMEM", "EACCES")
CALLS = {"EMFILE": ("open",), "EACCES": ("open", "stat"), "ENOMEM": ("open", "read")}
_FORBIDDEN = ("damaged", "delete", "remove")
SLOW = "60000"
"""Microseconds that each image takes to open, so that a root can vanish in the middle."""
FULL = "disk full"


@dataclass
class Row:
    """What came of one kind of fault in one step."""

    tried: int = 0
    unmet: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    resumed: int = 0


@dataclass
class Trial:
    """Everything that one fault needs."""

    finished: Path
    folder: Path
    secrets: frozenset[str]
    expected: dict[str, str]
    rows: dict[str, Row] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def workspace(self, step: str) -> Path:
        """A new workspace in which the step has its work before it."""
        shutil.rmtree(self.folder / "copy", ignore_errors=True)
        return remove_outputs(copy_of(self.finished, self.folder / "copy"), step)

    def judge(
        self, label: str, step: str, workspace: Path, ending: Ending, codes: set[int],
        more: str = "",
    ) -> None:  # fmt: skip
        """Count how the faulty run ended, run the command again, and note what was broken."""
        row, last = self.rows.setdefault(label, Row()), ending.stderr.strip().rpartition("\n")[2]
        row.tried += 1
        row.codes[ending.code] += 1
        found = faults(ending, workspace, codes, self.secrets)
        if not label.endswith(FULL):  # on a full disk the record cannot tell the end either
            found += record_faults(ending, workspace)
        found += [f"says {w!r}: {last}" for w in _FORBIDDEN if ending.code and w in last]
        if ending.code == 0:
            found += differences(content(workspace), self.expected)
        again = run(command(step, workspace), workspace)
        worse = faults(again, workspace, [0], self.secrets)
        worse = worse or differences(content(workspace), self.expected)
        row.resumed += not worse
        self.broken += [f"{label}{more}: {f}" for f in found]
        self.broken += [f"{label}{more}, once the fault is gone: {f}" for f in worse]


def failing_calls(trial: Trial, library: Path, count: int, seed: int) -> None:
    """Let calls below the folder of a step fail for good, from a drawn one on."""
    rng, log = np.random.default_rng(seed), trial.folder / "log"
    reach: dict[str, dict[str, int]] = {}
    for number, step in zip(range(count), cycle(FOLDERS), strict=False):
        error = ERRORS[(number + 2 * (number // len(FOLDERS))) % len(ERRORS)]
        call = str(rng.choice(CALLS.get(error, CALL_KINDS)))
        workspace = trial.workspace(step)
        preload = {
            "LD_PRELOAD": str(library), "FAIL_LOG": str(log),
            "FAIL_BELOW": str(workspace / FOLDERS[step]),
        }  # fmt: skip
        if step not in reach:
            run(command(step, workspace), workspace, **preload)
            reach[step] = counts(log)[0]
            workspace = trial.workspace(step)
        first = int(rng.integers(1, max(2, reach[step][call] + 1)))
        fault = {"FAIL_ERRNO": getattr(errno, error), "FAIL_FROM": first, "FAIL_CALLS": call}
        more = {name: str(value) for name, value in fault.items()}
        ending = run(command(step, workspace), workspace, **preload, **more)
        met = counts(log)[1]
        codes = {75, 4} | ({3} if error == "EACCES" else set()) | (set() if met else {0})
        label = f"{step}: {error}"
        trial.judge(label, step, workspace, ending, codes, f" [{call} from call {first} on]")
        trial.rows[label].unmet += not met


def unmounted(trial: Trial, library: Path, count: int, seed: int) -> None:
    """Rename the root of the images away while they are read; half the time put an empty one."""
    rng = np.random.default_rng([seed, 1])
    for number in range(count):
        workspace = trial.workspace("preprocess")
        root = source_of(workspace) / "mimic-cxr"
        slow = {"LD_PRELOAD": str(library), "FAIL_CALLS": "open", "FAIL_SLOW_US": SLOW,
                "FAIL_BELOW": str(root / "files")}  # fmt: skip
        running = start(command("preprocess", workspace), workspace, **slow)
        while running.process.poll() is None and not [*workspace.glob("images/.chunks-*")]:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 1.5))
        root.rename(root.with_name("away"))
        if number % 2:
            root.mkdir()
        ending = running.end()
        if number % 2:
            root.rmdir()
        root.with_name("away").rename(root)
        label = f"preprocess: root {'replaced by an empty one' if number % 2 else 'gone'}"
        trial.judge(label, "preprocess", workspace, ending, {75, 4, 0})
        trial.rows[label].unmet += ending.code == 0


def held(trial: Trial) -> None:
    """Hold an artifact open for writing, as a viewer may."""
    import h5py

    model = "models/insurance/main"
    for step, place in (("train-task insurance", "images/images-1-of-1.h5"),
                        ("explain insurance", f"{model}/model.h5"),
                        ("aggregate", f"{model}/attributions-gradcam-test.h5")):  # fmt: skip
        workspace = trial.workspace(step)
        path, whole = workspace / place, (workspace / place).read_bytes()
        path.unlink()
        path.write_bytes(whole)
        with h5py.File(path, "r+"):
            ending = run(command(step, workspace), workspace)
        path.write_bytes(whole)  # opened for writing it may have changed
        trial.judge(f"{step}: input held open r+", step, workspace, ending, {75})


def full(trial: Trial, count: int, seed: int) -> str:
    """Let the disk of the workspace be full after some bytes; what was left out."""
    rng, steps = np.random.default_rng([seed, 2]), cycle(FOLDERS)
    for number, step in zip(range(count), steps, strict=False):
        place = trial.folder / f"disk-{number}"
        with disk(place) as mounted:
            if not mounted:
                return "full disk: left out, a small file system cannot be mounted"
            workspace = place / "copy"
            shutil.copytree(trial.finished, workspace, ignore=shutil.ignore_patterns("runs"))
            remove_outputs(workspace, step)
            used = shutil.disk_usage(workspace).used
            resize(place, used + int(rng.integers(1, 12)) * 4096)
            ending = run(command(step, workspace), workspace)
            resize(place, 1 << 30)
            trial.judge(f"{step}: {FULL}", step, workspace, ending, {3})
    return ""


def main() -> None:
    options = arguments(__doc__, faults=12, unmounts=4, disks=4).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        finished = make_workspace(folder / "finished")
        trial = Trial(finished, folder, identifiers(finished), content(finished))
        library, notes = compiled(folder), list[str]()
        if library:
            failing_calls(trial, library, options.faults, options.seed)
            unmounted(trial, library, options.unmounts, options.seed)
        else:
            notes.append("failing calls and lost roots: left out, there is no C compiler (cc)")
        held(trial)
        notes.append(full(trial, options.disks, options.seed))
    show(
        ["step: fault", "tried", "not met", "exit codes", "same in the end"],
        [[label, row.tried, row.unmet,
          " ".join(f"{code}×{n}" for code, n in sorted(row.codes.items())), row.resumed]
         for label, row in sorted(trial.rows.items())],
    )  # fmt: skip
    print("".join(f"{note}\n" for note in notes if note), end="")
    conclude(trial.broken)


if __name__ == "__main__":
    main()
