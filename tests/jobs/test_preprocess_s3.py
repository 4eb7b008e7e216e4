"""`cxr preprocess` with its images in an object store: the same as from a folder."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from object_store import BUCKET, KEY, SECRET, ObjectStore, object_store  # noqa: F401
from pipelines import planned, settings, words
from refusals import Refuse

from cxrcore import pixels
from cxrcore.pixels import ProcessedImage, RejectedImage, prepare_from
from cxrcore.pixels.image_files import Root
from data_contracts.cohort import COHORT
from data_contracts.images import IMAGE_REJECTS, IMAGES
from data_contracts.run import read_runs
from data_contracts.store import Provenance, read_table, verify, write_table
from jobs import _chunks
from jobs._cli import run

ROOT = f"s3://{BUCKET}/mimic-cxr"


@pytest.fixture(scope="module")
def drawn(object_store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """A workspace with a cohort and its DICOM files, which lie in the store as well."""
    workspace = tmp_path_factory.mktemp("drawn")
    source = workspace / "synthetic" / "source"
    where = ["--workspace", str(workspace)]
    assert run(["synthesize", "--subjects", "30", "--size", "64", *where]) == 0
    tables = [f"--mimic-iv={source}/mimic-iv", f"--mimic-cxr={source}/mimic-cxr"]
    assert run(["extract", *tables, *where]) == 0
    object_store.put(source / "mimic-cxr", ROOT)
    return workspace


@pytest.fixture
def place(drawn: Path, tmp_path: Path) -> Path:
    """A workspace of a test's own, with the cohort."""
    shutil.copytree(drawn / "cohort", tmp_path / "workspace" / "cohort")
    return tmp_path / "workspace"


def preprocess(place: Path, root: Root = ROOT, *flags: str, workers: int = 0) -> int:
    where = ["--root", str(root), "--workspace", str(place), "--workers", str(workers)]
    return run(["preprocess", *where, "--size", "32", *flags])


def digests(place: Path, shard: int = 1, shards: int = 1) -> list[str]:
    keys = {"shard": str(shard), "shards": str(shards)}
    return [verify(c.path(place, **keys)).digest for c in (IMAGES, IMAGE_REJECTS)]


@pytest.fixture
def whole(drawn: Path, tmp_path: Path) -> list[str]:
    """The digests of the store and the rejects as they are made from the folder."""
    shutil.copytree(drawn / "cohort", tmp_path / "from-folder" / "cohort")
    assert preprocess(tmp_path / "from-folder", drawn / "synthetic/source/mimic-cxr") == 0
    return digests(tmp_path / "from-folder")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_url_gives_what_the_folder_gives(workers: int, place: Path, whole: list[str]) -> None:
    assert preprocess(place, ROOT + "/", workers=workers) == 0
    assert digests(place) == whole
    assert read_runs(place)[-1].config["root"] == ROOT


