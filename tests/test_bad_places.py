"""Workspaces that cannot be written: exit code 3; and odd ones that can."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from chain import COMMANDS, CXR, words
from forked import start
from refusals import Refuse

from data_contracts import lock
from data_contracts.catalog import contracts
from data_contracts.run import read_runs
from data_contracts.store import verify
from jobs._cli import run
from jobs._registry import find_jobs

STEPS = [s for s in COMMANDS if "insurance" not in s]
PAGE = 4096
pytestmark = pytest.mark.usefixtures("undrawn")
each_step = pytest.mark.parametrize("step", STEPS)


def command(step: str, workspace: Path, source: Path | None = None) -> list[str]:
    """The step's words; its images and tables lie in `source`, a workspace too."""
    return [*words(step, source or workspace)[1:], "--force"]


def written_places(step: str) -> list[str]:
    keys = {"task": "mortality", "name": "main", "shard": "1", "shards": "1"}
    keys |= {"method": "gradcam", "split": "test"}
    return [c.path_template.format(**keys) for c in find_jobs()[step.split()[0]].writes]


@pytest.fixture(scope="module")
def disk(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk that holds a finished workspace and little else."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=700m", "none", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine does not let us mount a tmpfs: {done.stderr.strip()}")
    try:
        ignored = shutil.ignore_patterns("runs", ".locks", "source")
        shutil.copytree(finished, folder / "workspace", ignore=ignored)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path, pages: int) -> Path:
    """Leave `pages` free pages on the disk."""
    shutil.rmtree(disk / "workspace" / "runs", ignore_errors=True)
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    state = os.statvfs(disk)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, state.f_bavail * state.f_frsize - pages * PAGE)
    return filler


def artifacts(workspace: Path) -> dict[str, str]:
    return {
        path.relative_to(workspace).as_posix(): verify(path).digest
        for contract in contracts().values()
        for path in contract.find(workspace)
    }


@each_step
def test_a_full_disk(step: str, disk: Path, finished: Path, refuse: Refuse) -> None:
    workspace = disk / "workspace"
    before = artifacts(workspace)
    # First the run record cannot be written, then the locks, at last the job's own artifact.
    enough = {"aggregate": 60, "extract": 5, "explain mortality": 5}.get(step, 12)
    for pages in (0, 1, 2, 3, enough):
        filler = fill(disk, pages)
        try:
            line = refuse(command(step, workspace, finished), 3, workspace, recorded=pages > 5)
        finally:
            filler.unlink()
        assert line.startswith(f"no space left to write {workspace}")
        assert line.endswith("free some and run the same command again")
        assert ("/runs/" in line or "/.locks/" in line) == (pages <= 3)
    assert artifacts(workspace).items() <= before.items()
    assert run([*command(step, workspace, finished), f"--workspace={workspace}"]) == 0
    assert artifacts(workspace) == before


@each_step
def test_a_disk_that_is_read_only(step: str, disk: Path, finished: Path, refuse: Refuse) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    try:
        line = refuse(command(step, disk / "workspace", finished), 3, disk / "workspace")
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert line.startswith(f"cannot write {disk / 'workspace'}")
    assert line.endswith("(read-only file system); choose a writable folder with --workspace")


@each_step
def test_a_workspace_that_is_a_file(step: str, tmp_path: Path, refuse: Refuse) -> None:
    (tmp_path / "file").write_text("mine")
    for workspace in (tmp_path / "file", tmp_path / "file" / "below"):
        line = refuse(command(step, workspace), 3, workspace)
        assert line.endswith("(not a directory); choose a writable folder with --workspace")
    assert (tmp_path / "file").read_text() == "mine"


@each_step
def test_a_folder_where_an_artifact_belongs(step: str, copy: Path, refuse: Refuse) -> None:
    path = copy / written_places(step)[0]
    path.unlink()
    path.mkdir()
    line = refuse(command(step, copy), 3, copy)
    assert line.startswith(
        f"cannot write {copy}/{step[:5]}" if step == "synthesize" else f"cannot write {path}"
    )
    assert "(is a directory)" in line


@each_step
def test_a_second_writer_names_the_first(step: str, copy: Path, refuse: Refuse) -> None:
    place = written_places(step)[-1]
    with lock.hold(copy, [place], "run the-first on this-host"):
        line = refuse(command(step, copy), 75, copy)
    assert line.startswith(f"{copy / place} is being written by run the-first on this-host; ")
    assert line.endswith("then run the same command again")


def test_who_reads_stdout_may_have_had_enough(finished: Path) -> None:
    words = [str(CXR), "inspect", str(finished / "cohort" / "cohort.parquet")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_log_on_a_full_disk_ends_no_job(copy: Path) -> None:
    with Path("/dev/full").open("w") as full:
        chosen = [str(CXR), *command("extract", copy), "--workspace", str(copy)]
        done = subprocess.run(chosen, stderr=full, check=False)
    assert done.returncode == 0
    assert [r.state for r in read_runs(copy)] == ["succeeded"]


@pytest.mark.parametrize("where", ["a name of many letters", "a link", "relative", "a slash"])
def test_odd_workspaces_are_as_good_as_any(
    where: str, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole chain, or what is quick of it, on a workspace of an odd name."""
    folder = tmp_path / "Ärzte Daten 'x' [1]* {y}"
    folder.mkdir()
    if where == "a link":
        (tmp_path / "link").symlink_to(folder)
        folder = tmp_path / "link"
    monkeypatch.chdir(tmp_path)
    workspace = {"relative": folder.name, "a slash": f"{folder}/"}.get(where, str(folder))
    for step in STEPS if where.startswith("a name") else STEPS[:2]:
        chosen = [*words(step, Path(workspace))[1:], "--workspace", workspace]
        running = start(chosen, tmp_path / "told")
        assert running.end() == 0, running.told.read_text()
        assert "Traceback" not in running.told.read_text()
        again = start(chosen, tmp_path / "told")
        assert again.end() == 0
        assert "up to date" in again.told.read_text()
    made = artifacts(folder)
    assert made
    wanted = artifacts(finished)
    assert {k: v for k, v in made.items() if not k.startswith("summary")} == {
        k: wanted[k] for k in made if not k.startswith("summary")
    }


@pytest.mark.parametrize("given", ["flag", "environment", "relative"])
@pytest.mark.parametrize(
    "words",
    [*([*c, "--force"] for s, c in COMMANDS.items() if s in STEPS), ["runs"], ["cancel", "run-1"],
     ["run", "--dry-run"], ["dashboard"]],
    ids=lambda words: words[0],
)  # fmt: skip
def test_a_workspace_whose_name_is_no_text_is_refused(
    words: list[str], given: str, tmp_path: Path, refuse: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / os.fsdecode(b"data-\xff")
    folder.mkdir()
    words = [word.format(source="nowhere") for word in words]
    if given == "flag":
        words += ["--workspace", str(folder)]
    elif given == "environment":
        monkeypatch.setenv("CXR_WORKSPACE", str(folder))
    else:
        monkeypatch.chdir(folder)
    told = refuse(words, 2)
    assert f"{tmp_path}/data-\\xff" in told
    assert "holds bytes that are no text; rename it" in told
    assert list(folder.iterdir()) == []


def test_an_artifact_whose_path_is_no_text_is_not_inspected(refuse: Refuse) -> None:
    told = refuse(["inspect", os.fsdecode(b"/data-\xff/cohort.parquet")], 2)
    assert told.startswith("/data-\\xff/cohort.parquet holds bytes that are no text")
