"""The house's rules, checked in a fresh process and on the tree itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jobs._registry import find_jobs

ROOT = Path(__file__).parent.parent
ROOMS = ("data_contracts", "cxrcore", "jobs", "tui")
HEAVY = {
    "torch", "torchvision", "polars", "h5py", "sklearn", "matplotlib", "numba", "cv2", "pydicom",
}  # fmt: skip


def modules_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running `code`."""
    program = (
        f"import json, sys\n{code}\nprint(json.dumps(sorted(m.split('.')[0] for m in sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_listing_the_jobs_loads_nothing_heavy() -> None:
    loaded = modules_after("from jobs._cli import run\nassert run(['--help']) == 0")
    assert "jobs" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("job", sorted(find_jobs()))
def test_a_jobs_help_loads_nothing_heavy(job: str) -> None:
    loaded = modules_after(f"from jobs._cli import run\nassert run(['{job}', '--help']) == 0")
    assert not loaded & HEAVY


def test_contracts_load_nothing_of_the_house() -> None:
    loaded = modules_after("from data_contracts import catalog, store\ncatalog.contracts()")
    assert not loaded & {"cxrcore", "jobs", "tui", "torch"}


def test_the_dashboard_opens_without_what_only_its_readers_need() -> None:
    loaded = modules_after("import tui.app, tui.command")
    assert "tui" in loaded
    assert not loaded & (HEAVY | {"cxrcore", "numpy", "aiohttp"})


def test_rooms_hold_no_utils_and_no_long_files() -> None:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            assert path.stem not in {"utils", "helpers", "common", "misc"}, path
            lines = path.read_text(encoding="utf-8").count("\n")
            assert lines <= 250, f"{path.relative_to(ROOT)} has {lines} lines"


def test_nothing_is_pickled() -> None:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "import pickle" not in text, path
            assert "weights_only=False" not in text, path
            assert "allow_pickle=True" not in text, path