def test_moving_to_an_object_store_keeps_the_result_up_to_date(
    place: Path, drawn: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert preprocess(place, drawn / "synthetic/source/mimic-cxr") == 0
    assert preprocess(place) == 0
    assert "up to date" in capfd.readouterr().err


def test_shards_from_a_url_are_those_from_the_folder(place: Path, drawn: Path) -> None:
    made = []
    for root in (ROOT, drawn / "synthetic/source/mimic-cxr"):
        for shard in (1, 2):
            assert preprocess(place, root, "--shard", f"{shard}/2", "--force") == 0
            made.append(digests(place, shard, 2))
    assert made[:2] == made[2:]
    assert made[0] != made[1]


def on_image(number: int, act: Callable[[], None]) -> tuple[list[str], Callable[..., object]]:
    """The paths prepared so far, and a `prepare_from` that acts before its `number`-th call."""
    seen: list[str] = []

    def prepare(root: Root, relative: str, *how: Any) -> ProcessedImage | RejectedImage:
        seen.append(relative)
        if len(seen) == number:
            act()
        return prepare_from(root, relative, *how)

    return seen, prepare


@pytest.mark.parametrize(("fault", "code"), [("down", 75), ("denied", 4)])
def test_a_store_that_fails_in_the_middle_makes_no_rejects(
    fault: str, code: int, place: Path, whole: list[str], object_store: ObjectStore,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(_chunks, "CHUNK_SIZE", 5)
    act = object_store.stop if fault == "down" else object_store.deny
    _, prepare = on_image(12, act)
    monkeypatch.setattr(pixels, "prepare_from", prepare)
    try:
        assert preprocess(place) == code
    finally:
        object_store.start() if fault == "down" else object_store.deny(after=float("inf"))
    assert not list(place.glob("images/images*"))
    assert "run the same command to resume" in capfd.readouterr().err.splitlines()[-1]
    assert read_runs(place)[-1].state == ("interrupted" if fault == "down" else "failed")
    later, prepare = on_image(0, object_store.stop)
    monkeypatch.setattr(pixels, "prepare_from", prepare)
    assert preprocess(place) == 0
    assert digests(place) == whole
    everything = read_table(COHORT, COHORT.path(place)).frame["path"].to_list()
    assert later == everything[10:]


def test_chunks_of_another_url_are_not_used(
    place: Path, drawn: Path, object_store: ObjectStore,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    other = f"s3://{BUCKET}/copy"
    object_store.put(drawn / "synthetic/source/mimic-cxr", other)
    monkeypatch.setattr(_chunks, "CHUNK_SIZE", 5)
    _, prepare = on_image(12, lambda: os.kill(os.getpid(), signal.SIGTERM))
    monkeypatch.setattr(pixels, "prepare_from", prepare)
    assert preprocess(place) == 75
    later, prepare = on_image(0, object_store.stop)
    monkeypatch.setattr(pixels, "prepare_from", prepare)
    assert preprocess(place, other) == 0
    assert later == read_table(COHORT, COHORT.path(place)).frame["path"].to_list()


def test_workers_bring_the_fault_of_a_store_home(
    place: Path, object_store: ObjectStore  # noqa: F811
) -> None:  # fmt: skip
    # Two requests look whether the root is there; a few images, and access is withdrawn.
    object_store.deny(after=5)
    try:
        assert preprocess(place, workers=2) == 4
    finally:
        object_store.deny(after=float("inf"))
    assert not list(place.glob("images/images*"))


def test_a_key_that_is_missing_is_a_reject(place: Path) -> None:
    path = COHORT.path(place)
    cohort = read_table(COHORT, path)
    paths = pl.Series("path", ["files/none.dcm", *cohort.frame["path"][1:]])
    frame, attributes = cohort.frame.with_columns(paths), dict(cohort.header.attributes)
    write_table(COHORT, path, frame, Provenance("extract", {}), attributes)
    assert preprocess(place) == 0
    rejects = read_table(IMAGE_REJECTS, IMAGE_REJECTS.path(place, shard="1", shards="1")).frame
    assert rejects.select("path", "reason").row(0) == ("files/none.dcm", "missing_file")
    assert rejects["reason"].to_list().count("missing_file") == 1


def test_a_root_that_cannot_be_used_is_refused_before_any_work(
    place: Path, refuse: Refuse, object_store: ObjectStore  # noqa: F811
) -> None:  # fmt: skip
    flags = ["preprocess", "--root"]
    assert "no such bucket" in refuse([*flags, "s3://no-such-bucket/x"], 4, place)
    assert "no objects under that prefix" in refuse([*flags, f"s3://{BUCKET}/none"], 4, place)
    assert "unknown" in refuse([*flags, f"fax://{BUCKET}"], 2, place)
    object_store.deny()
    assert "access denied" in refuse([*flags, ROOT], 4, place)
    object_store.deny(after=float("inf"))
    object_store.stop()
    assert "does not answer" in refuse([*flags, ROOT], 4, place)
    object_store.start()
    assert not (place / "images").exists()


@pytest.mark.parametrize(
    "url",
    [f"s3://{KEY}:{SECRET}@{BUCKET}/x", f"s3://{KEY}:{SECRET}/x", f"s3://{SECRET}@{BUCKET}",
     f"s3://{BUCKET}/x?X-Amz-Signature={SECRET}", f"https://{KEY}:{SECRET}@127.0.0.1/x",
     f"S3://{SECRET}@{BUCKET}", "file:///radiographs", "s3://", "s3:///radiographs", "simplecache::s3://b/x"],
)  # fmt: skip
def test_a_url_with_a_secret_or_without_sense_is_refused_and_not_repeated(
    url: str, place: Path, refuse: Refuse
) -> None:
    said = refuse(["preprocess", "--root", url], 2, place)
    assert SECRET not in said
    assert KEY not in said
    assert said.startswith("--root: ")
    assert not (place / "runs").exists()


def test_no_secret_lands_in_the_workspace(place: Path) -> None:
    assert preprocess(place) == 0
    for file in place.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes()
            assert KEY.encode() not in file.read_bytes()


def test_the_pipeline_takes_a_url(
    drawn: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = settings(tmp_path, preprocess={"root": ROOT})
    plan = planned(capfd, *words(file, drawn, "--shards", "2"))
    assert plan["preprocess 2/2"] == "does not exist yet"
    bad = settings(tmp_path, preprocess={"root": f"s3://{KEY}:{SECRET}@{BUCKET}"})
    assert run([*words(bad, drawn), "--dry-run"]) == 2
    assert SECRET not in capfd.readouterr().err


@pytest.mark.parametrize(
    "engine",
    [["docker"], ["slurm", "--container", "docker"], ["slurm", "--container", "apptainer"],
     ["kubernetes"]],
)  # fmt: skip
def test_engines_pass_the_url_and_no_secret(
    engine: list[str], object_store: ObjectStore, tmp_path: Path,  # noqa: F811
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    where = ["--workspace", str(tmp_path), "--engine", *engine, "--dry-run"]
    assert run(["submit", "preprocess", "--root", ROOT, *where]) == 0
    shown = capfd.readouterr().out
    assert f"--root={ROOT}" in shown
    assert "--network=none" not in shown
    assert SECRET not in shown
    assert object_store.endpoint not in shown
    assert ("cxr-store" if engine == ["kubernetes"] else "AWS_SECRET_ACCESS_KEY") in shown
    assert shown.count("type=bind") == (0 if engine == ["kubernetes"] else 1)
    assert run(["submit", "preprocess", "--root", str(tmp_path), *where]) == 0
    shown = capfd.readouterr().out
    assert "AWS_" not in shown
    assert "cxr-store" not in shown
