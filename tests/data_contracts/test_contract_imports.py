"""Reading what the artifacts are costs nothing: no contract loads a heavy library."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import data_contracts

PUBLIC = [
    m.name for m in pkgutil.iter_modules(data_contracts.__path__) if not m.name.startswith("_")
]
HEAVY = {"polars", "h5py", "numpy", "numba", "torch", "pandas", "rich"}


@pytest.mark.parametrize("module", PUBLIC)
def test_a_fresh_process_loads_nothing_heavy(module: str) -> None:
    script = f"import sys, data_contracts.{module}; print(*sys.modules)"
    if module == "catalog":
        script = f"import data_contracts.catalog as c; c.contracts(); {script}"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    assert f"data_contracts.{module}" in loaded
    assert not HEAVY & set(loaded)
