"""Faults of disk, network, memory and other programs are not called damage."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from data_contracts import lock
from data_contracts.__main__ import write_example
from data_contracts._rows import Rows
from data_contracts.cohort import COHORT
from data_contracts.errors import ArtifactError, Busy, CxrError, Interrupted, StorageError
from data_contracts.images import IMAGES
from data_contracts.store import atomic_write, open_arrays, read_header, read_table

PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
FAULTS: dict[str, tuple[BaseException, type[CxrError]]] = {
    **{errno.errorcode[n]: (OSError(n, os.strerror(n)), Interrupted) for n in PASSING},
    "MemoryError": (MemoryError(), Interrupted),
    "EACCES": (PermissionError(errno.EACCES, "Permission denied"), StorageError),
    "EAGAIN": (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), Busy),
}
EVERY_FAULT = pytest.mark.parametrize(("fault", "kind"), FAULTS.values(), ids=FAULTS)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    write_example(IMAGES, tmp_path / "images.h5")
    return tmp_path / "images.h5"


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    write_example(COHORT, tmp_path / "cohort.parquet")
    return tmp_path / "cohort.parquet"


def refusal(act: Callable[[], object], kind: type[CxrError]) -> str:
    with pytest.raises(CxrError) as caught:
        act()
    assert type(caught.value) is kind
    message = str(caught.value)
    assert "damaged" not in message
    assert "delete" not in message
    return message


def raiser(fault: BaseException) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise fault

    return fail


@EVERY_FAULT
def test_arrays_that_cannot_be_opened(
    fault: BaseException, kind: type[CxrError], images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(h5py, "File", raiser(fault))
    for act in (lambda: read_header(images), lambda: open_arrays(IMAGES, images)):
        assert refusal(act, kind).startswith(str(images))


@EVERY_FAULT
def test_arrays_that_cannot_be_read(
    fault: BaseException, kind: type[CxrError], images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_arrays(IMAGES, images) as arrays:
        monkeypatch.setattr(Rows, "read", raiser(fault))
        refusal(lambda: arrays.read("pixels", 0), kind)


def test_the_number_that_hdf5_keeps_in_its_text(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "Can't synchronously read data (file read failed: errno = 5, error message = 'x')"
    monkeypatch.setattr(Rows, "read", raiser(OSError(text)))
    with open_arrays(IMAGES, images) as arrays:
        assert "input/output error" in refusal(lambda: arrays.read("pixels", 0), Interrupted)


@EVERY_FAULT
def test_tables_that_cannot_be_read(
    fault: BaseException, kind: type[CxrError], cohort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_bytes", raiser(fault))
    assert refusal(lambda: read_table(COHORT, cohort), kind).startswith(str(cohort))


def test_a_table_that_has_just_gone(cohort: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_bytes", raiser(FileNotFoundError(errno.ENOENT, "gone")))
    assert "does not exist" in refusal(lambda: read_table(COHORT, cohort), ArtifactError)


def test_a_file_system_without_locks_is_read_all_the_same(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = h5py.File

    def no_locks(path: Path, mode: str, locking: object) -> h5py.File:
        if locking or asked_for:
            raise OSError(errno.EOPNOTSUPP, "unable to lock file")
        return real(path, mode, locking=False)

    monkeypatch.setattr(h5py, "File", no_locks)
    asked_for = False
    with open_arrays(IMAGES, images) as arrays:
        assert arrays.read("pixels", 0).any()
    # As HDF5_USE_FILE_LOCKING=TRUE does, whatever a program says.
    asked_for = True
    message = refusal(lambda: open_arrays(IMAGES, images), Interrupted)
    assert "set HDF5_USE_FILE_LOCKING=FALSE" in message


def test_a_store_that_a_notebook_has_open(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = h5py.File
    code = f"import h5py; f = h5py.File({str(images)!r}, 'r+'); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as notebook:
        assert notebook.stdout
        notebook.stdout.readline()
        message = refusal(lambda: open_arrays(IMAGES, images), Busy)
        monkeypatch.setattr(h5py, "File", lambda path, mode, **_: real(path, mode, locking=False))
        unlocked = refusal(lambda: open_arrays(IMAGES, images), Busy)
        notebook.communicate(b"\n")
    assert "is in use by another program" in message
    assert unlocked == message


def test_a_lock_that_is_left_over_tells_what_to_set(images: Path) -> None:
    # HDF5 looks at the variable once in a process.
    opening = [sys.executable, "-c", f"import h5py; h5py.File({str(images)!r})"]
    with images.open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        message = refusal(lambda: open_arrays(IMAGES, images), Busy)
        (setting,) = re.findall("set ([A-Z0-9_]+)=FALSE", message)
        subprocess.run(opening, env=os.environ | {setting: "FALSE"}, check=True)


def test_a_workspace_without_locks_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", raiser(OSError(errno.ENOLCK, "No locks available")))

    def hold() -> None:
        with lock.hold(tmp_path, ["x"], "me"):
            raise AssertionError

    assert "a file system without locks" in refusal(hold, StorageError)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM, errno.ETIMEDOUT])
def test_what_cannot_be_written_for_now(number: int, tmp_path: Path) -> None:
    def write() -> None:
        with atomic_write(tmp_path / "x"):
            raise OSError(number, os.strerror(number))

    assert "cannot be written" in refusal(write, Interrupted)
