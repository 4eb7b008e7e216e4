"""What can be done to runs: cancel them, start them again, take over their settings."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from data_contracts.errors import UsageError
from data_contracts.run import RunRecord
from jobs import _engines
from jobs._config import JobConfig
from jobs._engines._request import Options
from jobs._registry import Spec
from tui.shared.launchable import launchable, settings_of, without_defaults

_ENDED_BADLY = ("failed", "interrupted", "cancelled", "lost")
READ_ONLY = "read-only workspace: runs cannot be launched or cancelled"


def why_no_cancel(record: RunRecord, writable: bool) -> str:
    """Why the run cannot be cancelled; empty when it can."""
    if record.state not in _engines.UNFINISHED:
        return f"the run has ended: {record.state}"
    if not writable:
        return READ_ONLY
    if record.engine == "process" and record.host != socket.gethostname():
        return f"the run is on {record.host}: cancel it there"
    return ""


def why_no_retry(record: RunRecord, writable: bool) -> str:
    """Why the run cannot be started again; empty when it can."""
    if record.state not in _ENDED_BADLY:
        return f"the run is {record.state}: press e to launch a copy of it"
    if not writable:
        return READ_ONLY
    if reason := why_no_form(record):
        return reason
    if record.engine == "process" and record.host != socket.gethostname():
        return f"the run was on {record.host}: retry it there, or press e to launch a copy"
    return ""


def why_no_form(record: RunRecord) -> str:
    """Why the settings of the run cannot be taken over; empty when they can."""
    return "" if record.job in launchable() else f"unknown job {record.job}"


def launch_again(workspace: Path, record: RunRecord, *, one_at_a_time: bool = False) -> str:
    """Start the job of a run with the same settings as a process on this host; the new run's id.

    Raises `CxrError` when the settings are no longer valid or it cannot be started.
    """
    spec = launchable()[record.job]
    config = config_again(spec, settings_of(record), workspace)
    _require_file(config)
    options = Options(one_at_a_time=True) if one_at_a_time else Options()
    (run_id,) = _engines.submit(_engines.plan(spec, config, options))
    return run_id


def _require_file(config: JobConfig) -> None:
    """Raise `UsageError` where the file of a pipeline's settings is named from another folder."""
    file = getattr(config, "config", None)
    if file is not None and not file.is_file():
        raise UsageError(f"--config {file} is not here; press e and give its path")


def config_again(spec: Spec, settings: Mapping[str, Any], workspace: Path) -> JobConfig:
    """The config with those settings, of which only what is no default counts as given.

    A record holds every setting, given or not; what equals a default need not be given again.
    """
    try:
        return without_defaults(spec.config, {**settings, "workspace": workspace})
    except ValidationError as error:
        names = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors())
        raise UsageError(
            f"{spec.name} no longer accepts these settings ({names}); press e to edit them"
        ) from error
