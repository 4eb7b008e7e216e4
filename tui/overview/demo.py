"""Starts the demo on synthetic patients, which continues after the dashboard has closed."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from jobs import _engines
from jobs._engines._request import Options
from jobs._pipeline.config import PipelineConfig
from tui.shared.launchable import PIPELINE

SETTINGS = Path(str(files("tui.overview") / "demo.yaml"))


def start_demo(workspace: Path) -> str:
    """Run the whole pipeline in a process of its own; returns the run's id.

    Its output lies beside the run's record. Raises `CxrError` when it cannot be started. The run
    itself discovers, and records, that another pipeline is running here.
    """
    config = PipelineConfig(config=SETTINGS, workspace=workspace)
    (run_id,) = _engines.submit(_engines.plan(PIPELINE, config, Options()))
    return run_id
