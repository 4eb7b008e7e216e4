"""How long what is to be launched will take, from runs with the same settings in the workspace."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from data_contracts.run import RunRecord
from jobs._pipeline.config import PipelineConfig
from jobs._pipeline.plan import steps_of
from jobs._pipeline.settings import read_settings
from tui import clock
from tui.launch.request import LaunchRequest
from tui.shared.launchable import chooses_engine
from tui.shared.run_texts import duration_text
from tui.workspace.records import config_of, duration_of, usual_seconds

#: Settings that do not change how long a run takes.
_ALIKE = ("task", "name", "seed", "workspace", "force", "debug")


def launch_time(
    request: LaunchRequest, settings: Sequence[Mapping[str, Any]], records: Sequence[RunRecord]
) -> str:
    """The times as a text; empty where a run has no like among `records`.

    `settings` of each run of the request. Raises `CxrError` for a pipeline that would not start.
    """
    if chooses_engine(request.spec):
        return "; ".join(_pipeline_time(config, records) for config in request.configs)
    times = [usual_time(request.spec.name, own, records) for own in settings]
    known = [seconds for seconds in times if seconds is not None]
    if not known or len(known) < len(times):
        return ""
    longest = duration_text(max(known))
    if len(known) == 1:
        return f"took {longest} before"
    total = duration_text(sum(known))
    if request.options.one_at_a_time:
        return f"about {total}, one at a time"
    return f"{longest} each before, one at a time {total}"


def usual_time(job: str, settings: Mapping[str, Any], records: Sequence[RunRecord]) -> float | None:
    """The usual time of the runs of a job that differ in nothing that changes it; None: none."""
    alike = _alike(settings)
    return usual_seconds(r for r in records if r.job == job and _alike(config_of(r)) == alike)


def _pipeline_time(config: Any, records: Sequence[RunRecord]) -> str:
    """How many jobs, and how long together, shared out as in the pipelines before."""
    assert isinstance(config, PipelineConfig)
    steps = steps_of(*read_settings(config))
    jobs = f"{len(steps)} jobs, less what is up to date"
    times = [usual_time(s.spec.name, s.config.settings(), records) for s in steps]
    known = [seconds for seconds in times if seconds is not None]
    at_once = _at_once(records)
    if at_once is None or len(known) < len(times):
        return jobs
    return f"{len(steps)} jobs, at most about {duration_text(sum(known) / at_once)}"


def _at_once(records: Sequence[RunRecord]) -> float | None:
    """How many jobs of a pipeline were at work at once, the median of those that succeeded."""
    found = []
    for pipeline in (r for r in records if (r.job, r.state) == ("run", "succeeded")):
        own = [r for r in records if r.run_id.startswith(f"{pipeline.run_id}-")]
        spent = sum(duration_of(r, clock.now()) or 0.0 for r in own)
        if own and (wall := duration_of(pipeline, clock.now())):
            found.append(spent / wall)
    return median(found) if found else None


def _alike(settings: Mapping[str, Any]) -> Any:
    """Settings as a record holds them, without those that do not matter."""
    return json.loads(json.dumps({k: v for k, v in settings.items() if k not in _ALIKE}))
