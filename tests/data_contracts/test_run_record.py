"""The record that every run keeps of itself."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data_contracts import run as runs
from data_contracts.errors import ArtifactError, StorageError, UsageError


def record(run_id: str = "run-1", **facts: Any) -> runs.RunRecord:
    plain = runs.RunRecord(
        run_id=run_id, job="extract", config={"seed": 1, "root": "ü"}, state="running",
        started=runs.now(),
    )  # fmt: skip
    return replace(plain, **facts)


def dead_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        return process.pid


def test_a_record_comes_back(tmp_path: Path) -> None:
    kept = record(outputs=[{"contract": "cohort", "path": "x", "digest": "y"}], exit_code=0)
    runs.write_record(tmp_path, kept)
    assert runs.read_record(runs.run_folder(tmp_path, "run-1")) == kept
    runs.write_record(tmp_path, replace(kept, state="succeeded"))
    assert runs.read_record(tmp_path / "runs" / "run-1").state == "succeeded"
    assert [p.name for p in (tmp_path / "runs" / "run-1").iterdir()] == ["run.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", "{}", '{"run_id": "x"}', "\x00"])
def test_a_record_that_cannot_be_read(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"run\.json cannot be read"):
        runs.read_record(tmp_path)


def test_a_newer_record_is_read_for_what_is_known(tmp_path: Path) -> None:
    runs.write_record(tmp_path, record())
    path = tmp_path / "runs" / "run-1" / "run.json"
    path.write_text(path.read_text().replace('"job":', '"gpu": 3, "job":'))
    assert runs.read_record(path.parent).job == "extract"


@pytest.mark.parametrize(
    "run_id", ["", ".", "..", "../x", "a/b", "/abs", "-x", "a b", "a\n", "é", "x" * 101, "a\0"]
)
def test_a_run_id_that_could_leave_the_folder_is_refused(run_id: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="CXR_RUN_ID"):
        runs.run_folder(tmp_path, run_id)


def test_events_come_back_and_a_cut_off_line_is_passed_over(tmp_path: Path) -> None:
    assert list(runs.read_events(tmp_path)) == []
    runs.append_event(tmp_path, "state", state="running")
    runs.append_event(tmp_path, "metric", auroc=0.9)
    path = tmp_path / "events.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert [e["event"] for e in runs.read_events(tmp_path)] == ["state"]
    runs.append_event(tmp_path, "heartbeat")
    runs.append_event(tmp_path, "warning", text="x\ny")
    events = list(runs.read_events(tmp_path))
    assert [e["event"] for e in events] == ["state", "heartbeat", "warning"]
    assert events[-1]["text"] == "x\ny"
    assert path.read_bytes().startswith(whole[:-20]), "events are only ever added"


def test_events_with_garbage_are_read_for_the_rest(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(b"\xff\xfe\n[1]\n\n7\n")
    runs.append_event(tmp_path, "heartbeat")
    assert [e["event"] for e in runs.read_events(tmp_path)] == ["heartbeat"]


def test_events_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").mkdir()
    with pytest.raises(StorageError):
        runs.append_event(tmp_path, "heartbeat")


def test_the_present_state(tmp_path: Path) -> None:
    folder, pid = tmp_path, dead_pid()
    runs.append_event(folder, "heartbeat")
    old = (folder / "events.jsonl").stat().st_mtime - 2 * runs.LOST_AFTER_SECONDS

    def state(**facts: Any) -> str:
        return runs.with_present_state(folder, record(**facts)).state

    assert state() == "running"
    assert state(pid=pid) == "lost", "its process is gone from this machine"
    assert state(host="elsewhere", pid=pid) == "running", "its heart beats on another machine"
    assert state(state="succeeded", pid=pid) == "succeeded"
    for ahead, seen in ((60, "running"), (2 * runs.CLOCKS_DIFFER_SECONDS, "lost")):
        os.utime(folder / "events.jsonl", (old + ahead, old + ahead + 2 * runs.LOST_AFTER_SECONDS))
        assert state(host="elsewhere") == seen, f"its last heartbeat is {ahead} s ahead"
    os.utime(folder / "events.jsonl", (old, old))
    assert state() == "running", "silent, but its process is there"
    assert state(host="elsewhere") == "lost"
    (folder / "events.jsonl").unlink()
    assert state(host="elsewhere") == "lost"


def test_every_readable_run_oldest_first(tmp_path: Path) -> None:
    assert runs.read_runs(tmp_path) == []
    runs.write_record(tmp_path, record("b", started="2026-01-02"))
    runs.write_record(tmp_path, record("a", started="2026-01-03", pid=dead_pid()))
    runs.write_record(tmp_path, record("c", started="2026-01-01", state="failed"))
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "run.json").write_text("{")
    found = [(r.run_id, r.state) for r in runs.read_runs(tmp_path)]
    assert found == [("c", "failed"), ("b", "running"), ("a", "lost")]
