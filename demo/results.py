"""Prints the results of a workspace from its artifacts, with the commit and the machine.

python demo/results.py WORKSPACE
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from cxrcore.reporting.console import print_summary
from data_contracts.associations import VERDICTS
from data_contracts.store import read_header, read_table
from data_contracts.summary import METRICS, MODELS


def main(workspace: Path) -> None:
    """The tables that `cxr aggregate` prints, and where they come from."""
    models, metrics, verdicts = (
        read_table(contract, contract.path(workspace)).frame
        for contract in (MODELS, METRICS, VERDICTS)
    )
    header = read_header(METRICS.path(workspace))
    print_summary(models, metrics, verdicts, str(header.config["reference"]))
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    trained = models.filter(control="none").group_by("task", "group").len()["len"].min()
    trainings = "one training" if trained == 1 else f"{trained} trainings"
    cores = len(os.sched_getaffinity(0))
    print(
        f"\ncommit {commit or 'unknown'}, {datetime.now(UTC):%Y-%m-%d}; {platform.machine()}, "
        f"{cores} cores, Python {platform.python_version()}; {trainings} of each network: other "
        "seeds and other processors give other networks"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
