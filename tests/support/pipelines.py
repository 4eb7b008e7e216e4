"""Settings of a tiny pipeline, and `cxr run` on them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from chain import CXR, environment

from jobs._cli import run

SOURCE = "{workspace}/synthetic/source"
SETTINGS: dict[str, Any] = {
    "tasks": ["mortality"],
    "cores": 2,
    "synthesize": {"subjects": 60, "size": 64},
    "extract": {"mimic-iv": f"{SOURCE}/mimic-iv", "mimic-cxr": f"{SOURCE}/mimic-cxr"},
    "preprocess": {"root": f"{SOURCE}/mimic-cxr", "size": 48},
    "train-task": {
        "architecture": "squeezenet1_1", "weights": "none", "output_stride": 16, "epochs": 1,
        "device": "cpu",
    },
    "explain": {"device": "cpu"},
    "aggregate": {"replicates": 100, "surrogates": 99, "permutations": 99},
}  # fmt: skip
JOBS = ["synthesize", "extract", "preprocess", "train-task", "explain", "aggregate"]
MODEL = Path("models/mortality/main")


def settings(folder: Path, **changes: Any) -> Path:
    """A file of settings; `changes` by section, joined with it."""
    content = dict(SETTINGS)
    for key, value in changes.items():
        name = key.replace("_", "-")
        content[name] = SETTINGS.get(name, {}) | value if isinstance(value, dict) else value
    path = folder / f"settings-{len(list(folder.iterdir()))}.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def words(file: Path, workspace: Path, *more: str) -> list[str]:
    return ["run", "--config", str(file), "--workspace", str(workspace), *more]


def call(
    file: Path, workspace: Path, *more: str, cxr: Path = CXR
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [cxr, *words(file, workspace, *more)], env=environment(workspace), text=True,
        capture_output=True, timeout=240, check=False,
    )  # fmt: skip


def planned(capfd: pytest.CaptureFixture[str], *arguments: str) -> dict[str, str]:
    """The table of a dry run: the reason by job."""
    assert run([*arguments, "--dry-run"]) == 0
    lines = capfd.readouterr().out.splitlines()[1:-1]
    cells = [[c.strip() for c in line.split("  ") if c.strip()] for line in lines]
    return {job: reason for job, _, reason in cells}
