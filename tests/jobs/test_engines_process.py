"""The engine `process`, for real: detached jobs, their states, and their end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from data_contracts import run as runs
from data_contracts.errors import Unreachable, UsageError
from data_contracts.run import RunRecord, read_events, read_record, run_folder
from jobs import _engines
from jobs._cli import run
from jobs._engines import process

#: Long enough to be caught at work; single-threaded.
LONG = ["synthesize", "--subjects", "5000", "--size", "64", "--workers", "1"]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    """An empty workspace; what still runs there in the end is killed."""
    folder = tmp_path / "Röntgen 'und' $HOME"
    folder.mkdir()
    yield folder
    for record in runs.read_runs(folder):
        if record.engine_id and (pid := process._pid(record)) not in (None, os.getpid()):
            os.kill(int(pid or 0), signal.SIGKILL)


def until(true: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


def submit(workspace: Path, words: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    """Submit in this process; return the run id that was printed."""
    code = run(["submit", *words, "--workspace", str(workspace)])
    shown = capfd.readouterr()
    assert code == 0, shown.err
    return shown.out.strip()


def record_of(workspace: Path, run_id: str) -> RunRecord:
    return read_record(run_folder(workspace, run_id))


def told_progress(workspace: Path, run_id: str) -> bool:
    return any(e["event"] == "progress" for e in read_events(run_folder(workspace, run_id)))


def story(workspace: Path, run_id: str) -> list[str]:
    events = read_events(run_folder(workspace, run_id))
    return [e["state"] for e in events if e["event"] == "state"]


def test_a_job_outlives_its_launcher_and_ends_well(workspace: Path) -> None:
    words = ["submit", "synthesize", "--subjects", "4", "--size", "64", "--workers", "1"]
    cxr = Path(sys.executable).with_name("cxr")
    # The launcher has a session of its own, which ends with it.
    launcher = subprocess.run(
        [cxr, *words, "--workspace", workspace], start_new_session=True, check=True,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    run_id = launcher.stdout.strip()
    submitted = record_of(workspace, run_id)
    assert submitted.state in ("submitted", "running", "succeeded")
    until(lambda: record_of(workspace, run_id).state == "succeeded")
    record = record_of(workspace, run_id)
    assert (record.engine, record.engine_id) == ("process", submitted.engine_id)
    assert record.pid == int(str(record.engine_id).partition("@")[0])
    assert story(workspace, run_id) == ["submitted", "running", "succeeded"]
    assert "subjects" in _engines.log(workspace, run_id)


def test_submitting_returns_before_the_job_has_begun(
    workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    begun = time.monotonic()
    run_id = submit(workspace, LONG, capfd)
    assert time.monotonic() - begun < 5
    assert record_of(workspace, run_id).config["subjects"] == 5000
    assert _engines.state(workspace, run_id).state in ("submitted", "running")


def test_cancel_lets_the_job_end_in_75(workspace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_id = submit(workspace, LONG, capfd)
    until(lambda: told_progress(workspace, run_id))
    assert run(["cancel", run_id, "--workspace", str(workspace)]) == 0
    assert "is cancelled" in capfd.readouterr().err
    record = record_of(workspace, run_id)
    assert (record.state, record.exit_code) == ("cancelled", 75)
    assert story(workspace, run_id) == ["submitted", "running", "interrupted", "cancelled"]
    assert process._pid(record) is None

    assert run(["cancel", run_id, "--workspace", str(workspace)]) == 2
    assert "already ended (cancelled)" in capfd.readouterr().err


def test_a_deaf_job_is_killed_after_its_grace(
    workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run_id = submit(workspace, LONG, capfd)
    until(lambda: told_progress(workspace, run_id))
    os.kill(record_of(workspace, run_id).pid, signal.SIGSTOP)  # it hears nothing from now on
    begun = time.monotonic()
    assert _engines.cancel(workspace, run_id, grace=0.3).state == "cancelled"
    assert 0.3 <= time.monotonic() - begun < 10
    assert record_of(workspace, run_id).exit_code is None


def test_cancelled_before_it_begins_it_never_does(
    workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run_id = submit(workspace, LONG, capfd)
    assert _engines.cancel(workspace, run_id).state == "cancelled"
    assert not list(workspace.glob("synthetic/truth*"))
    assert process._pid(record_of(workspace, run_id)) is None


def test_a_job_from_the_shell_can_be_cancelled_too(workspace: Path) -> None:
    cxr = Path(sys.executable).with_name("cxr")
    job = subprocess.Popen([cxr, *LONG, "--workspace", workspace], stderr=subprocess.DEVNULL)
    until(lambda: [e for e in (workspace / "runs").glob("*") if told_progress(workspace, e.name)])
    (record,) = runs.read_runs(workspace)
    assert _engines.cancel(workspace, record.run_id).state == "cancelled"
    assert job.wait(60) == 75


def test_one_at_a_time_the_next_begins_when_one_has_ended(
    workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first, second, third = (submit(workspace, [*LONG, "--one-at-a-time"], capfd) for _ in range(3))
    until(lambda: told_progress(workspace, first))
    waiting = [_engines.state(workspace, run_id) for run_id in (second, third)]
    assert [(r.state, r.message) for r in waiting] == [("submitted", "waiting for its turn")] * 2
    # One that waits can be cancelled, and does not let the others begin.
    pid = int(str(waiting[0].engine_id).partition("@")[0])
    (waits,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert _engines.cancel(workspace, second).state == "cancelled"
    until(lambda: runs.process_mark(int(waits)) is None)
    time.sleep(0.5)
    assert _engines.state(workspace, third).state == "submitted"
    os.kill(int(str(record_of(workspace, first).engine_id).partition("@")[0]), signal.SIGKILL)
    until(lambda: told_progress(workspace, third))
    assert _engines.cancel(workspace, third, 0).state == "cancelled"


def test_a_killed_job_is_lost_at_once(workspace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_id = submit(workspace, LONG, capfd)
    pid = int(str(record_of(workspace, run_id).engine_id).partition("@")[0])
    os.kill(pid, signal.SIGKILL)  # perhaps before it has taken over its record
    until(lambda: _engines.state(workspace, run_id).state == "lost", 5)
    assert run(["cancel", run_id, "--workspace", str(workspace)]) == 2


def test_a_process_that_got_the_same_id_is_not_the_run(workspace: Path) -> None:
    mine = runs.process_mark(os.getpid())
    assert mine is not None
    record = RunRecord("old", "extract", {}, "running", runs.now(), engine_id=mine + "0")
    runs.write_record(workspace, record)
    assert [r.state for r in runs.read_runs(workspace)] == ["lost"]
    assert _engines.state(workspace, "old").state == "lost"
    with pytest.raises(UsageError, match=r"already ended \(lost\)"):
        _engines.cancel(workspace, "old")
    runs.write_record(workspace, replace(record, engine_id=mine))
    assert _engines.state(workspace, "old").state == "running"


def test_without_its_launcher_a_job_never_starts(workspace: Path) -> None:
    """The launcher dies between starting the process and writing down its id."""
    output = workspace / "output.txt"
    gate = subprocess.Popen(
        ["/bin/sh", "-c", process._GATE, str(output), "/bin/echo", "started"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with gate:
        assert gate.stdout is not None
        pid = int(gate.stdout.readline())
    until(lambda: runs.process_mark(pid) is None)
    assert not output.exists()


def test_a_run_that_was_never_handed_over(workspace: Path) -> None:
    record = RunRecord("half", "extract", {}, "submitted", runs.now())
    runs.write_record(workspace, record)
    with pytest.raises(Unreachable, match="still being submitted"):
        _engines.cancel(workspace, "half")
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    runs.write_record(workspace, replace(record, pid=child.pid))
    assert _engines.state(workspace, "half").state == "lost"


def test_another_hosts_process_is_cancelled_there(workspace: Path) -> None:
    runs.write_record(
        workspace,
        RunRecord("there", "extract", {}, "running", runs.now(), host="node7", engine_id="1@x-1"),
    )
    runs.append_event(run_folder(workspace, "there"), "heartbeat")
    with pytest.raises(UsageError, match="host node7; cancel it there"):
        _engines.cancel(workspace, "there")


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["cancel", "nothing-like-it"], 2, "no run nothing-like-it in"),
        (["cancel", "20261123T000000-extract-aaaaab"], 2, "mean 20261123T000000-extract-aaaaaa"),
        (["cancel", "20261123T000000-extract-aaaaaa"], 2, "already ended (succeeded)"),
        (["cancel", "x", "--grace", "-1"], 2, "--grace must not be negative"),
        (["submit", "synthesize", "--gpus", "64"], 2, "--gpus 64: this host has"),
        (
            ["submit", "synthesize", "--memory", "2G"],
            2,
            "--memory: not supported by --engine process",
        ),
        (["submit", "synthesize", "--memory", "2"], 2, "--memory"),
        (["submit", "synthesize", "--engin", "x"], 2, "Did you mean --engine"),
        (["submit", "synthesize", "--subjects", "1"], 2, "--subjects"),
        (["submit", "sinthesize"], 2, 'Did you mean "synthesize"'),
    ],
)
def test_bad_input_is_one_line(
    workspace: Path, words: list[str], code: int, complaint: str, capfd: pytest.CaptureFixture[str]
) -> None:
    finished = RunRecord("20261123T000000-extract-aaaaaa", "extract", {}, "succeeded", runs.now())
    runs.write_record(workspace, finished)
    assert run([*words, "--workspace", str(workspace)]) == code
    shown = capfd.readouterr()
    assert complaint in shown.err
    assert shown.err.strip().count("\n") == 0
    assert shown.out == ""
    assert len(runs.read_runs(workspace)) == 1


def test_a_workspace_that_cannot_be_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert run(["submit", "synthesize", "--workspace", str(tmp_path / "file")]) == 3
    shown = capfd.readouterr().err.strip()
    assert "--workspace" in shown
    assert shown.count("\n") == 0


def test_the_flags_of_a_submitted_job_may_stand_in_a_file(
    workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (workspace / "c.yaml").write_text("subjects: 7\nsize: 64\n")
    words = ["submit", "synthesize", "--config", str(workspace / "c.yaml"), "--dry-run"]
    assert run([*words, "--workspace", str(workspace)]) == 0
    shown = capfd.readouterr().out
    assert "--subjects=7" in shown
    assert "--size=64" in shown
    assert list(workspace.iterdir()) == [workspace / "c.yaml"]


def test_the_list_of_runs_is_plain_when_piped(
    workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for state, second in (("failed", 0), ("succeeded", 1)):
        runs.write_record(workspace, RunRecord(
            f"run-{state}", "train-task", {"task": "gender"}, state,  # type: ignore[arg-type]
            f"2026-11-23T03:00:0{second}+00:00", f"2026-11-23T04:30:0{second}+00:00",
            engine="slurm", engine_id="17",
        ))  # fmt: skip
    assert run(["runs", "--workspace", str(workspace)]) == 0
    lines = [line.split("\t") for line in capfd.readouterr().out.splitlines()]
    assert lines == [
        ["run", "state", "job", "task", "started", "duration", "engine"],
        ["run-failed", "failed", "train-task", "gender", "2026-11-23 03:00:00", "1:30:00",
         "slurm 17"],
        ["run-succeeded", "succeeded", "train-task", "gender", "2026-11-23 03:00:01", "1:30:00",
         "slurm 17"],
    ]  # fmt: skip
    assert run(["runs", "--workspace", str(workspace / "none")]) == 2


def test_an_old_record_can_still_be_read(workspace: Path) -> None:
    folder = run_folder(workspace, "old")
    folder.mkdir(parents=True)
    facts = {"run_id": "old", "job": "extract", "config": {}, "state": "succeeded",
             "started": runs.now()}  # fmt: skip
    (folder / "run.json").write_text(json.dumps(facts))
    assert run(["runs", "--workspace", str(workspace)]) == 0
