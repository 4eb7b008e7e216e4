"""A write leaves the new file or the old one, and nothing else."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data_contracts.errors import ArtifactError, StorageError
from data_contracts.images import IMAGES
from data_contracts.predictions import FEATURES, PREDICTIONS
from data_contracts.store import (
    Provenance,
    array_writer,
    atomic_write,
    read_header,
    verify,
    write_arrays,
    write_table,
    write_text,
)

ORIGIN = Provenance("test", {})
ATTRIBUTES = dict(FEATURES.example_attributes)
MANY = 4000


def write_small_table(path: Path) -> None:
    frame = pl.DataFrame(PREDICTIONS.example())
    write_table(PREDICTIONS, path, frame, ORIGIN, PREDICTIONS.example_attributes)


def write_large_table(path: Path) -> None:
    values = np.random.default_rng(0).random(MANY).astype(np.float32)
    pairs = pl.List(pl.Float32)
    frame = pl.DataFrame(
        {
            "image_id": [f"i{i}" for i in range(MANY)],
            "subject_id": [f"s{i}" for i in range(MANY)],
            "split": pl.Series(["test"] * MANY, dtype=pl.Enum(["train", "val", "test"])),
            "target": pl.Series([0] * MANY, dtype=pl.Int8),
            "logits": pl.Series(np.stack([values, -values], 1).tolist(), dtype=pairs),
            "probabilities": pl.Series(np.stack([values, 1 - values], 1).tolist(), dtype=pairs),
            "labels": pl.Series([None] * MANY, dtype=pairs),
            "value": pl.Series([None] * MANY, dtype=pl.Float32),
            "predicted_value": pl.Series([None] * MANY, dtype=pl.Float32),
        }
    )
    write_table(PREDICTIONS, path, frame, ORIGIN, PREDICTIONS.example_attributes)


def write_small_arrays(path: Path) -> None:
    write_arrays(FEATURES, path, FEATURES.example(), ORIGIN, ATTRIBUTES)


def write_arrays_of(rows: int, width: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        block = np.random.default_rng(0).random((1, width)).astype(np.float16)
        with array_writer(FEATURES, path) as writer:
            writer.attributes.update(ATTRIBUTES)
            for row in range(rows):
                writer.append(image_id=[f"i{row}"], features=block)
            writer.finish(ORIGIN)

    return write


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def half_written_arrays(path: Path, fault: BaseException) -> None:
    with array_writer(FEATURES, path) as writer:
        writer.append(**FEATURES.example())
        raise fault


def half_written_text(path: Path, fault: BaseException) -> None:
    with atomic_write(path) as partial:
        partial.write_text("half")
        raise fault


def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "features.h5"
    with pytest.raises(ZeroDivisionError):
        half_written_arrays(path, ZeroDivisionError())
    assert files(tmp_path) == []
    write_small_arrays(path)
    old = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        half_written_arrays(path, KeyboardInterrupt())
    with pytest.raises(ZeroDivisionError):
        half_written_text(path, ZeroDivisionError())
    with pytest.raises(ArtifactError, match="left unfinished"), array_writer(FEATURES, path):
        pass
    with pytest.raises(ArtifactError, match="want float16"):
        write_arrays(FEATURES, path, {"image_id": ["a"]}, ORIGIN, ATTRIBUTES)
    assert path.read_bytes() == old
    assert files(tmp_path) == ["features.h5"]


@pytest.mark.parametrize("write", [write_small_table, write_small_arrays])
def test_who_reads_the_old_file_goes_on_reading_it(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "x"
    write(path)
    with path.open("rb") as reader:
        old = path.read_bytes()
        write_large = write_large_table if write is write_small_table else write_arrays_of(9, 9)
        write_large(path)
        assert reader.read() == old
    assert path.read_bytes() != old


def test_the_jobs_own_fault_is_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), array_writer(FEATURES, tmp_path / "features.h5"):
        raise PermissionError(13, "an image of the source")


def _mounted(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"this machine does not let us mount a tmpfs: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    yield from _mounted(tmp_path / "disk", "size=64k")


@pytest.fixture
def read_only_disk(tmp_path: Path) -> Iterator[Path]:
    yield from _mounted(tmp_path / "disk", "ro")


def refused(write: Callable[[Path], None], path: Path) -> str:
    with pytest.raises(StorageError) as caught:
        write(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert caught.value.exit_code == 3
    return message


LARGE = {
    "table": (write_large_table, "x.parquet"),
    "arrays that fail at once": (write_arrays_of(3, 40_000), "x.h5"),
    "arrays that fail at the end": (write_arrays_of(8, 4_500), "x.h5"),
    "text": (lambda path: write_text(path, "x" * 100_000), "x.txt"),
}


@pytest.mark.parametrize(("write", "name"), LARGE.values(), ids=LARGE)
def test_disk_full(
    write: Callable[[Path], None], name: str, small_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = small_disk / name
    path.write_text("the old file")
    assert "no space left" in refused(write, path)
    assert files(small_disk) == [name]
    assert path.read_text() == "the old file"
    assert capfd.readouterr() == ("", "")


def test_disk_full_does_not_crash_the_process_at_its_end(small_disk: Path) -> None:
    script = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        from test_whole_writes import write_arrays_of
        from data_contracts.errors import StorageError
        try:
            write_arrays_of(8, 4_500)(Path({str(small_disk / "x.h5")!r}))
        except StorageError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "no space left" in done.stdout


SMALL = {
    "table": (write_small_table, "x.parquet"),
    "arrays": (write_small_arrays, "x.h5"),
    "text": (lambda path: write_text(path, "x"), "x.txt"),
}


@pytest.mark.parametrize(("write", "name"), SMALL.values(), ids=SMALL)
def test_a_folder_that_cannot_be_written(
    write: Callable[[Path], None], name: str, tmp_path: Path, read_only_disk: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "taken" / name).mkdir(parents=True)
    assert "read-only" in refused(write, read_only_disk / name)
    assert "read-only" in refused(write, read_only_disk / "new" / name)
    refused(write, tmp_path / "file" / name)
    refused(write, tmp_path / "file" / "new" / name)
    assert "is a directory" in refused(write, tmp_path / "taken" / name)
    assert files(tmp_path / "taken") == [name]


def test_killed_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "images.h5"
    script = f"""
        from pathlib import Path
        from data_contracts.images import IMAGES
        from data_contracts.store import array_writer
        with array_writer(IMAGES, Path({str(path)!r})) as writer:
            writer.append(**IMAGES.example())
            print("half", flush=True)
            input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"half\n"
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert not path.exists()
    attributes = IMAGES.example_attributes
    header = write_arrays(IMAGES, path, IMAGES.example(), ORIGIN, attributes)
    assert verify(path) == header == read_header(path)
    assert files(tmp_path) == ["images.h5"]
