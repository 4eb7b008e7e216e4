"""The engine `slurm`: what it asks of Slurm, by stand-ins for its commands."""

from __future__ import annotations

import shlex
import string
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fake_commands import FakeCommands, put_on_path

from data_contracts import run as runs
from data_contracts.run import RunRecord, read_record, read_runs, run_folder
from jobs import _engines
from jobs._cli import run
from jobs._engines import _call, slurm
from jobs._engines.slurm.job_names import pipeline_prefix, step_run_id, workspace_prefix

DOWN = "sbatch: error: Batch job submission failed: Unable to contact slurm controller\n"
QUEUED = {"sbatch": {"out": "17\n"}}
TRIED = {"sbatch --test-only": {"err": "sbatch: Job 17 to start at 2026-11-25T03:12:41\n"}}
NO_NODE = "allocation failure: Requested node configuration is not available\n"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCommands:
    names = ("sbatch", "squeue", "scancel", "scontrol", "sinfo")
    commands = put_on_path(tmp_path / "fake", monkeypatch, *names)
    commands.answer(QUEUED)
    return commands


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "Räume 100%j $HOME 'x'"


def submit(workspace: Path, *words: str) -> int:
    job = words or ("synthesize",)
    return run(["submit", *job, "--engine", "slurm", "--workspace", str(workspace)])


def queued(cluster: FakeCommands) -> tuple[list[str], str]:
    """The words of the `sbatch` that queued the job, after its trial, and the script it read."""
    trial, words = cluster.calls("sbatch")
    assert trial[0] == "--test-only"
    assert trial[1:] == [w for w in words if w != "--hold" and not w.startswith("--dependency")]
    return words, cluster.texts("sbatch")[-1]


def written(workspace: Path, state: runs.State = "running", **facts: str) -> RunRecord:
    """A run of the cluster, as its record has it."""
    facts = {"run_id": "a", "engine_id": "17", "host": "node7"} | facts
    record = RunRecord(job="extract", config={}, state=state, started=runs.now(),
                       engine="slurm", **facts)  # type: ignore[arg-type]  # fmt: skip
    runs.write_record(workspace, record)
    runs.append_event(run_folder(workspace, record.run_id), "heartbeat")
    return record


def test_a_job_is_queued_on_hold_noted_and_released(
    workspace: Path, cluster: FakeCommands, capfd: pytest.CaptureFixture[str]
) -> None:
    assert submit(workspace) == 0
    run_id = capfd.readouterr().out.strip()
    words, _ = queued(cluster)
    assert {"--parsable", "--hold", "--requeue", f"--job-name=cxr-{run_id}"} <= set(words)
    assert cluster.calls("scontrol") == [["release", "17"]]
    record = read_record(run_folder(workspace, run_id))
    assert (record.state, record.engine, record.engine_id) == ("submitted", "slurm", "17")


def test_wishes_become_flags(workspace: Path, cluster: FakeCommands) -> None:
    wishes = ["--gpus", "2", "--cpus", "4", "--memory", "16G", "--time-limit", "8:00:00"]
    assert submit(workspace, "synthesize", *wishes, "--partition", "p", "--account", "a") == 0
    words, _ = queued(cluster)
    assert {
        "--gres=gpu:2", "--cpus-per-task=4", "--mem=16G", "--time=8:00:00", "--partition=p",
        "--account=a",
    } <= set(words)  # fmt: skip


def test_every_letter_of_a_path_is_kept(workspace: Path, cluster: FakeCommands) -> None:
    assert submit(workspace, "preprocess", "--root", str(workspace / "in $(x) `y`")) == 0
    words, script = queued(cluster)
    output = next(w for w in words if w.startswith("--output="))
    assert output.startswith(f"--output={str(workspace).replace('%', '%%')}/runs/")
    lines = script.splitlines()
    assert lines[0] == "#!/bin/sh"
    assert shlex.split(lines[-1])[2:] == [
        "preprocess", f"--workspace={workspace}", f"--root={workspace / 'in $(x) `y`'}",
    ]  # fmt: skip
    # The shell that will run it reads the same words.
    shown = subprocess.run(["/bin/sh", "-c", lines[-1].replace("exec", "printf '%s\\n'", 1)],
                           capture_output=True, text=True, check=True)  # fmt: skip
    assert shown.stdout.splitlines()[2] == f"--workspace={workspace}"


