"""The notebook of the documentation runs on a finished workspace."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_every_cell_runs(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("notebook", ROOT / "demo" / "notebook.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("CXR_WORKSPACE", str(finished))
    done = module.executed(json.loads(module.NOTEBOOK.read_text(encoding="utf-8")))
    code = [cell for cell in done["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    printed = "".join(o["text"] for cell in code for o in cell["outputs"])
    assert "mortality   1.000" in printed
