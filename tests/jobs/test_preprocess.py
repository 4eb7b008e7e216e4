"""`cxr preprocess` from the command line: what it writes, refuses, and takes up again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from radiographs import dataset, saved, thorax

from cxrcore import pixels
from cxrcore.pixels import ProcessedImage, RejectedImage, prepare_from
from data_contracts.cohort import COHORT
from data_contracts.images import IMAGE_REJECTS, IMAGES
from data_contracts.store import (
    Provenance,
    open_arrays,
    read_header,
    read_table,
    verify,
    write_table,
)
from jobs import _chunks
from jobs._cli import run

N = 22
BAD = {3: "missing_file", 8: "not_decodable", 15: "blank"}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workspace with a cohort of 22 images, and their root: 11 PNG, 11 JPEG, three unusable."""
    rng, root = np.random.default_rng(0), tmp_path / "root"
    root.mkdir()
    paths = [f"image{i:02d}.{'png' if i % 2 else 'jpg'}" for i in range(N)]
    for number, name in enumerate(paths):
        Image.fromarray(rng.integers(0, 256, (50, 44), np.uint8)).save(root / name)
        if BAD.get(number) == "missing_file":
            (root / name).unlink()
        elif BAD.get(number) == "not_decodable":
            (root / name).write_bytes((root / name).read_bytes()[:200])
        elif BAD.get(number) == "blank":
            Image.fromarray(np.full((50, 44), 9, np.uint8)).save(root / name)
    one = pl.DataFrame(COHORT.example()).head(1)
    numbered = [pl.Series(c, [f"{c}{i:02d}" for i in range(N)]) for c in ("image_id", "subject_id")]
    frame = pl.concat([one] * N).with_columns(*numbered, pl.Series("path", paths))
    origin = Provenance("extract", {})
    write_table(COHORT, COHORT.path(tmp_path), frame, origin, COHORT.example_attributes)
    return tmp_path


def preprocess(
    place: Path,
    *flags: str,
    root: str = "root",
    workers: int = 0,
    size: int = 32,
    most: float = 0.5,
) -> int:
    return run(
        ["preprocess", "--root", str(place / root), "--workspace", str(place), "--size", str(size),
         "--workers", str(workers), "--max-reject-fraction", str(most), *flags]
    )  # fmt: skip