def test_shards_are_one_array(
    workspace: Path, cluster: FakeCommands, capfd: pytest.CaptureFixture[str]
) -> None:
    assert submit(workspace, "preprocess", "--root", "x", "--shards", "3") == 0
    run_ids = capfd.readouterr().out.split()
    words, script = queued(cluster)
    assert "--array=0-2" in words
    assert "--shard=auto/3" in script
    assert 'CXR_SHARD_INDEX="$SLURM_ARRAY_TASK_ID"' in script
    base = run_ids[0].removesuffix("-0")
    assert run_ids == [f"{base}-{i}" for i in range(3)]
    assert f'CXR_RUN_ID={base}-"$SLURM_ARRAY_TASK_ID"' in script
    records = [read_record(run_folder(workspace, run_id)) for run_id in run_ids]
    assert [r.engine_id for r in records] == ["17_0", "17_1", "17_2"]
    assert [r.config["shard"] for r in records] == ["1/3", "2/3", "3/3"]


def test_a_job_waits_for_what_it_needs(workspace: Path, cluster: FakeCommands) -> None:
    record = written(workspace)
    runs.write_record(workspace, replace(record, run_id="b", engine_id="18"))
    runs.write_record(workspace, replace(record, run_id="done", state="succeeded"))
    cluster.answer(QUEUED | {"squeue": {"out": "17|RUNNING|cxr-a\n18|PENDING|cxr-b\n"}})
    after = ["--after", "a", "--after", "b", "--after", "done"]
    assert submit(workspace, "synthesize", *after) == 0
    assert "--dependency=afterok:17:18" in queued(cluster)[0]


@pytest.mark.parametrize("container", ["apptainer", "docker"])
def test_a_container_on_the_node(
    workspace: Path, cluster: FakeCommands, tmp_path: Path, container: str
) -> None:
    (tmp_path / "in").mkdir()
    words = ["preprocess", "--root", str(tmp_path / "in"), "--shards", "2", "--gpus", "1"]
    assert submit(workspace, *words, "--container", container, "--image", "i.sif") == 0
    _, script = queued(cluster)
    subprocess.run(["/bin/sh", "-n"], input=script, text=True, check=True)
    assert "target=/workspace" in script
    assert f"target={tmp_path}/in" in script
    assert "i.sif preprocess --workspace=/workspace" in script


@pytest.mark.parametrize("code", [0, 2, 75, 137])
def test_the_container_in_a_batch_job_passes_its_exit_code_on(
    workspace: Path, cluster: FakeCommands, tmp_path: Path, code: int
) -> None:
    assert submit(workspace, "synthesize", "--container", "docker") == 0
    _, script = queued(cluster)
    fake = put_on_path(tmp_path / "node", pytest.MonkeyPatch(), "docker")
    fake.answer({"docker run": {"code": code}})
    environment = {"PATH": str(tmp_path / "node" / "bin")}
    done = subprocess.run(["/bin/sh"], input=script, text=True, env=environment, check=False)
    assert done.returncode == code
    (record,) = read_runs(workspace)
    assert fake.calls("docker")[-1] == ["rm", "--force", f"cxr-{record.run_id}"]


