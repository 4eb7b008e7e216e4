"""Reports without figures, which take more than half of the time of `aggregate`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from PIL import Image


def draw(_: object, folder: Path) -> dict[str, Path]:
    """In the place of `cxrcore.reporting.report.draw`: a dot for the flow of patients, no more."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("L", (1, 1)).save(folder / "flow.png")
    return {"flow": folder / "flow.png"}


def leave_out_figures() -> None:
    """Draw no figure in this process from now on."""
    report: Any = importlib.import_module("cxrcore.reporting.report")
    report.draw = draw
