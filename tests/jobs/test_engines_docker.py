"""The engine `docker`, by a stand-in for its command; the real one is a matter of the image."""

from __future__ import annotations

import csv
import os
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fake_commands import FakeCommands, put_on_path

from data_contracts import run as runs
from data_contracts.run import RunRecord, read_record, read_runs, run_folder
from jobs import _engines
from jobs._cli import run
from jobs._engines import _call

INFO = {"docker info": {"out": "7TRN:IPZB:PYBZ:UZK6\n"}}


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCommands:
    return put_on_path(tmp_path / "fake", monkeypatch, "docker")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "Räume, viele: 'x'"


def submit(workspace: Path, *words: str) -> int:
    job = words or ("synthesize",)
    return run(["submit", *job, "--engine", "docker", "--workspace", str(workspace)])


def one_line(capfd: pytest.CaptureFixture[str]) -> str:
    shown = capfd.readouterr()
    assert shown.err.strip().count("\n") == 0, shown.err
    assert shown.out == ""
    return shown.err


def created(docker: FakeCommands) -> list[str]:
    """The words by which the last container was made."""
    return [words for words in docker.calls("docker") if words[0] == "create"][-1]


def mounts(words: list[str]) -> list[dict[str, str]]:
    values = [w.removeprefix("--mount=") for w in words if w.startswith("--mount=")]
    return [
        {name: value for name, _, value in (part.partition("=") for part in row)}
        for row in csv.reader(values)
    ]


def test_the_container_is_shut_in(
    workspace: Path, docker: FakeCommands, capfd: pytest.CaptureFixture[str]
) -> None:
    assert submit(workspace, "synthesize", "--seed", "3", "--no-force") == 0
    run_id = capfd.readouterr().out.strip()
    words = created(docker)
    assert docker.calls("docker")[-1] == ["start", f"cxr-{run_id}"]
    assert {
        "--rm", "--init", "--pull=never", f"--user={os.getuid()}:{os.getgid()}", "--network=none",
        "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges",
        f"--name=cxr-{run_id}", f"--env=CXR_RUN_ID={run_id}",
    } <= set(words)  # fmt: skip
    assert not any(w.startswith(("--gpus", "--memory", "--cpus", "--privileged")) for w in words)
    assert mounts(words) == [{"type": "bind", "source": str(workspace), "target": "/workspace"}]
    assert words[words.index("cxr") :] == [
        "cxr", "synthesize", "--workspace=/workspace", "--no-force", "--seed=3",
    ]  # fmt: skip