def test_a_person_can_look_before_training(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A bright border round a dark middle.
    dark = np.full((50, 44), 240, np.uint8)
    dark[8:-8, 8:-8] = 20
    for i in set(range(N)) - set(BAD):
        Image.fromarray(255 - dark).save(
            place / "root" / f"image{i:02d}.{'png' if i % 2 else 'jpg'}"
        )
    assert preprocess(place) == 0
    sheets = sorted(p.name for p in (place / "images").glob("*.png"))
    assert sheets == ["contact-sheet-1-of-1.png"]
    assert "look at images/contact-sheet-1-of-1.png: 19 of 19 images" in capsys.readouterr().err
    with Image.open(path := place / "images" / sheets[0]) as sheet:
        assert sheet.mode == "L"
        assert sheet.size == (8 * 150 + 6, 3 * 166 + 30)
    before = path.read_bytes()
    Image.fromarray(dark).save(place / "root" / "image01.png")
    assert preprocess(place, "--force") == 0
    assert "polarity-suspect-1-of-1.png: 1 of 1 images whose border" in capsys.readouterr().err
    assert path.read_bytes() != before
    suspect = path.with_name("polarity-suspect-1-of-1.png")
    assert suspect.exists()
    again = path.read_bytes(), suspect.read_bytes()
    assert preprocess(place, "--force") == 0
    assert (path.read_bytes(), suspect.read_bytes()) == again
    Image.fromarray(255 - dark).save(place / "root" / "image01.png")
    assert preprocess(place, "--force") == 0
    assert not suspect.exists()


def test_16_bit_keep_the_same_brightness_in_finer_steps(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stores: list[dict[str, Any]] = []
    for dtype in ("uint8", "uint16"):
        assert preprocess(place, f"--dtype={dtype}") == 0
        with open_arrays(IMAGES, IMAGES.path(place, shard="1", shards="1"), verify=True) as store:
            stores.append({name: store.read(name) for name in store.names()})
    eight, sixteen = stores
    assert (eight["pixels"].dtype, sixteen["pixels"].dtype) == (np.uint8, np.uint16)
    assert np.abs(sixteen["pixels"] / 65535 - eight["pixels"] / 255).max() <= 0.5001 / 255
    assert len(np.unique(sixteen["pixels"])) > 1000
    assert (sixteen["image_id"] == eight["image_id"]).all()
    with Image.open(place / "images" / "contact-sheet-1-of-1.png") as sheet:
        assert np.asarray(sheet)[40:180].std() > 20
    capsys.readouterr()
    assert run(["inspect", str(IMAGES.path(place, shard="1", shards="1"))]) == 0
    assert "uint16" in capsys.readouterr().out


def test_near_duplicates_within_a_study_are_counted_and_kept(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Every image of this cohort is of one study.
    with Image.open(place / "root" / "image01.png") as first:
        Image.fromarray(np.asarray(first) // 2 + 40).save(place / "root" / "image03.png")
    assert preprocess(place) == 0
    assert "1 pairs of images of one study show nearly the same" in capsys.readouterr().err
    path = IMAGE_REJECTS.path(place, shard="1", shards="1")
    assert read_header(path).attributes["near_duplicate_pairs"] == 1
    assert "image_id03" not in rejects(place)
    cohort = read_table(COHORT, COHORT.path(place)).frame.with_columns(study_id="image_id")
    origin = Provenance("extract", {})
    write_table(COHORT, COHORT.path(place), cohort, origin, COHORT.example_attributes)
    assert preprocess(place) == 0
    assert read_header(path).attributes["near_duplicate_pairs"] == 0
    assert preprocess(place, "--shard", "1/2") == 0
    shard = IMAGE_REJECTS.path(place, shard="1", shards="2")
    assert read_header(shard).attributes.get("near_duplicate_pairs") is None


@pytest.mark.parametrize("there", [".dcm", ".jpg"])
def test_the_edition_that_the_root_holds_is_read_whole(
    there: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort = read_table(COHORT, COHORT.path(place))
    named = ".jpg" if there == ".dcm" else ".dcm"
    paths = [f"x{i:02d}{named}" for i in range(N)]
    for i in range(1, N):
        shutil.copy(place / "root" / "image01.png", place / "root" / f"x{i:02d}{there}")
    frame = cohort.frame.with_columns(pl.Series("path", paths))
    origin = Provenance("extract", {})
    write_table(COHORT, COHORT.path(place), frame, origin, COHORT.example_attributes)
    assert preprocess(place) == 0
    assert (
        f"none of the cohort's *{named}, but the same images as *{there}" in capsys.readouterr().err
    )
    assert rejects(place) == {"image_id00": "missing_file"}
    # With one of its own the root holds the cohort's edition, and the others are missing.
    shutil.copy(place / "root" / "image01.png", place / "root" / paths[0])
    assert preprocess(place, "--force", most=1) == 0
    assert len(rejects(place)) == N - 1


def test_dicom_and_jpeg_in_one_store_are_reported(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert preprocess(place) == 0
    assert "DICOM and JPEG" not in capsys.readouterr().err
    saved(dataset(thorax()), tmp := place / "root").rename(tmp / "image01.png")
    assert preprocess(place, "--force") == 0
    assert "DICOM and JPEG are in one store" in capsys.readouterr().err


def digest(place: Path, shard: str = "1", shards: str = "1") -> str:
    return verify(IMAGES.path(place, shard=shard, shards=shards)).digest


def rejects(place: Path) -> dict[str, str]:
    frame = read_table(IMAGE_REJECTS, IMAGE_REJECTS.path(place, shard="1", shards="1")).frame
    return dict(frame.select("image_id", "reason").iter_rows())


def test_every_image_is_in_the_store_or_among_the_rejects(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert preprocess(place) == 0
    with open_arrays(IMAGES, IMAGES.path(place, shard="1", shards="1"), verify=True) as store:
        assert store.read("image_id").tolist() == [
            f"image_id{i:02d}" for i in range(N) if i not in BAD
        ]
        assert store.header.attributes["formats"] == ["jpeg", "png"]
        assert (store.read("source_size") == (50, 44)).all()
        first = prepare_from(place / "root", "image00.jpg", 32)
        assert isinstance(first, ProcessedImage)
        assert (store.read("pixels", 0) == first.pixels).all()
        assert tuple(store.read("content_bbox", 0)) == first.content_bbox
    assert rejects(place) == {f"image_id{i:02d}": reason for i, reason in BAD.items()}
    said = capsys.readouterr().err
    assert "19 of 22 images" in said
    assert "missing_file 1" in said
    assert "image0" not in said
    assert "image_id" not in said


def test_the_number_of_workers_changes_nothing(place: Path) -> None:
    assert preprocess(place, workers=1) == 0
    alone = digest(place)
    assert preprocess(place, "--force", workers=3) == 0
    assert digest(place) == alone


def test_shards_are_contiguous_slices_of_the_whole(place: Path) -> None:
    pieces = []
    for shard in ("1", "2", "3"):
        assert preprocess(place, "--shard", f"{shard}/3") == 0
        with open_arrays(IMAGES, IMAGES.path(place, shard=shard, shards="3")) as store:
            pieces += store.read("image_id").tolist()
            assert store.header.attributes["shard"] == int(shard)
    assert pieces == [f"image_id{i:02d}" for i in range(N) if i not in BAD]


@pytest.mark.parametrize("shard", ["0/1", "2/1", "1", "1/0", "a/b", "1/23"])
def test_a_shard_that_cannot_be_is_refused(shard: str, place: Path) -> None:
    assert preprocess(place, "--shard", shard) == 2
    assert not list(place.glob("images/*"))


def test_wrong_roots_are_refused_and_leave_nothing(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert preprocess(place, root="nowhere") == 4
    assert "is not a folder" in capsys.readouterr().err
    (place / "empty").mkdir()
    assert preprocess(place, root="empty") == 4
    assert "none of the 22 images is usable: missing_file 22" in capsys.readouterr().err
    assert not list(place.glob("images/*"))
    assert preprocess(place) == 0
    assert preprocess(place, root="nowhere") == 4
    assert preprocess(place) == 0
    assert "up to date" in capsys.readouterr().err


def test_an_empty_cohort_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = COHORT.path(place)
    empty = read_table(COHORT, path).frame.clear()
    write_table(COHORT, path, empty, Provenance("extract", {}), COHORT.example_attributes)
    assert preprocess(place) == 4
    assert "no images" in capsys.readouterr().err


def on_image(number: int, act: Callable[[], None]) -> Callable[..., ProcessedImage | RejectedImage]:
    """`prepare_from` that acts before its `number`-th call."""
    calls = 0

    def prepare(root: Path, relative: str, *how: Any) -> ProcessedImage | RejectedImage:
        nonlocal calls
        calls += 1
        if calls == number:
            act()
        return prepare_from(root, relative, *how)

    return prepare


@pytest.fixture
def interrupted(place: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str, list[str]]:
    """A run stopped at its 12th image; the digest it should have had; what is prepared later."""
    assert preprocess(place) == 0
    whole = digest(place)
    for path in place.glob("images/*"):
        path.unlink()
    monkeypatch.setattr(_chunks, "CHUNK_SIZE", 5)
    stop = on_image(12, lambda: os.kill(os.getpid(), signal.SIGTERM))
    monkeypatch.setattr(pixels, "prepare_from", stop)
    assert preprocess(place) == 75
    assert not list(place.glob("images/images*"))
    later: list[str] = []

    def note(root: Path, relative: str, *how: Any) -> ProcessedImage | RejectedImage:
        later.append(relative)
        return prepare_from(root, relative, *how)

    monkeypatch.setattr(pixels, "prepare_from", note)
    return place, whole, later


def test_an_interrupted_run_goes_on_where_it_was(interrupted: tuple[Path, str, list[str]]) -> None:
    place, whole, later = interrupted
    assert preprocess(place) == 0
    assert len(later) == N - 10
    assert digest(place) == whole
    assert sorted(rejects(place)) == [f"image_id{i:02d}" for i in BAD]
    assert not list(place.glob("images/.*"))


def test_chunks_of_another_config_are_not_used(interrupted: tuple[Path, str, list[str]]) -> None:
    place, _, later = interrupted
    assert preprocess(place, size=40) == 0
    assert len(later) == N


def test_chunks_of_another_root_are_not_used(interrupted: tuple[Path, str, list[str]]) -> None:
    place, whole, later = interrupted
    (place / "root").rename(place / "moved")
    assert preprocess(place, root="moved") == 0
    assert len(later) == N
    assert digest(place) == whole


def test_a_damaged_chunk_is_regenerated(interrupted: tuple[Path, str, list[str]]) -> None:
    place, whole, later = interrupted
    chunk = sorted(place.glob("images/.chunks-1-of-1/*.h5"))[0]
    chunk.write_bytes(chunk.read_bytes()[:-50])
    assert preprocess(place) == 0
    assert len(later) == N - 5
    assert digest(place) == whole


KILLED = """
import os, signal, sys
from pathlib import Path
from cxrcore import pixels
from jobs import _chunks
from jobs._cli import run

calls = 0
def prepare(root, relative, *how):
    global calls
    calls += 1
    if calls == 12:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(root, relative, *how)

real = pixels.prepare_from
_chunks.CHUNK_SIZE, pixels.prepare_from = 5, prepare
run(["preprocess", "--root", sys.argv[1] + "/root", "--workspace", sys.argv[1], "--size", "32",
     "--workers", "0", "--max-reject-fraction", "0.5"])
"""


def test_a_killed_run_leaves_no_artifact_and_goes_on(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(place)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not list(place.glob("images/images*"))
    monkeypatch.setattr(_chunks, "CHUNK_SIZE", 5)
    later = on_image(N - 10 + 1, lambda: pytest.fail("images were prepared twice"))
    monkeypatch.setattr(pixels, "prepare_from", later)
    assert preprocess(place) == 0
    assert verify(IMAGES.path(place, shard="1", shards="1")).attributes["formats"]
    assert not list(place.glob("images/.*"))


def test_too_many_rejects_are_no_success(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert preprocess(place, most=0.13) == 4
    said = capsys.readouterr().err
    assert "3 of 22 images are unusable: missing_file 1, not_decodable 1, blank 1" in said
    assert "--max-reject-fraction 0.14" in said
    assert not list(place.glob("images/images*"))
    # Its chunks were kept, but a file that was missing is looked for again.
    before = {p: p.stat().st_ino for p in place.glob("images/.chunks-1-of-1/*")}
    assert preprocess(place, most=0.13) == 4
    assert {p: p.stat().st_ino for p in place.glob("images/.chunks-1-of-1/*")} == before
    shutil.copy(place / "root" / "image05.png", place / "root" / "image03.png")
    assert preprocess(place, most=0.13) == 0
    assert len(rejects(place)) == 2
    assert not list(place.glob("images/.*"))


def test_a_chunk_that_is_replaced_is_not_joined(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_chunks, "CHUNK_SIZE", 11)
    join = _chunks.join

    def join_late(chunks: list[_chunks.Chunk], *rest: Any) -> None:
        first, second = (chunk.images for chunk in chunks)
        first.write_bytes(second.read_bytes())
        join(chunks, *rest)

    monkeypatch.setattr(_chunks, "join", join_late)
    assert preprocess(place) == 75
    assert "was replaced while it was being joined" in capsys.readouterr().err
    assert not list(place.glob("images/images*"))


CRASHING = """
import ctypes, sys
from cxrcore import pixels
from jobs._cli import run

def prepare(root, relative, *how):
    if relative in ("image00.jpg", "image07.png", "image21.png"):
        ctypes.string_at(0)
    return real(root, relative, *how)

real, pixels.prepare_from = pixels.prepare_from, prepare
if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_an_image_that_crashes_its_decoder_is_a_reject(place: Path, workers: int) -> None:
    script = place / "crashing.py"
    script.write_text(CRASHING)
    done = subprocess.run(
        [sys.executable, str(script), "preprocess", "--root", str(place / "root"), "--size", "32",
         "--workspace", str(place), "--workers", str(workers), "--max-reject-fraction", "0.5"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    frame = read_table(IMAGE_REJECTS, IMAGE_REJECTS.path(place, shard="1", shards="1")).frame
    crashed = frame.filter(pl.col("detail").str.contains("SIGSEGV"))
    assert crashed["reason"].unique().to_list() == ["not_decodable"]
    assert crashed["image_id"].to_list() == [f"image_id{i:02d}" for i in (0, 7, 21)]
    assert frame.height == len(BAD) + 3
