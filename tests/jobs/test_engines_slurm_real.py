"""The engine `slurm` on a real cluster: of this node alone, if no other answers."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from slurm_cluster import begin_again, slurm_cluster

from data_contracts.images import IMAGES
from data_contracts.run import RunRecord, read_events, read_record, run_folder, write_record
from data_contracts.store import verify
from jobs import _engines
from jobs._cli import run

LONG = ["synthesize", "--subjects", "5000", "--size", "64", "--workers", "1"]
SHORT = ["synthesize", "--subjects", "12", "--size", "64", "--workers", "1"]


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the cluster's files lie, if it is of this node alone."""
    place = tmp_path_factory.mktemp("slurm")
    with slurm_cluster(place):
        yield place


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "Räume 100%j $HOME 'x'"


@pytest.fixture
def submit(workspace: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    def submit(*words: str) -> list[str]:
        code = run(["submit", *words, "--engine", "slurm", "--workspace", str(workspace)])
        shown = capfd.readouterr()
        assert code == 0, shown.err
        return shown.out.split()

    return submit


def wait_for(workspace: Path, run_id: str, *states: str) -> RunRecord:
    for _ in range(1200):
        record = _engines.state(workspace, run_id)
        if record.state in states:
            return record
        time.sleep(0.1)
    raise AssertionError(f"{run_id} stays {record.state}: {_engines.log(workspace, run_id)}")


def wait_for_progress(workspace: Path, run_id: str) -> None:
    for _ in range(1200):
        if any(e["event"] == "progress" for e in read_events(run_folder(workspace, run_id))):
            return
        time.sleep(0.05)
    raise AssertionError("it never began")


def test_a_chain_of_jobs_that_wait_for_each_other_with_shards_as_one_array(
    workspace: Path, submit: Callable[..., list[str]]
) -> None:
    source = workspace / "synthetic" / "source"
    (drawn,) = submit(*SHORT)
    wait_for(workspace, drawn, "succeeded")
    (extracted,) = submit("extract", "--mimic-iv", str(source / "mimic-iv"),
                          "--mimic-cxr", str(source / "mimic-cxr"))  # fmt: skip
    shards = submit("preprocess", "--root", str(source / "mimic-cxr"), "--size", "32",
                    "--workers", "1", "--shards", "2", "--after", extracted)  # fmt: skip
    for shard in shards:
        record = wait_for(workspace, shard, "succeeded", "failed", "lost")
        assert record.state == "succeeded", _engines.log(workspace, shard)
        assert record.engine_id is not None
        assert "_" in record.engine_id
    for path in IMAGES.find(workspace):
        verify(path)
    assert [p.name for p in IMAGES.find(workspace)] == [
        "images-1-of-2.h5", "images-2-of-2.h5",
    ]  # fmt: skip


def test_cancel_ends_a_running_job_in_75(workspace: Path, submit: Callable[..., list[str]]) -> None:
    (run_id,) = submit(*LONG)
    wait_for_progress(workspace, run_id)
    assert _engines.state(workspace, run_id).state == "running"
    record = _engines.cancel(workspace, run_id)
    assert (record.state, record.exit_code, record.engine) == ("cancelled", 75, "slurm")
    assert "interrupted" in (run_folder(workspace, run_id) / "output.txt").read_text()


def test_cancel_takes_a_waiting_job_out_of_the_queue(
    workspace: Path, submit: Callable[..., list[str]]
) -> None:
    (first,) = submit(*LONG)
    (second,) = submit(*LONG, "--seed", "1", "--after", first)
    assert _engines.state(workspace, second).state == "submitted"
    assert _engines.cancel(workspace, second).state == "cancelled"
    _engines.cancel(workspace, first)


def test_a_requeued_job_goes_on_under_its_id(
    workspace: Path, submit: Callable[..., list[str]]
) -> None:
    (run_id,) = submit(*LONG)
    wait_for_progress(workspace, run_id)
    job = read_record(run_folder(workspace, run_id)).engine_id
    subprocess.run(["scontrol", "requeue", str(job)], check=True, timeout=30)
    begin_again(str(job))
    for _ in range(600):
        events = read_events(run_folder(workspace, run_id))
        states = [e["state"] for e in events if e["event"] == "state"]
        if states.count("running") == 2:
            break
        time.sleep(0.1)
    assert states == ["submitted", "running", "interrupted", "running"]
    record = _engines.cancel(workspace, run_id)
    assert (record.state, record.engine, record.engine_id) == ("cancelled", "slurm", job)


def test_a_stranger_with_the_number_of_an_old_run_is_left_alone(
    workspace: Path, submit: Callable[..., list[str]]
) -> None:
    (run_id,) = submit(*SHORT)
    wait_for(workspace, run_id, "succeeded")
    words = ["sbatch", "--parsable", "--output=/dev/null", "--wrap=sleep 60"]
    job = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout
    old = replace(read_record(run_folder(workspace, run_id)), state="interrupted",
                  engine_id=job.strip())  # fmt: skip
    write_record(workspace, old)
    assert _engines.state(workspace, run_id).state == "interrupted"
    assert run(["cancel", run_id, "--workspace", str(workspace)]) == 2
    shown = subprocess.run(["squeue", "--noheader", "--format=%T", f"--jobs={job.strip()}"],
                           capture_output=True, text=True, check=True, timeout=30)  # fmt: skip
    assert shown.stdout.strip() in ("PENDING", "RUNNING")
    subprocess.run(["scancel", job.strip()], check=True, timeout=30)


@pytest.mark.parametrize("wish", [("--memory", "9000G"), ("--cpus", "1024")])
def test_what_no_node_has_is_refused_and_not_queued(
    workspace: Path, capfd: pytest.CaptureFixture[str], wish: tuple[str, str]
) -> None:
    words = ["submit", *SHORT, "--engine", "slurm", "--workspace", str(workspace), *wish]
    assert run(words) == 2
    assert f"{' '.join(wish)}: no node has that" in capfd.readouterr().err
    assert not workspace.exists()


def test_a_node_that_is_out_of_service_for_now_is_waited_for(
    workspace: Path, submit: Callable[..., list[str]], cluster: Path
) -> None:
    if not (cluster / "slurm.conf").exists():
        pytest.skip("this cluster's nodes are not ours to drain")
    node = socket.gethostname().split(".")[0]

    def set_state(*words: str) -> None:
        subprocess.run(["scontrol", "update", f"NodeName={node}", *words], check=True, timeout=30)

    set_state("State=DRAIN", "Reason=test")
    try:
        (run_id,) = submit(*SHORT)
        assert _engines.state(workspace, run_id).state == "submitted"
    finally:
        set_state("State=RESUME")
    wait_for(workspace, run_id, "succeeded")


def test_no_gpu_though_asked_for(workspace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["submit", *SHORT, "--gpus", "1", "--engine", "slurm", "--workspace", str(workspace)]
    if "gpu" in subprocess.run(["sinfo", "--noheader", "--format=%G"], capture_output=True,
                               text=True, check=True, env=os.environ).stdout:  # fmt: skip
        pytest.skip("this cluster has a GPU")
    assert run(words) == 2
    assert "--gpus: the cluster has no such GPU" in capfd.readouterr().err
