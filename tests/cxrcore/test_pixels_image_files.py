"""Where image files lie: what an object store holds, refuses and fails to answer."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from object_store import BUCKET, SECRET, ObjectStore, object_store  # noqa: F401
from PIL import Image
from s3fs import S3FileSystem  # type: ignore[import-untyped]

from cxrcore.pixels import (
    ProcessedImage,
    RejectedImage,
    image_files,
    limits,
    prepare_all,
    prepare_from,
)
from data_contracts.errors import CxrError, Interrupted, SourceError, UsageError

ROOT = f"s3://{BUCKET}/radiographs"


@pytest.fixture(scope="module")
def radiographs(object_store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """A folder of one image and, beside it, a secret one; the same in the store."""
    outer = tmp_path_factory.mktemp("store")
    (outer / "radiographs" / "p10").mkdir(parents=True)
    image = Image.linear_gradient("L")
    image.save(outer / "radiographs" / "p10" / "größer 1.png")
    image.save(outer / "secret.png")
    object_store.put(outer, f"s3://{BUCKET}")
    return outer / "radiographs"


@pytest.mark.parametrize(
    "path", ["p10/größer 1.png", "p10//größer 1.png", "p10/../p10/größer 1.png"]
)
def test_an_image_is_the_same_from_both(path: str, radiographs: Path) -> None:
    results = [prepare_from(root, path, 32) for root in (radiographs, ROOT)]
    assert all(isinstance(r, ProcessedImage) for r in results), results
    there, here = (r for r in results if isinstance(r, ProcessedImage))
    assert (there.pixels == here.pixels).all()


@pytest.mark.parametrize(
    "path",
    ["none.png", "p10", "", "../secret.png", "p10/../../secret.png", "/secret.png", "null\0.png",
     "x" * 1100, "s3://radiographs/secret.png", "*.png"],
)  # fmt: skip
def test_what_is_not_there_or_leads_out_is_a_reject(path: str, radiographs: Path) -> None:
    results = [prepare_from(root, path, 32) for root in (radiographs, ROOT)]
    assert all(isinstance(r, RejectedImage) and r.reason == "missing_file" for r in results), (
        results
    )
    if ".." in path or path.startswith("/"):
        assert "outside the root" in results[1].detail  # type: ignore[union-attr]


def refused(root: image_files.Root, kind: type[CxrError]) -> str:
    with pytest.raises(kind) as caught:
        image_files.check(root)
    assert SECRET not in str(caught.value)
    assert type(caught.value) is kind
    return str(caught.value)


def test_a_root_that_is_not_there_is_refused(radiographs: Path) -> None:
    image_files.check(radiographs)
    image_files.check(ROOT)
    image_files.check(f"s3://{BUCKET}")
    assert "is not a folder" in refused(radiographs / "none", SourceError)
    for url in ("s3://no-such-bucket", "s3://no-such-bucket/radiographs", f"{ROOT}/none"):
        assert "no such bucket" in refused(url, SourceError)


def test_a_store_that_is_silent_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "_PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        S3FileSystem.clear_instance_cache()
        assert "does not answer (FSTimeoutError)" in refused(ROOT, SourceError)
    S3FileSystem.clear_instance_cache()


def test_a_protocol_that_cannot_be_read_is_refused() -> None:
    assert "unknown protocol" in refused("fax://bucket/radiographs", UsageError)
    code = "import sys; sys.modules['s3fs'] = None; from cxrcore.pixels import image_files as s; "
    done = subprocess.run(
        [sys.executable, "-c", f"{code} s.check({ROOT!r})"], text=True, capture_output=True,
        check=False,
    )  # fmt: skip
    assert "UsageError" in done.stderr
    assert "pip install 'cxr[s3]'" in done.stderr


def test_a_folder_needs_nothing_of_this(tmp_path: Path) -> None:
    Image.linear_gradient("L").save(tmp_path / "image.png")
    code = (
        "import sys; from pathlib import Path; "
        "from cxrcore.pixels import image_files, prepare_from; "
        f"root = Path({str(tmp_path)!r}); image_files.check(root); "
        "print(prepare_from(root, 'image.png', 32).format, 'fsspec' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert done.stdout.split() == ["png", "False"]


@pytest.mark.usefixtures("radiographs")
def test_denied_access_says_nothing_about_an_image(object_store: ObjectStore) -> None:  # noqa: F811
    object_store.deny()
    try:
        assert "access denied" in refused(ROOT, SourceError)
        with pytest.raises(SourceError, match="denied; renew"):
            prepare_from(ROOT, "p10/größer 1.png", 32)
    finally:
        object_store.deny(after=float("inf"))


@pytest.mark.usefixtures("radiographs")
def test_a_store_that_is_down_says_nothing_about_an_image(object_store: ObjectStore) -> None:  # noqa: F811
    object_store.stop()
    try:
        assert "does not answer (EndpointConnectionError)" in refused(ROOT, SourceError)
        with pytest.raises(Interrupted, match="run the same command to resume"):
            prepare_from(ROOT, "p10/größer 1.png", 32)
    finally:
        object_store.start()


@pytest.mark.usefixtures("radiographs")
def test_whether_an_image_exists(object_store: ObjectStore) -> None:  # noqa: F811
    assert image_files.exists(ROOT, "p10/größer 1.png")
    for path in ("none.png", "p10", "", "../secret.png", "null\0.png", "x" * 1100):
        assert not image_files.exists(ROOT, path), path
    object_store.deny()
    try:
        with pytest.raises(SourceError, match="denied"):
            image_files.exists(ROOT, "none.png")
    finally:
        object_store.deny(after=float("inf"))
    object_store.stop()
    try:
        with pytest.raises(Interrupted):
            image_files.exists(ROOT, "none.png")
    finally:
        object_store.start()


@pytest.mark.usefixtures("radiographs")
def test_objects_that_are_empty_or_too_large_are_rejected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    S3FileSystem().pipe_file(f"{ROOT}/empty.png", b"")
    assert prepare_from(ROOT, "empty.png", 32) == RejectedImage("not_decodable", "empty file")
    monkeypatch.setattr(image_files, "MAX_BYTES", 99)
    monkeypatch.setattr(limits, "MAX_BYTES", 99)
    assert len(image_files._fetch(ROOT, "p10/größer 1.png")) == 100
    result = prepare_from(ROOT, "p10/größer 1.png", 32)
    assert isinstance(result, RejectedImage)
    assert "larger than" in result.detail


@pytest.mark.usefixtures("radiographs")
def test_a_prefix_that_is_emptied_in_the_middle_makes_no_rejects() -> None:
    url, store = f"s3://{BUCKET}/other", S3FileSystem()
    store.copy(f"{ROOT}/p10/größer 1.png", f"{url}/a.png")
    results = prepare_all(url, ["a.png", "b.png", "c.png"], 32, workers=0)
    assert isinstance(next(results), ProcessedImage)
    assert isinstance(next(results), RejectedImage)
    store.rm(url, recursive=True)
    with pytest.raises(Interrupted, match="has changed"):
        next(results)
