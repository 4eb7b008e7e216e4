"""Writing arrays row by row: what comes back, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from data_contracts.atomic import DeferringFile
from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.errors import ArtifactError
from data_contracts.header import Header
from data_contracts.images import IMAGES
from data_contracts.model import CHECKPOINT, MODEL
from data_contracts.predictions import FEATURES
from data_contracts.store import Provenance, array_writer, open_arrays, verify, write_arrays

ORIGIN = Provenance("test", {})


def write_features(path: Path, **changes: Any) -> Header:
    content = {**FEATURES.example(), **changes}
    return write_arrays(FEATURES, path, content, ORIGIN, FEATURES.example_attributes)


def test_rows_come_back(tmp_path: Path) -> None:
    rows = IMAGES.example()
    with array_writer(IMAGES, tmp_path / "x.h5") as writer:
        writer.attributes.update(IMAGES.example_attributes)
        for row in range(len(rows["pixels"])):
            writer.append(**{name: values[row : row + 1] for name, values in rows.items()})
        header = writer.finish(ORIGIN)
    with open_arrays(IMAGES, tmp_path / "x.h5", verify=True) as images:
        assert images.header == header
        assert images.names() == sorted([*rows, "pixels_crc32"])
        assert images.shape("pixels") == rows["pixels"].shape
        assert images.dtype("image_id") == "string"
        for name, values in rows.items():
            np.testing.assert_array_equal(images.read(name), values)
        np.testing.assert_array_equal(images.read("pixels", 3), rows["pixels"][3])
        assert images.file["pixels"].chunks == (1, 32, 32)
        with pytest.raises(KeyError):
            images.read("none")


def test_no_rows(tmp_path: Path) -> None:
    empty = {"image_id": [], "features": np.zeros((0, 8), np.float16)}
    header = write_features(tmp_path / "put.h5", **empty)
    with array_writer(FEATURES, tmp_path / "append.h5") as writer:
        writer.attributes.update(FEATURES.example_attributes)
        writer.append(**empty)
        assert writer.finish(ORIGIN).digest == header.digest
    for name in ("put.h5", "append.h5"):
        assert verify(tmp_path / name).digest == header.digest
        with open_arrays(FEATURES, tmp_path / name) as features:
            assert features.read("image_id").tolist() == []


def test_large_rows_without_any_row(tmp_path: Path) -> None:
    attributes = ATTRIBUTIONS.example_attributes
    with array_writer(ATTRIBUTIONS, tmp_path / "x.h5") as writer:
        writer.attributes.update(attributes)
        writer.append(image_id=[], maps=np.zeros((0, 2, 512, 512), np.float16))
        writer.append(outputs=np.zeros((0, 2), np.float32))
        writer.put("mean_image", np.zeros((4, 4), np.float32))
        header = writer.finish(ORIGIN)
    assert verify(tmp_path / "x.h5").digest == header.digest


def test_scalars_and_odd_types_of_a_network(tmp_path: Path) -> None:
    tensors: dict[str, Any] = {
        "state_dict/a.count": np.int64(7),
        "state_dict/b.mask": np.array([True, False]),
        "state_dict/c.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
        "state_dict/d.empty": np.zeros((0, 3), np.float32),
    }
    write_arrays(MODEL, tmp_path / "x.h5", tensors, ORIGIN, MODEL.example_attributes)
    with open_arrays(MODEL, tmp_path / "x.h5", verify=True) as model:
        for name, value in tensors.items():
            read = model.read(name)
            assert read.dtype == value.dtype
            np.testing.assert_array_equal(read, value)


def test_a_header_larger_than_an_hdf5_object_header(tmp_path: Path) -> None:
    attributes = {**CHECKPOINT.example_attributes, "history": [[0.1] * 10] * 5000}
    content = CHECKPOINT.example()
    header = write_arrays(CHECKPOINT, tmp_path / "x.h5", content, ORIGIN, attributes)
    assert len(header.to_json()) > 100_000
    assert verify(tmp_path / "x.h5") == header


WRONG_VALUES = {
    "fractions for integers": ("source_size", np.full((12, 2), 0.5), "want int32"),
    "beyond the range": ("windowing", np.full(12, 256), "want uint8"),
    "negative": ("pixels", np.full((12, 32, 32), -1), "want uint8"),
    "text for numbers": ("pixels", np.full((12, 32, 32), "x"), "want uint8"),
    "numbers for text": ("image_id", [1] * 12, "want string, got int"),
    "none for text": ("image_id", [None] * 12, "want string, got NoneType"),
    "bytes for text": ("image_id", [b"a"] * 12, "want string, got bytes"),
    "a NUL in text": ("image_id", ["a\0"] * 12, "without NUL"),
    "half a character": ("image_id", ["\ud800"] * 12, "UTF-8"),
    "repeated ids": ("image_id", ["a"] * 12, "check 'image ids are unique' fails"),
    "too few rows": ("polarity_suspect", np.zeros(11, bool), "want image = 12, got 11"),
    "wrong rank": ("polarity_suspect", np.zeros((12, 1), bool), "want axes"),
    "wrong width": ("content_bbox", np.zeros((12, 5), np.int16), "want 4 = 4, got 5"),
    "not square": ("pixels", np.zeros((12, 32, 33), np.uint8), "want size = 32, got 33"),
    "unknown": ("other", np.zeros(12), "has no dataset 'other'"),
}


@pytest.mark.parametrize(("name", "values", "want"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_values_the_contract_cannot_hold(name: str, values: Any, want: str, tmp_path: Path) -> None:
    content = {**IMAGES.example(), name: values}
    with pytest.raises(ArtifactError) as caught:
        write_arrays(IMAGES, tmp_path / "x.h5", content, ORIGIN, IMAGES.example_attributes)
    assert want in str(caught.value)
    assert str(tmp_path / "x.h5") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_floats_may_be_narrowed_but_not_overflow(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 96).reshape(12, 8)
    write_features(tmp_path / "x.h5", features=values)
    with open_arrays(FEATURES, tmp_path / "x.h5", verify=True) as features:
        np.testing.assert_array_equal(features.read("features"), values.astype(np.float16))
    write_features(tmp_path / "x.h5", features=np.full((12, 8), np.nan))
    with pytest.raises(ArtifactError, match="do not fit"):
        write_features(tmp_path / "x.h5", features=np.full((12, 8), 1e6))


def test_rows_of_another_shape_are_not_stretched(tmp_path: Path) -> None:
    with array_writer(FEATURES, tmp_path / "x.h5") as writer:
        writer.attributes.update(FEATURES.example_attributes)
        writer.append(**FEATURES.example())
        with pytest.raises(ArtifactError, match="want rows of shape"):
            writer.append(features=np.zeros((1, 1), np.float16))
        writer.finish(ORIGIN)
    verify(tmp_path / "x.h5")


@pytest.mark.parametrize("rows", [1, 50])
def test_adding_few_rows_does_not_write_chunks_again(
    rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = 0
    write = DeferringFile.write

    def counted(file: DeferringFile, data: Any) -> int:
        nonlocal written
        written += memoryview(data).nbytes
        return write(file, data)

    monkeypatch.setattr(DeferringFile, "write", counted)
    block = np.ones((rows, 1000), np.float16)
    with array_writer(FEATURES, tmp_path / "x.h5") as writer:
        writer.attributes.update(FEATURES.example_attributes)
        for number in range(1000 // rows):
            writer.append(image_id=[f"{number}-{i}" for i in range(rows)], features=block)
        writer.finish(ORIGIN)
    assert 2_000_000 < written < 1.1 * 2_000_000


def test_the_callers_buffer_may_be_used_again(tmp_path: Path) -> None:
    buffer = np.zeros((1, 8), np.float16)
    with array_writer(FEATURES, tmp_path / "x.h5") as writer:
        writer.attributes.update(FEATURES.example_attributes)
        for row in range(5):
            buffer[:] = row
            writer.append(image_id=[str(row)], features=buffer)
        writer.finish(ORIGIN)
    with open_arrays(FEATURES, tmp_path / "x.h5", verify=True) as features:
        assert features.read("features")[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_all_faults_at_once(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError) as caught:
        write_arrays(
            IMAGES, tmp_path / "x.h5",
            {"polarity_suspect": np.zeros((3, 1), bool), "source_size": np.zeros((3, 3), np.int32)},
            ORIGIN, {"shard": "one", "shards": True, "other": 1, "formats": "dicom"},
        )  # fmt: skip
    message = str(caught.value)
    for want in (
        f"breaks the contract images {IMAGES.version}",
        "dataset 'pixels': want uint8 or uint16 (image, size, size), got none",
        "dataset 'image_id': want string (image), got none",
        "dataset 'polarity_suspect': want axes (image), got shape (3, 1)",
        "dataset 'source_size': want 2 = 2, got 3",
        "attribute 'shard': want int32, got str 'one'",
        "attribute 'shards': want int32, got bool True",
        "attribute 'formats': want a list of string, got str",
        "attribute 'windowings': want string, got none",
        "attribute 'other': want none",
    ):
        assert want in message


def test_all_faults_of_a_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    write_arrays(IMAGES, path, IMAGES.example(), ORIGIN, IMAGES.example_attributes)
    with h5py.File(path, "r+") as file:
        del file["pixels"], file["polarity_suspect"]
        file["polarity_suspect"] = np.zeros(12, np.int64)
        file["extra"] = np.zeros(3, np.float32)
    with pytest.raises(ArtifactError) as caught:
        open_arrays(IMAGES, path)
    for want in (
        "dataset 'pixels': want uint8 or uint16 (image, size, size), got none",
        "dataset 'polarity_suspect': want bool, got int64",
        "dataset 'extra': want none, got float32",
    ):
        assert want in str(caught.value)


def test_classes_named_in_the_header_fix_the_axis(tmp_path: Path) -> None:
    attributes = {**ATTRIBUTIONS.example_attributes, "classes": ["A", "B", "C"]}
    content = ATTRIBUTIONS.example()
    with pytest.raises(ArtifactError, match="dataset 'maps': want class = 3, got 2"):
        write_arrays(ATTRIBUTIONS, tmp_path / "x.h5", content, ORIGIN, attributes)
