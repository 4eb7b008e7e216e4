"""Faults of disk, mount, network and memory: none of them becomes a reject."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pydicom
import pytest
from PIL import Image, ImageFile
from pydicom.data import get_testdata_file

from cxrcore import pixels
from cxrcore.pixels import (
    ProcessedImage,
    RejectedImage,
    dicom_pixels,
    image_files,
    letterbox,
    prepare_all,
    prepare_from,
)
from data_contracts.errors import CxrError, Interrupted, SourceError

FAULTS = (
    errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE, errno.ENOMEM,
    errno.ENOTCONN, errno.EACCES,
)  # fmt: skip
NAME = "secret-17.png"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    for name in (NAME, "a.png", "b.png", "c.png"):
        Image.linear_gradient("L").save(folder / name)
    return folder


class Failing:
    """An open file that cannot be read."""

    def __init__(self, fault: BaseException) -> None:
        self.fault = fault
        self.file = open(os.devnull, "rb")  # noqa: SIM115, PTH123

    def __enter__(self) -> Failing:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def fileno(self) -> int:
        return self.file.fileno()

    def read(self, _: int) -> bytes:
        raise self.fault


def break_at(where: str, fault: BaseException, patch: pytest.MonkeyPatch) -> None:
    """Let an operation on the image, not on its root, end in `fault`."""
    owner, name = {"follow": (os, "lstat"), "look": (Path, "stat"), "open": (Path, "open"),
                   "read": (Path, "open")}[where]  # fmt: skip
    real: Callable[..., Any] = getattr(owner, name)

    def failing(path: Any, *args: Any, **options: Any) -> Any:
        if not str(path).endswith(NAME):
            return real(path, *args, **options)
        if where == "read":
            return Failing(fault)
        raise fault

    patch.setattr(owner, name, failing)


@pytest.mark.parametrize("number", FAULTS)
@pytest.mark.parametrize("where", ["follow", "look", "open", "read"])
def test_a_fault_of_the_disk_is_no_reject(
    where: str, number: int, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_at(where, OSError(number, os.strerror(number), NAME), monkeypatch)
    kind = SourceError if number == errno.EACCES else Interrupted
    with pytest.raises(kind, match=r"--root .* cannot be read") as caught:
        prepare_from(root, NAME, 32)
    assert "secret" not in str(caught.value)
    if where in ("follow", "look"):
        with pytest.raises(kind):
            image_files.exists(root, NAME)


@pytest.mark.parametrize("where", ["follow", "look", "open"])
@pytest.mark.parametrize("number", [errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG])
def test_what_is_wrong_with_the_path_is_a_reject(
    number: int, where: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_at(where, OSError(number, os.strerror(number), NAME), monkeypatch)
    result = prepare_from(root, NAME, 32)
    assert isinstance(result, RejectedImage)
    assert result.reason == "missing_file"


def test_no_memory_to_read_and_a_file_that_shrinks(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        break_at("read", MemoryError(), patch)
        with pytest.raises(Interrupted, match="out of memory"):
            prepare_from(root, NAME, 32)
    real = os.fstat
    larger = lambda number: os.stat_result((*real(number)[:6], 99_999, 0, 0, 0))  # noqa: E731
    monkeypatch.setattr(os, "fstat", larger)
    with pytest.raises(Interrupted, match="an image shrank"):
        prepare_from(root, NAME, 32)


def wrapped(fault: Exception) -> RuntimeError:
    """As decoders wrap what they meet."""
    error = RuntimeError("the decoder failed")
    error.__cause__ = ValueError("deeper")
    error.__cause__.__context__ = fault
    return error


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (MemoryError(), Interrupted),
        (wrapped(MemoryError()), Interrupted),
        (OSError(errno.EMFILE, "too many"), Interrupted),
        (wrapped(OSError(errno.EIO, "I/O")), Interrupted),
        (OSError(errno.EACCES, "denied"), SourceError),
        (OSError("image file is truncated"), None),
        (wrapped(OSError("image file is truncated")), None),
        (RuntimeError("damaged"), None),
    ],
)
def test_what_lies_behind_an_error_of_a_decoder_decides(
    fault: Exception, kind: type[CxrError] | None, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise fault

    shutil.copy(str(get_testdata_file("MR_small_RLE.dcm")), root / "image.dcm")
    ds = pydicom.dcmread(root / "image.dcm")
    ds.Modality = "DX"
    ds.save_as(root / "image.dcm")
    monkeypatch.setattr(ImageFile.ImageFile, "load", failing)
    monkeypatch.setattr(dicom_pixels, "pixel_array", failing)
    for name in (NAME, "image.dcm"):
        if kind is None:
            result = prepare_from(root, name, 32)
            assert isinstance(result, RejectedImage)
            assert result.reason == "not_decodable"
        else:
            with pytest.raises(kind):
                prepare_from(root, name, 32)


def test_no_memory_to_resize_is_no_reject(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        error = cv2.error("insufficient memory")
        error.code = cv2.Error.StsNoMem
        raise error

    monkeypatch.setattr(letterbox, "shrunken", failing)
    with pytest.raises(Interrupted, match="out of memory"):
        prepare_from(root, NAME, 32)


def on_image(
    name: str, act: Callable[[], object], patch: pytest.MonkeyPatch
) -> Callable[..., ProcessedImage | RejectedImage]:
    """Let `prepare_from` act before it first takes an image."""
    acts = [act]

    def prepare(root: Path, relative: str, *how: Any) -> ProcessedImage | RejectedImage:
        if relative == name and acts:
            acts.pop()()
        return prepare_from(root, relative, *how)

    patch.setattr(pixels, "prepare_from", prepare)
    return prepare


def unmount(root: Path) -> None:
    root.rename(root.with_name("elsewhere"))
    root.mkdir()


def empty(root: Path) -> None:
    for path in root.iterdir():
        path.unlink()


@pytest.mark.parametrize("lose", [unmount, empty, shutil.rmtree])
def test_a_root_that_is_lost_in_the_middle_makes_no_rejects(
    lose: Callable[[Path], None], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_image("b.png", lambda: lose(root), monkeypatch)
    results = prepare_all(root, ["a.png", "b.png", "c.png"], 32, workers=0)
    assert isinstance(next(results), ProcessedImage)
    with pytest.raises(Interrupted, match=r"has changed.*run the same command to resume"):
        next(results)


def test_a_file_that_is_missing_alone_is_a_reject(root: Path) -> None:
    (root / "b.png").unlink()
    kinds = [type(r) for r in prepare_all(root, ["none", "a.png", "b.png", "c.png"], 32, 2)]
    assert kinds == [RejectedImage, ProcessedImage, RejectedImage, ProcessedImage]


def test_a_file_that_comes_back_is_taken(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = image_files.read_image
    calls = []

    def missing_at_first(root: Path, relative: str) -> bytes:
        calls.append(relative)
        return real(root, relative if len(calls) > 1 else "none")

    monkeypatch.setattr(image_files, "read_image", missing_at_first)
    (result,) = prepare_all(root, ["a.png"], 32, 0)
    assert isinstance(result, ProcessedImage)


def test_whether_a_file_exists(root: Path) -> None:
    (root / "out.png").symlink_to(root.parent / "other.png")
    (root.parent / "other.png").touch()
    assert image_files.exists(root, "a.png")
    for path in ("none", "", ".", "a.png/x", "out.png", "../other.png", "null\0", "x" * 300):
        assert not image_files.exists(root, path), path


def test_a_root_that_does_not_answer_is_no_wrong_root(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.ESTALE, "stale")

    monkeypatch.setattr(Path, "stat", failing)
    with pytest.raises(Interrupted, match="stale"):
        image_files.check(root)
