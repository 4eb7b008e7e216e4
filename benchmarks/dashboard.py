"""First frame, key to repaint, and memory of the dashboard on a workspace of any size.

    python benchmarks/dashboard.py [--models 500] [--runs 5000] [--rounds 3] [--size 140x45]

The dashboard runs as its users run it, a process on a (pseudo) terminal: a key is written to the
terminal, and one clock stops with the first byte of the answer, the repaint; another with the last
byte, after which nothing comes for 30 ms: then all that the key asked to be read is shown. The
workspace is made by the contracts' own factory; half of the models' names are seeds.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from dashboards import TASKS, write_run, write_workspace  # noqa: E402

from data_contracts.run import State  # noqa: E402

CXR = Path(sys.executable).with_name("cxr")
QUIET = 0.03
#: Keys in the order in which they are pressed on each page; the digit opens the page.
KEYS = {
    "overview": ["1", *"jjjjkkkk"],
    "jobs": ["2", *"jjjjjjjjkkkk", "\x1b[6~", "\x1b[6~", "\x1b[5~", "G", "g"],
    "metrics": ["3", *"jjjjjjjjkkkk", "\x1b[6~", "\x1b[6~", "G", "g", "s", "S"],
    "heatmaps": ["4", *"jjjjkkkk", "+", "-"],
    "cohort": ["5", *"jjkk"],
    "artifact": ["6", *"jjjjjjjjkkkk", "\x1b[6~", "\x1b[6~", "G", "g"],
    "filter": ["2", "/", *"race", "\r", "/", "\x15", "\r"],
    # Textual waits 100 ms after Escape, which may begin an escape sequence.
    "Escape": ["/", "r", "\x1b"],
}


@dataclass
class Terminal:
    """The dashboard on a pseudo-terminal."""

    process: subprocess.Popen[bytes]
    master: int
    started: float

    def until(self, word: bytes, limit: float = 30.0) -> float:
        """Seconds since the start until `word` was drawn."""
        seen = b""
        while word not in seen:
            if not select.select([self.master], [], [], limit)[0]:
                raise TimeoutError(f"{word!r} was not drawn")
            seen += os.read(self.master, 1 << 16)
        return time.perf_counter() - self.started

    def settle(self, quiet: float = QUIET) -> float | None:
        """Read until nothing comes for `quiet` seconds; when the last byte came."""
        last = None
        while select.select([self.master], [], [], quiet)[0]:
            os.read(self.master, 1 << 16)
            last = time.perf_counter()
        return last

    def press(self, key: str) -> tuple[float, float] | None:
        """Seconds from a key to the first and last byte of its answer; None without one."""
        self.settle()
        begun = time.perf_counter()
        os.write(self.master, key.encode())
        if not select.select([self.master], [], [], 0.5)[0]:
            return None
        first = time.perf_counter()
        last = self.settle() or first
        return first - begun, last - begun

    def memory(self) -> int:
        """Resident memory, KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmRSS:")[1].split()[0])


@contextmanager
def terminal(workspace: Path, columns: int, lines: int) -> Iterator[Terminal]:
    """Start the dashboard; end it by `q`."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    # Neither the user's filters and sort orders are used, nor are they changed.
    env = os.environ | {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "XDG_STATE_HOME": os.devnull,
    }
    started = time.perf_counter()
    process = subprocess.Popen(
        [CXR, "dashboard", "--workspace", workspace],
        stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    try:
        yield Terminal(process, master, started)
    finally:
        os.write(master, b"q")
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        os.close(master)


def make(workspace: Path, models: int, runs: int) -> None:
    """A workspace with so many models, over four tasks, and so many ended runs."""
    names = ["main", *(f"seed{i}" for i in range(1, models // len(TASKS)))]
    write_workspace(workspace, names=names)
    states: tuple[State, ...] = (
        "succeeded",
        "succeeded",
        "succeeded",
        "failed",
        "interrupted",
        "cancelled",
    )
    for number in range(runs):
        write_run(workspace, number, state=states[number % len(states)])


def report(title: str, times: list[tuple[float, float]]) -> None:
    """Median and 99th percentile, in milliseconds, of the repaint and of everything."""
    columns = []
    for seconds in zip(*times, strict=True):
        ordered = sorted(seconds)
        high = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
        columns += [1e3 * statistics.median(ordered), 1e3 * high]
    print(f"{title:10} {len(times):5}", *(f"{value:9.1f}" for value in columns))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("models", 500), ("runs", 5000), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--size", default="140x45")
    args = parser.parse_args()
    columns, lines = map(int, args.size.split("x"))
    folder = Path(tempfile.mkdtemp(prefix="cxr-dashboard-"))
    try:
        workspace = folder / "workspace"
        make(workspace, args.models, args.runs)
        first = []
        for _ in range(args.rounds + 1):
            with terminal(workspace, columns, lines) as screen:
                first.append(screen.until(b"Overview"))
        print(
            f"first frame: {1e3 * statistics.median(first[1:]):.0f} ms (cold {1e3 * first[0]:.0f})"
        )
        with terminal(workspace, columns, lines) as screen:
            screen.until(b"Overview")
            screen.settle(3.0)
            print("milliseconds     repaint: median   p99, everything: median   p99")
            everything = []
            for page, keys in KEYS.items():
                times = [t for _ in range(args.rounds) for k in keys if (t := screen.press(k))]
                report(page, times)
                everything += times
            report("all", everything)
            print(f"resident memory: {screen.memory() / 1024:.0f} MB")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
