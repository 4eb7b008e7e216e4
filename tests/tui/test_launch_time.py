"""How long a launch will take: from like runs alone, and nothing where there are none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from dashboards import write_run, write_workspace

from data_contracts.run import RunRecord, read_runs
from jobs._engines._request import Options
from jobs._execute import UP_TO_DATE
from jobs._pipeline.config import PipelineConfig
from jobs._registry import Spec, find_jobs
from tui.launch.launch_time import launch_time, usual_time
from tui.launch.request import LaunchRequest
from tui.shared.launchable import PIPELINE

TRAIN = find_jobs()["train-task"]


def settings(workspace: Path, **own: Any) -> dict[str, Any]:
    return TRAIN.config(**({"workspace": workspace, "task": "race"} | own)).settings()


def request(spec: Spec, *configs: Any, **options: Any) -> LaunchRequest:
    return LaunchRequest(spec, configs, Options(**options), {})


def test_runs_of_other_settings_are_no_basis(tmp_path: Path) -> None:
    done = settings(tmp_path, epochs=3, task="gender", name="seed1", seed=1)
    write_run(tmp_path, 1, config=json.loads(json.dumps(done)))
    records = read_runs(tmp_path)
    assert usual_time("train-task", settings(tmp_path, epochs=3), records) == 95
    assert usual_time("train-task", settings(tmp_path, epochs=4), records) is None
    assert usual_time("explain", settings(tmp_path, epochs=3), records) is None


@pytest.mark.parametrize("facts", [{"state": "failed"}, {"message": UP_TO_DATE}])
def test_runs_that_did_no_work_are_no_basis(tmp_path: Path, facts: Mapping[str, Any]) -> None:
    write_run(tmp_path, 1, config=settings(tmp_path), **facts)
    assert usual_time("train-task", settings(tmp_path), read_runs(tmp_path)) is None


def test_several_runs_one_at_a_time_take_their_sum(tmp_path: Path) -> None:
    write_run(tmp_path, 1, config=settings(tmp_path))
    records = read_runs(tmp_path)
    several = [settings(tmp_path, task=task) for task in ("race", "gender")]
    own: dict[str, Any] = {"task": "race"}
    configs = [TRAIN.config(**own)] * 2
    queue = request(TRAIN, *configs, one_at_a_time=True)
    assert launch_time(queue, several, records) == "about 3:10, one at a time"
    at_once = launch_time(request(TRAIN, *configs), several, records)
    assert at_once == "1:35 each before, one at a time 3:10"
    assert launch_time(request(TRAIN, *configs[:1]), several[:1], records) == "took 1:35 before"
    unknown = settings(tmp_path, epochs=99)
    assert launch_time(queue, [several[0], unknown], records) == ""


def test_a_pipeline_is_shared_out_as_those_before(tmp_path: Path) -> None:
    write_workspace(tmp_path, ("gender",))
    config = PipelineConfig(workspace=tmp_path, tasks="gender")
    asked = request(PIPELINE, config)
    jobs = "3 jobs, less what is up to date"
    assert launch_time(asked, [], []) == jobs
    records = [record(tmp_path, "run", "p", config.settings())]
    for i, job in enumerate(("train-task", "explain", "aggregate")):
        values = {"task": "gender", "name": "main", "seed": 0}
        spec = find_jobs()[job]
        own = {n: v for n, v in values.items() if n in spec.config.model_fields}
        made = spec.config(workspace=tmp_path, **own)
        records.append(record(tmp_path, job, f"p-000{i}-{job}", made.settings()))
    # 3 jobs of 95 s within the 95 s of a pipeline: three at once.
    assert launch_time(asked, [], records) == "3 jobs, at most about 1:35"
    assert launch_time(asked, [], records[:-1]) == jobs


def record(workspace: Path, job: str, run_id: str, config: dict[str, Any]) -> RunRecord:
    return RunRecord(
        run_id, job, config, "succeeded", "2026-11-23T12:00:00+00:00", "2026-11-23T12:01:35+00:00"
    )
