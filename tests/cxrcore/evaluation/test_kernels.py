"""Loops over resamples, and that numba is loaded by the first of them only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from cxrcore.evaluation import kernels

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys, warnings; warnings.simplefilter("error")
import numpy as np
from cxrcore.evaluation import bootstrap, metrics
assert "numba" not in sys.modules
print(bootstrap.patient_weights(3, 2, 0, "test").sum())
"""


def test_a_fresh_process_loads_numba_at_its_first_kernel_and_keeps_it_where_told(
    tmp_path: Path,
) -> None:
    surroundings = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=surroundings, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("6\n", "")
    assert list(tmp_path.rglob("*.nbc"))


def test_draws_are_counted() -> None:
    out = np.full((2, 4), 9, dtype=np.uint8)
    kernels.count(np.array([[0, 0, 3, 1], [2, 2, 2, 2]], dtype=np.uint32), out)
    assert out.tolist() == [[2, 1, 0, 1], [0, 0, 4, 0]]
