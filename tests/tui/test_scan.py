"""What the dashboard makes of a workspace: states of artifacts, runs, and what it reads anew."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dashboards import TASKS, write_example, write_run, write_workspace

from data_contracts import run as runs
from data_contracts.cohort import COHORT
from data_contracts.model import MODEL
from data_contracts.predictions import FEATURES, PREDICTIONS
from data_contracts.run import RunRecord
from data_contracts.store import Provenance
from jobs import _engines
from jobs._registry import find_jobs
from tui.workspace.next_step import next_step
from tui.workspace.scan import Scanner
from tui.workspace.snapshot import Snapshot


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scan") / "workspace"
    write_workspace(folder)
    return folder


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "workspace"))


def states(snapshot: Snapshot) -> dict[str, str]:
    return {place: artifact.state for place, artifact in snapshot.artifacts.items()}


def test_everything_is_current_after_a_finished_analysis(workspace: Path) -> None:
    snapshot = Scanner(workspace).scan()
    assert set(states(snapshot).values()) == {"current"}
    assert len(snapshot.of("predictions")) == len(TASKS)
    assert snapshot.of("predictions", task="race")[0].keys == {"task": "race", "name": "main"}


def test_a_changed_input_makes_stale_all_that_was_made_from_it(workspace: Path) -> None:
    path = COHORT.path(workspace)
    other = Provenance("extract", {"seed": 1}, created="2026-11-23T11:30:00+00:00")
    attributes = dict(COHORT.example_attributes) | {"split_seed": 1}
    from data_contracts.store import read_table, write_table

    write_table(COHORT, path, read_table(COHORT, path).frame, other, attributes)
    snapshot = Scanner(workspace).scan()
    assert snapshot.artifacts["cohort/cohort.parquet"].state == "current"
    assert snapshot.of("images")[0].reason == "cohort/cohort.parquet has changed"
    # Not made from the cohort itself, but from what is stale.
    assert snapshot.of("attributions", task="gender")[0].state == "stale"
    assert snapshot.of("metrics")[0].state == "stale"


def test_a_missing_input_makes_stale(workspace: Path) -> None:
    MODEL.path(workspace, task="gender", name="main").unlink()
    snapshot = Scanner(workspace).scan()
    (attributions,) = snapshot.of("attributions", task="gender")
    assert (attributions.state, attributions.reason) == (
        "stale", "models/gender/main/model.h5 is missing",
    )  # fmt: skip
    assert snapshot.of("attributions", task="race")[0].state == "current"


@pytest.mark.parametrize("contract", [PREDICTIONS, FEATURES], ids=lambda c: c.kind)
def test_a_damaged_artifact_is_shown_as_damaged(workspace: Path, contract: Any) -> None:
    path = contract.path(workspace, task="gender", name="main")
    path.write_bytes(path.read_bytes()[:-40])
    (artifact,) = Scanner(workspace).scan().of(contract.name, task="gender")
    assert artifact.state == "damaged"
    assert "gender" in artifact.reason
    assert artifact.header is None


def test_an_artifact_of_another_contract_is_damaged(workspace: Path) -> None:
    shutil.copy(COHORT.path(workspace), PREDICTIONS.path(workspace, task="race", name="main"))
    (artifact,) = Scanner(workspace).scan().of("predictions", task="race")
    assert artifact.state == "damaged"


def test_what_a_running_job_writes_is_being_written(workspace: Path) -> None:
    config = {"task": "race", "name": "main", "workspace": str(workspace)}
    events = [{"event": "progress", "what": "train race", "done": 3, "total": 8, "unit": "batches"}]
    run_id = write_run(
        workspace, 1, state="running", config=config, events=events, host=os.uname().nodename,
        pid=os.getpid(),
    )  # fmt: skip
    snapshot = Scanner(workspace).scan()
    (model,) = snapshot.of("model", task="race")
    assert (model.state, model.reason) == ("writing", f"by run {run_id}")
    assert snapshot.of("model", task="gender")[0].state == "current"
    assert (snapshot.progress[run_id].done, snapshot.progress[run_id].total) == (3, 8)


def test_a_run_whose_process_is_gone_is_lost(workspace: Path) -> None:
    run_id = write_run(workspace, 1, state="running", host=os.uname().nodename, pid=2**22 + 1)
    snapshot = Scanner(workspace).scan()
    assert snapshot.runs[0].run_id == run_id
    assert snapshot.runs[0].state == "lost"
    assert not snapshot.writing


def test_nothing_new_gives_the_same_snapshot(workspace: Path) -> None:
    scanner = Scanner(workspace)
    first = scanner.scan()
    assert scanner.scan() is first
    write_run(workspace, 2)
    second = scanner.scan()
    assert second.number == first.number + 1
    assert [r.state for r in second.runs] == ["succeeded"]


def test_runs_come_newest_first_and_broken_records_are_told(workspace: Path) -> None:
    old, new = write_run(workspace, 50), write_run(workspace, 5)
    (workspace / "runs" / "broken").mkdir()
    (workspace / "runs" / "broken" / "run.json").write_text("{")
    snapshot = Scanner(workspace).scan()
    assert [r.run_id for r in snapshot.runs] == [new, old]
    assert any("broken/run.json cannot be read" in fault for fault in snapshot.faults)


def test_what_cannot_be_read_is_told_and_not_passed_over(workspace: Path) -> None:
    path = MODEL.path(workspace, task="gender", name="main")
    path.unlink()
    path.mkdir()
    shutil.rmtree(workspace / "summary")
    (workspace / "summary").write_text("no folder")
    snapshot = Scanner(workspace).scan()
    model = snapshot.artifacts["models/gender/main/model.h5"]
    assert model.state == "damaged"
    faults = "\n".join(snapshot.faults)
    assert model.reason in faults
    assert "summary cannot be read (not a directory)" in faults


def test_what_reading_has_refuted_is_damaged_until_the_file_changes(workspace: Path) -> None:
    scanner = Scanner(workspace)
    place = "models/gender/main/model.h5"
    scanner.mark_damaged(scanner.scan().artifacts[place], "its digest differs")
    snapshot = scanner.scan()
    assert snapshot.artifacts[place].state == "damaged"
    assert snapshot.faults == ("its digest differs",)
    assert snapshot.of("attributions", task="gender")[0].reason == f"{place} is damaged"
    os.utime(workspace / place)
    assert scanner.scan().artifacts[place].state == "current"


def test_a_scan_touches_no_file_twice_and_opens_only_what_is_new(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        write_run(workspace, number)
    scanner = Scanner(workspace)
    scanner.scan()
    opened: Counter[str] = Counter()

    def counting(path: Path) -> Any:
        opened[str(path)] += 1
        return read(path)

    def counting_stat(path: Any, *more: Any, **facts: Any) -> os.stat_result:
        opened.update([str(path)] * str(path).endswith("run.json"))
        return stat(path, *more, **facts)

    from data_contracts import store

    read, stat = store.read_header, os.stat
    monkeypatch.setattr(store, "read_header", counting)
    monkeypatch.setattr("os.stat", counting_stat)
    scanner.scan()
    assert not opened, "runs that have ended and artifacts that are known are not read again"
    write_example(
        MODEL, workspace, {"task": "race", "name": "seed1"}, Provenance("train-task", {"seed": 1})
    )
    scanner.scan()
    assert set(opened.values()) == {1}


def test_the_engines_answer_stands_until_the_record_changes(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = write_run(workspace, 1, state="submitted", engine="slurm", engine_id="7")
    asked: list[int] = []

    def present(_: Path, records: list[RunRecord]) -> list[RunRecord]:
        asked.append(len(records))
        return [replace(r, state="lost") for r in records]

    monkeypatch.setattr(_engines, "present", present)
    scanner = Scanner(workspace)
    assert [scanner.scan().runs[0].state for _ in range(3)] == ["lost"] * 3
    assert asked == [1], "the engine is not asked at every scan"
    record = runs.read_record(runs.run_folder(workspace, run_id))
    runs.write_record(workspace, replace(record, state="succeeded", ended=runs.now()))
    assert scanner.scan().runs[0].state == "succeeded"


def test_an_engine_that_does_not_answer_is_told(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from data_contracts.errors import Unreachable

    def present(*_: object) -> list[RunRecord]:
        raise Unreachable("Slurm does not answer")

    write_run(workspace, 1, state="submitted", engine="slurm", engine_id="7")
    monkeypatch.setattr(_engines, "present", present)
    snapshot = Scanner(workspace).scan()
    assert snapshot.silent == "run states may be out of date: Slurm does not answer"
    assert snapshot.runs[0].state == "submitted"


@pytest.mark.parametrize("break_it", [lambda w: w.mkdir(), lambda _: None], ids=["empty", "none"])
def test_an_empty_or_missing_workspace_is_empty(
    tmp_path: Path, break_it: Callable[[Path], object]
) -> None:
    workspace = tmp_path / "new"
    break_it(workspace)
    snapshot = Scanner(workspace).scan()
    assert snapshot.is_empty
    assert snapshot.writable


def test_a_workspace_that_cannot_be_written_says_so(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    assert not Scanner(workspace).scan().writable


def test_a_store_that_a_notebook_has_open_is_not_called_damaged(workspace: Path) -> None:
    (store,) = workspace.glob("images/*.h5")
    code = f"import h5py; f = h5py.File({str(store)!r}, 'r+'); print(1, flush=True); input()"
    scanner, place = Scanner(workspace), store.relative_to(workspace).as_posix()
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as notebook:
        assert notebook.stdout
        notebook.stdout.readline()
        snapshot = scanner.scan()
        artifact = snapshot.artifacts[place]
        assert artifact.state == "unreadable"
        assert "is in use by another program" in artifact.reason
        assert artifact.reason in snapshot.faults
        assert scanner.scan() is snapshot
        # What was made from it may well be current.
        assert {s for p, s in states(snapshot).items() if p != place} == {"current"}
        notebook.communicate(b"\n")
    assert scanner.scan().artifacts[place].state == "current"


def test_a_workspace_of_an_older_version_is_seen_whole(tmp_path: Path) -> None:
    old = Path(__file__).parent.parent / "data" / "workspace-0.2"
    workspace = Path(shutil.copytree(old, tmp_path / "workspace"))
    snapshot = Scanner(workspace).scan()
    assert [(a.place, a.keys, a.state) for a in snapshot.of("attributions", task="mortality")] == [
        (
            "models/mortality/main/attributions.h5",
            {"task": "mortality", "name": "main", "method": "gradcam", "split": "test"},
            "current",
        )
    ]
    (metrics,) = snapshot.of("metrics")
    assert (metrics.state, metrics.reason) == ("stale", "version 1.0, not 2.1")
    step = next_step(snapshot, find_jobs(), ())
    assert step is not None
    assert step.job == "aggregate"
