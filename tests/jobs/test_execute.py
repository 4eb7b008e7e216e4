"""What surrounds every job: up-to-date check, lock, signals, record, exit codes."""

from __future__ import annotations

import errno
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from data_contracts.cohort import COHORT
from data_contracts.cohort_description import COHORT_FLOW
from data_contracts.errors import SourceError
from data_contracts.run import read_events, read_record, read_runs
from data_contracts.store import Provenance, read_header, write_table
from jobs._cli import run

TEST_JOBS = Path(__file__).parents[1] / "support" / "fake_jobs"
PACKAGE = "fake_jobs"


@pytest.fixture(autouse=True)
def no_leftovers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(TEST_JOBS.parent))
    yield
    for name in [n for n in sys.modules if n.split(".")[0] == PACKAGE]:
        del sys.modules[name]


def call(workspace: Path, *words: str) -> int:
    """Run the test job `steps` in this process."""
    return run(["steps", "--workspace", str(workspace), *words], importlib.import_module(PACKAGE))


def start(workspace: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """Run the test job `steps` in a process of its own."""
    code = (
        f"import sys, {PACKAGE}; from jobs._cli import run; sys.exit(run(sys.argv[1:], {PACKAGE}))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, "steps", "--workspace", str(workspace), *words],
        cwd=TEST_JOBS.parent, text=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
        env=os.environ | environment,
    )  # fmt: skip


def wait_for_progress(workspace: Path) -> None:
    """Wait until a running job has told of its first step."""
    for _ in range(600):
        for folder in (workspace / "runs").glob("*"):
            if any(e["event"] == "progress" for e in read_events(folder)):
                return
        time.sleep(0.05)
    raise AssertionError("the job never started")


def flow_digest(workspace: Path) -> str:
    return read_header(COHORT_FLOW.path(workspace)).digest


def test_the_second_run_does_nothing(
    tiny_workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call(tiny_workspace) == 0
    written = COHORT_FLOW.path(tiny_workspace).stat().st_mtime_ns
    assert call(tiny_workspace, "--workers", "7") == 0
    assert "up to date" in capfd.readouterr().err
    assert COHORT_FLOW.path(tiny_workspace).stat().st_mtime_ns == written
    assert [r.message for r in read_runs(tiny_workspace)][1].startswith("up to date")


def test_force_another_config_and_another_input_do_it_again(tiny_workspace: Path) -> None:
    path = COHORT_FLOW.path(tiny_workspace)
    assert call(tiny_workspace) == 0
    times = [path.stat().st_mtime_ns]
    assert call(tiny_workspace, "--force") == 0
    times.append(path.stat().st_mtime_ns)
    assert call(tiny_workspace, "--steps", "3") == 0
    times.append(path.stat().st_mtime_ns)
    cohort = pl.read_parquet(COHORT.path(tiny_workspace)).head(50)
    attributes = dict(COHORT.example_attributes)
    write_table(COHORT, COHORT.path(tiny_workspace), cohort, Provenance("extract", {}), attributes)
    assert call(tiny_workspace, "--steps", "3") == 0
    times.append(path.stat().st_mtime_ns)
    assert len(set(times)) == 4


def test_a_missing_file_for_people_is_made_again(tiny_workspace: Path) -> None:
    assert call(tiny_workspace) == 0
    (tiny_workspace / "steps.txt").unlink()
    assert call(tiny_workspace) == 0
    assert (tiny_workspace / "steps.txt").exists()


def test_the_record_tells_the_whole_story(
    tiny_workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXR_RUN_ID", "my-run")
    assert call(tiny_workspace, "--workers", "2") == 0
    folder = tiny_workspace / "runs" / "my-run"
    record = read_record(folder)
    assert (record.state, record.exit_code, record.job) == ("succeeded", 0, "steps")
    assert record.config["workers"] == 2
    assert [i["path"] for i in record.inputs] == ["cohort/cohort.parquet"]
    assert [o["digest"] for o in record.outputs] == [flow_digest(tiny_workspace)]
    events = list(read_events(folder))
    assert [e["state"] for e in events if e["event"] == "state"] == ["running", "succeeded"]
    last = [e for e in events if e["event"] == "progress"][-1]
    assert (last["done"], last["total"], last["unit"]) == (5, 5, "steps")
    assert "step" in (folder / "log.txt").read_text()


def test_the_record_names_the_engine_that_a_pipeline_tells_its_jobs_of(
    tiny_workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXR_ENGINE", "slurm 8_2")
    assert call(tiny_workspace) == 0
    assert [(r.engine, r.engine_id) for r in read_runs(tiny_workspace)] == [("slurm", "8_2")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_in_75_and_the_same_command_goes_on(
    tiny_workspace: Path, number: signal.Signals
) -> None:
    slow = ["--steps", "200", "--pause", "0.05"]
    process = start(tiny_workspace, *slow)
    wait_for_progress(tiny_workspace)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 75
    assert said.strip().splitlines()[-1] == (
        "cxr steps: interrupted; run the same command to resume"
    )
    assert [r.state for r in read_runs(tiny_workspace)] == ["interrupted"]
    assert not COHORT_FLOW.path(tiny_workspace).exists()
    assert call(tiny_workspace, "--steps", "200") == 0


def test_a_killed_job_is_lost_and_leaves_nothing_half_written(tiny_workspace: Path) -> None:
    process = start(tiny_workspace, "--steps", "200", "--pause", "0.05")
    wait_for_progress(tiny_workspace)
    process.kill()
    process.communicate(timeout=60)
    assert [r.state for r in read_runs(tiny_workspace)] == ["lost"]
    assert not list(tiny_workspace.glob("cohort/*flow*"))
    assert call(tiny_workspace) == 0


def test_a_second_writer_stops_at_once_and_names_the_first(
    tiny_workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    process = start(tiny_workspace, "--steps", "200", "--pause", "0.05", CXR_RUN_ID="the-first")
    wait_for_progress(tiny_workspace)
    assert call(tiny_workspace) == 75
    said = capfd.readouterr().err.strip()
    assert "cohort/flow.parquet is being written by run the-first" in said
    assert said.count("\n") == 0
    process.terminate()
    process.communicate(timeout=60)
    assert call(tiny_workspace) == 0


def test_inputs_that_do_not_belong_together_are_refused(
    tiny_workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cohort = pl.read_parquet(COHORT.path(tiny_workspace)).head(50)
    attributes = dict(COHORT.example_attributes)
    write_table(COHORT, COHORT.path(tiny_workspace), cohort, Provenance("extract", {}), attributes)
    words = ["--workspace", str(tiny_workspace), "--task", "gender", "--weights", "none"]
    assert run(["train-task", *words]) == 3
    said = capfd.readouterr().err
    assert "was made from another cohort/cohort.parquet; run `cxr preprocess` again" in said
    assert said.strip().count("\n") == 0


def test_an_unforeseen_error_hides_its_text_and_shows_it_with_debug(
    tiny_workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call(tiny_workspace, "--fail-with", "patient 123") == 1
    said = capfd.readouterr().err
    assert "internal error: ValueError at steps.py" in said
    assert "patient" not in said
    assert "Traceback" not in said
    log = next(tiny_workspace.glob("runs/*/log.txt")).read_text()
    assert "patient" not in log
    assert call(tiny_workspace, "--fail-with", "patient 123", "--debug") == 1
    assert "Traceback" in capfd.readouterr().err


def test_a_run_id_that_leaves_the_folder_is_refused(
    tiny_workspace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CXR_RUN_ID", "../../outside")
    assert call(tiny_workspace) == 2
    assert "CXR_RUN_ID" in capfd.readouterr().err
    assert not (tiny_workspace.parent.parent / "outside").exists()


def test_a_source_error_keeps_its_code(
    tiny_workspace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise SourceError("the table is empty")

    module = importlib.import_module(f"{PACKAGE}.steps")
    monkeypatch.setattr(module, "run", refuse)
    assert call(tiny_workspace) == 4
    assert capfd.readouterr().err == "cxr steps: the table is empty\n"


def test_results_that_cannot_be_read_are_not_made_again(
    tiny_workspace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call(tiny_workspace) == 0
    path, read = COHORT_FLOW.path(tiny_workspace), Path.read_bytes
    written = path.stat().st_mtime_ns

    def deny(self: Path) -> bytes:
        if self == path:
            raise PermissionError(errno.EACCES, "Permission denied")
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", deny)
    assert call(tiny_workspace) == 3
    assert "flow.parquet cannot be read (permission denied)" in capfd.readouterr().err
    assert path.stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("fault", "want"),
    [
        (OSError(errno.EIO, "Input/output error"), "a file cannot be read (input/output error)"),
        (OSError(errno.EMFILE, "Too many open files"), "too many open files"),
        (MemoryError(), "out of memory; give the job more"),
    ],
)
def test_a_fault_of_the_surroundings_can_be_tried_again(
    fault: BaseException, want: str, tiny_workspace: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def fail(*_: object) -> None:
        raise fault

    module = importlib.import_module(f"{PACKAGE}.steps")
    monkeypatch.setattr(module, "run", fail)
    assert call(tiny_workspace) == 75
    said = capfd.readouterr().err
    assert want in said
    assert said.rstrip().endswith("same command to resume")
    assert read_runs(tiny_workspace)[-1].state == "interrupted"
