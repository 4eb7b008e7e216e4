"""Seconds from a command to the first sign of its job, in a container and as a bare process.

    python benchmarks/start.py [--image cxr:test] [--docker docker] [--rounds 5]

The job is `extract` in an empty workspace, which ends at once for want of a source. Its sign is
the beginning in the run record. Both kinds run in turn; medians count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from data_contracts.run import read_runs

CXR = Path(sys.executable).with_name("cxr")


def seconds_until_it_begins(words: list[str], workspace: Path) -> float:
    before = time.time()
    subprocess.run(words, capture_output=True, check=False)
    begun = datetime.fromisoformat(read_runs(workspace)[-1].started).timestamp()
    return begun - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", default="cxr:test")
    parser.add_argument("--docker", default=os.environ.get("CXR_DOCKER", "docker"))
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        container = [
            args.docker, "run", "--rm", "--init", "--network", "none", "--read-only", "--tmpfs",
            "/tmp", "--user", f"{os.getuid()}:{os.getgid()}", "-v", f"{folder}:/workspace",
            args.image, "extract",
        ]  # fmt: skip
        bare = [str(CXR), "extract", "--workspace", folder]
        times: dict[str, list[float]] = {"container": [], "bare process": []}
        for _ in range(args.rounds):
            times["container"].append(seconds_until_it_begins(container, workspace))
            times["bare process"].append(seconds_until_it_begins(bare, workspace))
        medians = {name: statistics.median(found) for name, found in times.items()}
        for name, seconds in medians.items():
            print(f"{name:13} {seconds:.2f} s")
        print(f"difference    {medians['container'] - medians['bare process']:.2f} s")


if __name__ == "__main__":
    main()