@pytest.mark.parametrize(
    ("recorded", "seen", "state"),
    [
        ("submitted", "PENDING", "submitted"),
        ("submitted", "RUNNING", "running"),
        ("running", "RUNNING", "running"),
        ("running", "PENDING", "submitted"),
        ("interrupted", "PENDING", "submitted"),
        ("interrupted", None, "interrupted"),
        ("submitted", None, "lost"),
        ("running", None, "lost"),
        ("submitted", "CANCELLED", "lost"),
        ("running", "NODE_FAIL", "lost"),
        ("succeeded", "COMPLETED", "succeeded"),
    ],
)
def test_the_state_comes_from_record_and_queue(
    workspace: Path, cluster: FakeCommands, recorded: runs.State, seen: str | None, state: str
) -> None:
    written(workspace, recorded)
    known = {"out": f"16|RUNNING|cxr-a\n17|{seen}|cxr-a\n"}
    gone = {"code": 1, "err": "slurm_load_jobs error: Invalid job id specified\n"}
    cluster.answer({"squeue": known if seen else gone})
    assert _engines.state(workspace, "a").state == state


PIPELINE = "20261123T054449-run-0a1b2c"
STEP = f"{PIPELINE}-0004-extract"


@pytest.mark.parametrize(
    ("run_id", "engine_id", "name", "state"),
    [
        ("a", "17", "cxr-a", "running"),
        ("a", "17", "cxr-b", "interrupted"),
        ("a", "17", "bash|x", "interrupted"),
        ("a-3", "17_3", "cxr-a", "running"),
        ("a-3", "17_3", "cxr-a-3", "interrupted"),
        (STEP, "17", pipeline_prefix(Path("w"), PIPELINE) + "_1f", "running"),
        (STEP, "17", pipeline_prefix(Path("w"), "another") + "_1f", "interrupted"),
        (STEP, "17", f"cxr-{STEP}", "interrupted"),
        (step_run_id("x" * 90, 12345, "extract"), "17",
         pipeline_prefix(Path("w"), "x" * 90) + "_1f", "running"),
    ],
)  # fmt: skip
def test_a_number_that_was_given_anew_is_another_job(
    workspace: Path, cluster: FakeCommands, run_id: str, engine_id: str, name: str, state: str
) -> None:
    written(workspace, "interrupted", run_id=run_id, engine_id=engine_id)
    cluster.answer({"squeue": {"out": f"{engine_id}|RUNNING|{name}\n"}})
    assert _engines.state(workspace, run_id).state == state
    if state == "interrupted":
        assert run(["cancel", run_id, "--workspace", str(workspace)]) == 2
        assert not cluster.calls("scancel")


def test_a_job_that_becomes_anothers_while_it_is_cancelled_gets_no_signal(
    workspace: Path, cluster: FakeCommands
) -> None:
    record = written(workspace)
    cluster.answer({"squeue": {"out": "17|RUNNING|bash\n"}})
    slurm.stop(record, grace=0.2)
    assert not cluster.calls("scancel")


