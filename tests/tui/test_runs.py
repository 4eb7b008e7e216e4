"""The texts of a run and what can be done to it, without a screen."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dashboards import NOW

from data_contracts.errors import UsageError
from data_contracts.run import RunRecord, append_event, moment, read_new_events
from jobs._engines._request import given
from jobs._registry import find_jobs
from jobs._runs import row
from tui.jobs import actions
from tui.jobs.event_series import EventSeries
from tui.jobs.host_use import CpuTimes, Use, cpu_times, gpu_uses, memory_use, read_use
from tui.jobs.run_info import info_text
from tui.jobs.sparkline import sparkline
from tui.shared.launchable import settings_of
from tui.shared.run_texts import age_text, duration_text, progress_text, state_text, what_of
from tui.workspace.progress import progress_of
from tui.workspace.records import duration_of
from tui.workspace.snapshot import Progress

HERE = socket.gethostname()


def record(**facts: Any) -> RunRecord:
    plain = {"run_id": "r", "job": "train-task", "config": {}, "state": "failed",
             "started": NOW.isoformat(), "host": HERE}  # fmt: skip
    return RunRecord(**{**plain, **facts})


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"state": "running"}, ""),
        ({"state": "submitted"}, ""),
        ({"state": "succeeded"}, "has ended: succeeded"),
        ({"state": "running", "host": "node7"}, "on node7: cancel it there"),
        ({"state": "running", "host": "node7", "engine": "slurm"}, ""),
    ],
)
def test_what_can_be_cancelled(facts: dict[str, Any], reason: str) -> None:
    assert reason in actions.why_no_cancel(record(**facts), writable=True)
    assert bool(reason) == bool(actions.why_no_cancel(record(**facts), writable=True))
    if not reason:
        assert "read-only" in actions.why_no_cancel(record(**facts), writable=False)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, ""),
        ({"state": "lost"}, ""),
        ({"state": "interrupted"}, ""),
        ({"state": "cancelled"}, ""),
        ({"state": "running"}, "is running"),
        ({"state": "succeeded"}, "is succeeded"),
        ({"host": "node7"}, "was on node7"),
        ({"host": "node7", "engine": "slurm"}, ""),
        ({"job": "run"}, ""),
        ({"job": "bake"}, "unknown job bake"),
    ],
)
def test_what_can_be_started_again(facts: dict[str, Any], reason: str) -> None:
    found = actions.why_no_retry(record(**facts), writable=True)
    assert reason in found
    assert bool(found) == bool(reason)
    if not reason:
        assert "read-only" in actions.why_no_retry(record(**facts), writable=False)


def test_a_retry_gives_only_what_is_no_default(tmp_path: Path) -> None:
    spec = find_jobs()["train-task"]
    own: dict[str, Any] = {"task": "gender", "epochs": 3}
    first = spec.config(**own, workspace=tmp_path / "elsewhere")
    again = actions.config_again(
        spec, settings_of(record(config=first.settings())), tmp_path
    )  # fmt: skip
    assert given(again) == own
    assert again.settings() == first.settings() | {"workspace": str(tmp_path)}


@pytest.mark.parametrize("job", find_jobs())
def test_every_jobs_settings_can_be_taken_over(job: str, tmp_path: Path) -> None:
    spec = find_jobs()[job]
    needed = {"task": "gender", "raw": tmp_path, "root": tmp_path, "images": tmp_path}
    own = {n: needed[n] for n, f in spec.config.model_fields.items() if f.is_required()}
    first = spec.config(**own, workspace=tmp_path)
    again = actions.config_again(spec, settings_of(record(config=first.settings())), tmp_path)
    assert again == first
    assert set(given(again)) <= set(own)


def test_settings_of_another_version_are_refused(tmp_path: Path) -> None:
    spec = find_jobs()["train-task"]
    with pytest.raises(UsageError, match=r"no longer accepts these settings \(depth\)"):
        actions.config_again(spec, {"task": "gender", "depth": 3}, tmp_path)


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({"task": "gender", "name": "main"}, "gender/main"),
        ({"shard": "2/16"}, "2/16"),
        ({"task": "gender", "shard": "2/16"}, "gender 2/16"),
        ({"shard": "1/1"}, ""),
        ({"tasks": "a,b"}, "a,b"),
        ({"task": "\x1b[2J"}, ""),
        (["no", "mapping"], ""),
    ],
)
def test_what_a_run_is_about(config: Any, what: str) -> None:
    assert what_of(record(config=config)) == what


def test_times_of_a_run() -> None:
    later = NOW + timedelta(seconds=3723)
    assert duration_text(duration_of(record(state="running"), later)) == "1:02:03"
    ended = record(ended=(NOW + timedelta(seconds=42)).isoformat())
    assert duration_text(duration_of(ended, later)) == "0:42"
    assert duration_text(duration_of(record(state="lost"), later)) == ""
    assert duration_text(50 * 3600.0) == "2d 02h"
    assert [age_text(NOW, NOW + timedelta(minutes=m)) for m in (0, 59, 60, 1440)] == [
        "now", "59 min", "1 h", "1 d",
    ]  # fmt: skip
    assert moment("yesterday") is None
    assert moment("2026-11-23T12:00:00") == datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_progress_says_what_fits() -> None:
    progress = Progress("train", 62, 100, "batches", 2.0)
    assert progress_text(progress, 11) == "█████░░░ 62 %"
    assert progress_text(progress, 13) == "█░ 62 % 0:19"
    assert progress_text(progress, 14) == "██░░ 62 % 0:19"
    assert progress_text(progress, 18) == "█████░░░ 62 % 0:19"
    assert progress_text(progress, 60) == "█████░░░ 62 %  0:19 left  2.0 batches/s"
    assert progress_text(Progress("x", 0, 0, "images"), 60) == "░░░░░░░░  0 %"
    assert progress_text(Progress("x", 9, 5, "images"), 60) == "████████ 100 %"


def step(done: int, seconds: float, what: str = "explain", unit: str = "images") -> dict[str, Any]:
    time = NOW + timedelta(seconds=seconds)
    return {"time": time.isoformat(), "event": "progress", "what": what, "done": done,
            "total": 100, "unit": unit}  # fmt: skip


def test_the_rate_is_that_of_the_present_work() -> None:
    events = [step(5, 0, "train"), step(10, 10), {"event": "heartbeat"}, step(30, 20)]
    assert progress_of(events) == Progress("explain", 30, 100, "images", 2.0)
    assert progress_of(events[:2]) == Progress("explain", 10, 100, "images", None)
    assert progress_of([]) is None
    assert progress_of([{"event": "progress", "what": "x"}]) is None


def metric(epoch: int, **values: Any) -> dict[str, Any]:
    return {"time": NOW.isoformat(), "event": "metric", "epoch": epoch, **values}


def test_the_story_of_a_training() -> None:
    events: list[Mapping[str, Any]] = [
        {"time": NOW.isoformat(), "event": "state", "state": "running"},
        step(0, 60, unit="batches"), step(4, 62, unit="batches"),
        metric(1, train_loss=0.5, val_loss=0.6, val_auroc=0.7),
        {"event": "metric", "epoch": "two"}, {"event": "progress"}, {},
    ]  # fmt: skip
    series = (
        EventSeries().extended(events, 10).extended([metric(2, train_loss=0.4, val_loss=None)], 20)
    )
    assert series.offset == 20
    assert series.metric("train_loss") == ([1.0, 2.0], [0.5, 0.4])
    assert series.metric("val_auroc") == ([1.0], [0.7])
    minutes, rates = series.speeds(batch_size=32)
    assert rates == [64.0]
    assert minutes == [pytest.approx(62 / 60)]
    assert series.unit == "images"


def test_a_long_story_is_thinned_and_keeps_its_end() -> None:
    series = EventSeries().extended([step(i, float(i)) for i in range(10_000)], 1)
    assert len(series.points) <= 2000
    assert series.points[-1].done == 9999
    minutes, rates = series.speeds(1)
    assert len(minutes) <= 101
    assert set(rates) == {1.0}


def test_speeds_do_not_reach_from_one_work_into_the_next() -> None:
    series = EventSeries().extended(
        [step(0, 0), step(10, 1), step(0, 50, "b"), step(5, 51, "b")], 1
    )
    assert series.speeds(1)[1] == [10.0, 5.0]


def test_events_are_read_on_from_the_last_whole_line(tmp_path: Path) -> None:
    assert read_new_events(tmp_path) == ([], 0)
    append_event(tmp_path, "heartbeat")
    events, offset = read_new_events(tmp_path)
    assert [e["event"] for e in events] == ["heartbeat"]
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"event": "prog')
    assert read_new_events(tmp_path, offset) == ([], offset)
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('ress"}\n{broken\n[1]\n')
    events, end = read_new_events(tmp_path, offset)
    assert events == [{"event": "progress"}]
    assert end == (tmp_path / "events.jsonl").stat().st_size


def test_facts_of_a_record_that_means_harm() -> None:
    harm = record(
        config={"task": "[b]x[/b]\x1b[2J"}, inputs="none", outputs=[7, {"path": "p"}],
        message="[@click=app.quit]x[/]", state="melted", started="never",
    )  # fmt: skip
    text = info_text(harm).plain
    assert "[b]x[/b]" in text
    assert "[@click=app.quit]x[/]" in text
    assert "\x1b" not in text
    assert state_text("melted") == "melted"


def test_how_busy_a_host_is() -> None:
    assert list(gpu_uses("93, 12390, 81559\n")) == [Use("GPU", 0.93, "12.1 of 79.6 GiB")]
    assert list(gpu_uses("90, 1024, 2048\n10, 0, 2048\n")) == [Use("2 GPUs", 0.5, "1.0 of 4.0 GiB")]
    assert list(gpu_uses("[N/A], [N/A], 5\n")) == []
    assert cpu_times("cpu  10 0 5 80 5 0 0 0 0 0\ncpu0 1") == CpuTimes(85, 100)
    memory = "MemTotal:       8388608 kB\nMemFree: 1 kB\nMemAvailable:    2097152 kB\n"
    assert memory_use(memory) == Use("memory", 0.75, "of 8 GiB")


def test_processors_are_as_busy_as_since_the_last_look(tmp_path: Path) -> None:
    times, uses = read_use(tmp_path, CpuTimes())
    assert {use.name for use in uses} >= {"memory", "disk"}
    assert "CPU" not in {use.name for use in uses}
    idle = CpuTimes(times.idle - 100, times.total - 100)
    _, again = read_use(tmp_path, idle)
    assert 0 <= next(use.share for use in again if use.name == "CPU") < 0.9


def test_bars_stand_between_limits() -> None:
    assert sparkline([0.2, 0.4], 8) == "▁█"
    assert sparkline([0.0, 0.5, 1.0], 8, (0, 1)) == "▁▅█"
    assert sparkline([0.3] * 9, 8) == "▄" * 8


def test_a_clock_that_went_back_is_no_negative_time() -> None:
    earlier = NOW - timedelta(days=5)
    assert age_text(NOW, earlier) == "now"
    for facts in ({"state": "running"}, {"ended": earlier.isoformat()}):
        assert duration_text(duration_of(record(**facts), earlier)) == ""
    assert row(record(ended=earlier.isoformat()))[5] == ""
    assert row(record(started="2999-01-01", state="running"))[4:6] == ("2999-01-01 00:00:00", "")
    assert row(record(started="never", state="running"))[4:6] == ("", "")


def test_a_story_goes_on_where_its_clock_went_back() -> None:
    back = -5 * 86_400
    events = [step(0, 0), step(10, 10), step(20, back), step(30, back + 10), step(40, back + 20)]
    series = EventSeries().extended(events[:3], 1).extended(events[3:], 2)
    assert [point.seconds for point in series.points] == [0, 10, 10, 20, 30]
    assert series.speeds(1)[1] == [1.0, 2.0, 1.0]
    assert progress_of(events[:3]) == Progress("explain", 20, 100, "images", None)
