"""What killed runs have left is removed by the next success, and never taken up by another."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from chain import COMMANDS, words

from data_contracts import lock
from data_contracts.atomic import temporaries
from data_contracts.header import HEADER_KEY, Header
from data_contracts.run import read_runs
from jobs import _chunks
from jobs._cli import run
from jobs._registry import find_jobs

STEPS = {step.split()[0]: step for step in COMMANDS}
GOING_ON = "resuming at"
CHECKPOINT = "models/mortality/main/checkpoint.h5"


def command(step: str, workspace: Path) -> list[str]:
    return [*words(step, workspace)[1:], "--workspace", str(workspace)]


def keys_of(step: str) -> dict[str, str]:
    task = step.rpartition(" ")[2]
    models = {"task": task, "name": "main", "method": "gradcam", "split": "test"}
    return models | {"shard": "1", "shards": "1"}


def leftovers(step: str, workspace: Path) -> list[Path]:
    """Everything that a kill of this step could leave, made up."""
    spec, keys = find_jobs()[step.split()[0]], keys_of(step)
    left = [workspace / place.format(**keys) for place in spec.checkpoints]
    for place in (*(c.path_template for c in spec.writes), *spec.checkpoints, *spec.files):
        left += temporaries(workspace / place.format(**keys))
    if "preprocess" in step:
        folder = workspace / "images"
        left += [folder / ".chunks-2-of-3", folder / ".images-2-of-3.h5.partial"]
    for path in left:
        if any(kind in path.name for kind in (".h5", ".parquet", ".html", ".pdf")):
            path.write_bytes(b"half")
        else:
            path.mkdir(exist_ok=True)
            (path / "images-00000.h5").write_bytes(b"half")
    return left


def hidden(workspace: Path) -> set[str]:
    return {p.name for p in workspace.rglob(".*")} - {".locks"}


@pytest.mark.parametrize("force", [False, True], ids=["up to date", "forced"])
@pytest.mark.parametrize("job", STEPS)
@pytest.mark.usefixtures("undrawn")
def test_the_next_success_leaves_nothing_behind(job: str, force: bool, copy: Path) -> None:
    step = STEPS[job]
    left = leftovers(step, copy)
    assert run([*command(step, copy), *(["--force"] if force else [])]) == 0
    assert not [path for path in left if path.exists()]
    assert not hidden(copy)


def test_chunks_that_another_run_may_still_need_stay(copy: Path) -> None:
    leftovers("preprocess", copy)
    theirs = "images/images-2-of-3.h5"
    with lock.hold(copy, [theirs], "another run"):
        assert run(command("preprocess", copy)) == 0
    assert hidden(copy) == {".chunks-2-of-3", ".images-2-of-3.h5.partial"}
    assert run(command("preprocess", copy)) == 0
    assert not hidden(copy)


def test_another_models_checkpoint_stays(copy: Path) -> None:
    other = copy / "models" / "mortality" / "second" / "checkpoint.h5"
    other.parent.mkdir()
    other.write_bytes(b"another training")
    assert run(command("train-task mortality", copy)) == 0
    assert other.exists()


@pytest.fixture(scope="module")
def interrupted(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a training that was stopped after its first batch."""
    from jobs._job import Job

    workspace = tmp_path_factory.mktemp("interrupted") / "workspace"
    shutil.copytree(finished, workspace, ignore=shutil.ignore_patterns("runs", ".locks", "source"))
    save = Job.save_checkpoint

    def save_and_stop(self: Job, *args: object, **facts: object) -> None:
        save(self, *args, **facts)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Job, "stop_requested", True)
        patch.setattr(Job, "save_checkpoint", save_and_stop)
        assert run(training(workspace)) == 75
    assert (workspace / CHECKPOINT).exists()
    return workspace


@pytest.fixture
def stopped(interrupted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(interrupted, tmp_path / "workspace"))


def training(workspace: Path) -> list[str]:
    return [*command("train-task mortality", workspace), "--seed", "3"]


def test_a_checkpoint_is_taken_up_once(stopped: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(training(stopped)) == 0
    assert GOING_ON in capfd.readouterr().err


def test_force_begins_anew(stopped: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run([*training(stopped), "--force"]) == 0
    assert GOING_ON not in capfd.readouterr().err


def test_a_forced_run_that_a_cluster_requeues_goes_on(
    stopped: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXR_RUN_ID", read_runs(stopped)[-1].run_id)
    assert run([*training(stopped), "--force"]) == 0
    assert GOING_ON in capfd.readouterr().err


def test_a_checkpoint_of_another_version_is_not_taken_up(
    stopped: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = stopped / CHECKPOINT
    with h5py.File(path, "a") as file:
        header = Header.from_json(bytes(file.attrs[HEADER_KEY]), path)
        older = Header(**vars(header) | {"package_version": "0.0.1"})
        file.attrs[HEADER_KEY] = np.bytes_(older.to_json())
    assert run(training(stopped)) == 0
    assert GOING_ON not in capfd.readouterr().err


def test_force_reuses_no_chunk(
    copy: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in copy.glob("images/*"):
        path.unlink()
    monkeypatch.setattr(_chunks, "join", _interrupt)
    assert run(command("preprocess", copy)) == 75
    (folder,) = copy.glob("images/.chunks-*")
    monkeypatch.undo()
    before = {p: p.stat().st_ino for p in folder.iterdir()}
    monkeypatch.setattr(_chunks, "join", _interrupt)
    assert run(command("preprocess", copy)) == 75
    assert {p: p.stat().st_ino for p in folder.iterdir()} == before
    assert run([*command("preprocess", copy), "--force"]) == 75
    assert {p: p.stat().st_ino for p in folder.iterdir()} != before
    shutil.rmtree(folder)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