def test_a_cancelled_run_does_not_take_along_an_old_one_of_its_number(
    workspace: Path, cluster: FakeCommands, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(workspace, "interrupted", run_id="20250101T000000-extract-0a1b2c")
    written(workspace, run_id="20261123T000000-extract-3d4e5f")
    cluster.answer({"squeue": {"out": "17|RUNNING|cxr-20261123T000000-extract-3d4e5f\n"}})
    monkeypatch.setattr(slurm, "stop", lambda *_: None)
    _engines.cancel(workspace, "20261123T000000-extract-3d4e5f")
    assert [r.state for r in read_runs(workspace)] == ["interrupted", "cancelled"]


def test_the_prefix_of_a_pipeline_suits_the_plugin() -> None:
    prefix = pipeline_prefix(Path("w"), PIPELINE)
    assert prefix.startswith(workspace_prefix(Path("w")))
    assert len(prefix) <= 50
    assert not set(prefix) - {*string.ascii_letters, *string.digits, *"_-"}


def test_cancel_signals_the_batch_process_first_and_kills_after_the_grace(
    workspace: Path, cluster: FakeCommands, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = written(workspace)
    cluster.answer({"squeue": {"out": "17|RUNNING|cxr-a\n"}})
    monkeypatch.setattr(slurm, "_NOTICE", 0.2)
    with pytest.raises(Exception, match="does not stop"):
        _engines.cancel(workspace, "a", grace=0.2)
    term, kill = ["--signal=TERM", "--full", "17"], ["--signal=KILL", "--full", "17"]
    assert cluster.calls("scancel") == [term, kill, ["17"]]
    assert read_record(run_folder(workspace, "a")).state == record.state


def test_what_still_waits_is_taken_out_of_the_queue(
    workspace: Path, cluster: FakeCommands, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(workspace, "submitted")
    states = iter(["submitted", "submitted", "lost", "lost"])
    monkeypatch.setattr(slurm, "states", lambda _: {"a": next(states)})
    assert _engines.cancel(workspace, "a").state == "cancelled"
    assert cluster.calls("scancel") == [["17"]]


@pytest.mark.parametrize(
    ("answers", "words", "code", "complaint"),
    [
        ({**TRIED, "sbatch": {"code": 1, "err": DOWN}}, [], 75, "Slurm does not answer (Batch job"),
        ({**TRIED, "sbatch": {"seconds": 60}}, [], 75, "`sbatch` did not answer within 1 s"),
        ({"sbatch": {"out": "17\n"}, "scontrol": {"seconds": 60}}, [], 75, "`scontrol` did not"),
        ({"sbatch": {"code": 1, "err": "sbatch: error: Invalid generic resource (gres)\n"}},
         ["--gpus", "1"], 2, "--gpus: the cluster has no such GPU"),
        ({"sbatch": {"code": 1, "err": "sbatch: error: invalid partition specified: x\n"}},
         ["--partition", "x"], 2, "--partition: sbatch: invalid partition specified: x"),
        ({"sbatch": {"code": 1, "err": "sbatch: error: Batch job submission failed: "
                                       "Requested time limit is invalid\n"}},
         ["--time-limit", "99:00:00"], 2, "--time-limit: sbatch: Batch job submission failed"),
        ({"sbatch": {"out": "hello\n"}}, [], 2, "expected a job id, got hello"),
        ({}, ["--after", "nobody"], 2, "no run nobody"),
        ({}, ["--after", "failed"], 2, "--after failed: the run is failed on engine slurm"),
        ({}, ["--image", "x.sif"], 2, "--container"),
        ({}, ["--shards", "2"], 2, "synthesize has no --shard"),
        ({}, ["--claim", "x"], 2, "--claim: not supported by --engine slurm"),
        ({}, ["--time-limit", "soon"], 2, "--time-limit"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(
    workspace: Path, cluster: FakeCommands, answers: dict[str, dict[str, object]], code: int,
    words: list[str], complaint: str, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    written(workspace, "failed", run_id="failed")
    monkeypatch.setattr(_call, "PATIENCE", 1.0)
    cluster.answer(answers)
    begun = time.monotonic()
    assert submit(workspace, "synthesize", *words) == code
    assert time.monotonic() - begun < 5
    shown = capfd.readouterr()
    assert complaint in shown.err
    assert shown.err.strip().count("\n") == 0
    new = [r for r in read_runs(workspace) if r.run_id != "failed"]
    assert [(r.state, r.exit_code) for r in new] == ([("failed", code)] if answers else [])
    if answers:
        assert cluster.calls("scancel") == [[f"--name=cxr-{new[0].run_id}"]]


NODES = "idle|8|32000|(null)\nmix|16|64000+|gpu:2\n"


@pytest.mark.parametrize(
    ("words", "nodes", "complaint"),
    [
        (["--memory", "100G"], NODES, "--memory 100G: no node has that (Requested node"),
        (["--cpus", "999", "--memory", "1G"], NODES, "--cpus 999: no node"),
        (["--cpus", "16", "--memory", "64G", "--gpus", "1"], NODES, "--memory 64G: no node"),
        (["--memory", "32000M", "--gpus", "9"], NODES, "--memory 32000M, --gpus 9: no node"),
        (["--gpus", "1"], "idle|8|32000|\ndown*|64|999999|\n", "--gpus 1: no node has that"),
        ([], NODES, "sbatch: Requested node configuration is not available"),
        # For now there is no such node in service, but there is one.
        (["--memory", "100G"], NODES + "drain|64|128000|(null)\n", None),
        (["--gpus", "1"], NODES + "idle*|64|128000|gpu:a100:4(S:0)\n", None),
        ([], "down|8|32000|(null)\n", None),
    ],
)
def test_what_no_node_has_is_refused_before_it_waits_for_ever(
    workspace: Path, cluster: FakeCommands, words: list[str], nodes: str, complaint: str | None,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    cluster.answer({
        **QUEUED, "sbatch --test-only": {"code": 1, "err": NO_NODE}, "sinfo": {"out": nodes},
    })  # fmt: skip
    assert submit(workspace, "synthesize", "--partition", "p", *words) == (2 if complaint else 0)
    assert (complaint or "") in capfd.readouterr().err
    assert "--partition=p" in cluster.calls("sinfo")[0]
    assert len(cluster.calls("sbatch")) == (1 if complaint else 2)
    assert workspace.exists() == (complaint is None)


def test_a_slurm_that_is_down_is_told_before_anything_is_written(
    workspace: Path, cluster: FakeCommands, capfd: pytest.CaptureFixture[str]
) -> None:
    down = "allocation failure: Unable to contact slurm controller (connect failure)\n"
    cluster.answer({"sbatch": {"code": 1, "err": down}})
    assert submit(workspace) == 75
    assert "does not answer (Unable to contact slurm" in capfd.readouterr().err
    assert not workspace.exists()


def test_a_trial_that_complains_of_something_else_is_left_to_the_queue(
    workspace: Path, cluster: FakeCommands
) -> None:
    passing = "allocation failure: Requested partition configuration not available now\n"
    cluster.answer(QUEUED | {"sbatch --test-only": {"code": 1, "err": passing}})
    assert submit(workspace) == 0


def test_without_slurm_it_says_where_to_go(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("PATH", str(tmp_path))
    assert submit(workspace) == 2
    assert "run this on a login node" in capfd.readouterr().err
    written(workspace)
    assert run(["cancel", "a", "--workspace", str(workspace)]) == 2
    assert "run this on a login node" in capfd.readouterr().err


def test_a_silent_slurm_leaves_the_list_as_recorded(
    workspace: Path, cluster: FakeCommands, capfd: pytest.CaptureFixture[str]
) -> None:
    written(workspace, "submitted")
    down = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n"
    cluster.answer({"squeue": {"code": 1, "err": down}})
    assert run(["runs", "--workspace", str(workspace)]) == 0
    shown = capfd.readouterr()
    assert "showing the last recorded states: Slurm does not answer" in shown.err
    assert "\tsubmitted\t" in shown.out
    assert run(["cancel", "a", "--workspace", str(workspace)]) == 75


def test_a_requeued_job_keeps_its_engine(
    workspace: Path, cluster: FakeCommands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second start of a run finds the record of the first, in whatever state it was left."""
    for state in ("submitted", "running", "interrupted"):
        written(workspace, state, run_id=state)
        record = read_record(run_folder(workspace, state))
        runs.write_record(workspace, replace(record, job="synthesize"))
        monkeypatch.setenv("CXR_RUN_ID", state)
        words = ["--subjects", "4", "--size", "32", "--workers", "1"]
        assert run(["synthesize", *words, "--workspace", str(workspace)]) == 0
        record = read_record(run_folder(workspace, state))
        assert (record.state, record.engine, record.engine_id) == ("succeeded", "slurm", "17")