def test_what_flags_name_is_mounted_read_only_at_its_own_path(
    workspace: Path, docker: FakeCommands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my images, all").mkdir()
    (workspace / "in").mkdir(parents=True)
    assert submit(workspace, "preprocess", "--root", "my images, all", "--image", "my/cxr:2") == 0
    words = created(docker)
    outside = str(tmp_path / "my images, all")
    assert mounts(words)[1:] == [
        {"type": "bind", "source": outside, "target": outside, "readonly": ""}
    ]
    assert words[words.index("my/cxr:2") + 1 :] == [
        "preprocess", "--workspace=/workspace", f"--root={outside}",
    ]  # fmt: skip

    assert submit(workspace, "preprocess", "--root", str(workspace / "in")) == 0
    words = created(docker)
    assert len(mounts(words)) == 1
    assert words[-1] == "--root=/workspace/in"


def test_a_file_of_weights_is_mounted_and_a_name_is_not(
    workspace: Path, docker: FakeCommands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.pth").write_text("")
    task = ["train-task", "--task", "gender", "--weights"]
    assert submit(workspace, *task, "w.pth", "--gpus", "2", "--cpus", "3", "--memory", "8G") == 0
    words = created(docker)
    assert mounts(words)[1]["source"] == str(tmp_path / "w.pth")
    assert f"--weights={tmp_path / 'w.pth'}" in words
    assert {"--gpus=2", "--cpus=3", "--memory=8g"} <= set(words)
    assert submit(workspace, *task, "none") == 0
    words = created(docker)
    assert len(mounts(words)) == 1
    assert "--weights=none" in words


def test_the_record_names_the_container_before_it_starts(
    workspace: Path, docker: FakeCommands, capfd: pytest.CaptureFixture[str]
) -> None:
    assert submit(workspace) == 0
    run_id = capfd.readouterr().out.strip()
    record = read_record(run_folder(workspace, run_id))
    assert (record.state, record.engine) == ("submitted", "docker")
    assert record.engine_id == f"cxr-{run_id}"  # This Docker tells no id.
    docker.answer(INFO)
    assert submit(workspace) == 0
    run_id = capfd.readouterr().out.strip()
    record = read_record(run_folder(workspace, run_id))
    assert record.engine_id == f"cxr-{run_id}@{socket.gethostname()}-7trnipzb"
    assert record.config["workspace"] == str(workspace)


@pytest.mark.parametrize(
    ("recorded", "seen", "state"),
    [
        ("submitted", "created", "submitted"),
        ("submitted", "running", "running"),
        ("running", "running", "running"),
        ("submitted", None, "lost"),
        ("running", None, "lost"),
        ("running", "exited", "lost"),
        ("succeeded", None, "succeeded"),
        ("failed", None, "failed"),
    ],
)
def test_the_state_comes_from_record_and_container(
    workspace: Path, docker: FakeCommands, recorded: runs.State, seen: str | None, state: str
) -> None:
    record = RunRecord("a", "extract", {}, recorded, runs.now(), host="0f1e", engine="docker",
                       engine_id="cxr-a")  # fmt: skip
    runs.write_record(workspace, record)
    runs.append_event(run_folder(workspace, "a"), "heartbeat")
    listed = f"cxr-b running\ncxr-a {seen}\n" if seen else "cxr-b running\n"
    docker.answer({"docker ps": {"out": listed}})
    assert _engines.state(workspace, "a").state == state


@pytest.mark.parametrize("recorded", ["submitted", "running"])
def test_what_another_daemon_has_stays_as_recorded_and_is_cancelled_there(
    workspace: Path, docker: FakeCommands, capfd: pytest.CaptureFixture[str],
    recorded: runs.State,
) -> None:  # fmt: skip
    record = RunRecord("a", "extract", {}, recorded, runs.now(), host="0f1e", engine="docker",
                       engine_id="cxr-a@node-7-0123abcd")  # fmt: skip
    here = replace(record, run_id="b", engine_id="cxr-b@node-7-7trnipzb")
    for one in (record, here):
        runs.write_record(workspace, one)
        runs.append_event(run_folder(workspace, one.run_id), "heartbeat")
    docker.answer(INFO | {"docker ps": {"out": "cxr-c running\n"}})
    assert _engines.state(workspace, "a").state == recorded
    assert _engines.state(workspace, "b").state == "lost"
    assert run(["cancel", "a", "--workspace", str(workspace)]) == 2
    said = one_line(capfd)
    assert "run a is on host node-7, Docker daemon 0123abcd; cancel it there" in said
    assert not [words for words in docker.calls("docker") if words[0] in ("stop", "rm")]
    # Wherever the container is seen, it can be ended.
    docker.answer(INFO | {"docker ps": {"out": "cxr-a running\n"}})
    assert _engines.cancel(workspace, "a", grace=7).state == "cancelled"
    assert docker.calls("docker")[-1] == ["rm", "--force", "cxr-a"]


def test_one_question_for_many_runs(
    workspace: Path, docker: FakeCommands, capfd: pytest.CaptureFixture[str]
) -> None:
    record = RunRecord("r", "extract", {}, "submitted", runs.now(), engine="docker")
    for name in "abc":
        runs.write_record(workspace, replace(record, run_id=name, engine_id=f"cxr-{name}"))
    docker.answer({"docker ps": {"out": "cxr-b running\n"}})
    assert run(["runs", "--workspace", str(workspace)]) == 0
    states = [line.split("\t")[1] for line in capfd.readouterr().out.splitlines()]
    assert states == ["state", "lost", "running", "lost"]
    assert len(docker.calls("docker")) == 1


def test_cancel_stops_the_container(workspace: Path, docker: FakeCommands) -> None:
    record = RunRecord("a", "extract", {}, "running", runs.now(), host="0f1e", engine="docker",
                       engine_id="cxr-a")  # fmt: skip
    runs.write_record(workspace, record)
    runs.append_event(run_folder(workspace, "a"), "heartbeat")
    docker.answer({"docker ps": {"out": "cxr-a running\n"}})
    assert _engines.cancel(workspace, "a", grace=7).state == "cancelled"
    assert docker.calls("docker")[-2:] == [["stop", "-t", "7", "cxr-a"], ["rm", "--force", "cxr-a"]]


DAEMON = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?\n"
GPU = 'docker: could not select device driver "" with capabilities: [[gpu]].\n'


@pytest.mark.parametrize(
    ("answers", "words", "code", "complaint"),
    [
        ({"docker image": {"code": 1, "err": "Error: No such image: cxr\n"}}, [], 2,
         "no image cxr on this host; `make image` builds it"),
        ({"docker image": {"code": 1, "err": DAEMON}}, [], 75, "Cannot connect to the Docker"),
        ({"docker start": {"code": 1, "err": GPU}}, ["--gpus", "1"], 2, "has no GPU"),
        ({"docker create": {"code": 125, "err": "docker: odd\nmore\n"}}, [], 2, "docker: odd"),
        ({"docker image": {"seconds": 60}}, [], 75, "did not answer within 1 s"),
        ({"docker start": {"seconds": 60}}, [], 75, "did not answer within 1 s"),
        ({}, ["--shards", "2"], 2, "--shards: not supported by --engine docker"),
        ({}, ["--time-limit", "1:00:00", "--partition", "x"], 2, "--partition, --time-limit"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(
    workspace: Path, docker: FakeCommands, answers: dict[str, dict[str, object]], code: int,
    words: list[str], complaint: str, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(_call, "PATIENCE", 1.0)
    docker.answer(answers)
    begun = time.monotonic()
    assert submit(workspace, "synthesize", *words) == code
    assert time.monotonic() - begun < 5
    assert complaint in one_line(capfd)
    # What was refused when it was handed over is kept as failed, with the reason.
    kept = [(r.state, r.exit_code) for r in read_runs(workspace)]
    assert kept == ([("failed", code)] if "docker image" not in answers and answers else [])


def test_a_container_that_may_have_started_unseen_is_removed(
    workspace: Path, docker: FakeCommands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_call, "PATIENCE", 0.5)
    docker.answer({"docker create": {"seconds": 60}})
    assert submit(workspace) == 75
    (record,) = read_runs(workspace)
    assert docker.calls("docker")[-1] == ["rm", "--force", f"cxr-{record.run_id}"]


def test_no_engine_says_how_to_get_one(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("PATH", str(tmp_path))
    assert submit(workspace) == 2
    assert "`docker` is not installed here; install Docker" in one_line(capfd)
    assert not workspace.exists()


def test_sources_that_are_missing_are_named(
    workspace: Path, docker: FakeCommands, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert submit(workspace, "preprocess", "--root", str(tmp_path / "none")) == 4
    assert f"--root {tmp_path / 'none'} does not exist" in one_line(capfd)


def test_when_docker_is_silent_the_list_is_as_recorded(
    workspace: Path, docker: FakeCommands, capfd: pytest.CaptureFixture[str]
) -> None:
    runs.write_record(workspace, RunRecord("a", "extract", {}, "submitted", runs.now(),
                                           engine="docker", engine_id="cxr-a"))  # fmt: skip
    docker.answer({"docker ps": {"code": 1, "err": DAEMON}})
    assert run(["runs", "--workspace", str(workspace)]) == 0
    shown = capfd.readouterr()
    assert "showing the last recorded states" in shown.err
    assert shown.out.splitlines()[1].split("\t")[:2] == ["a", "submitted"]
