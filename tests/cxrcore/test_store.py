"""Streaming images out of one or several shards."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from cxrcore.store import ImageStore, in_batches
from data_contracts.errors import ArtifactError
from data_contracts.images import IMAGES
from data_contracts.store import Provenance, open_arrays, write_arrays


def write_shard(
    workspace: Path, shard: int, shards: int, images: int, size: int = 8, dtype: str = "uint8"
) -> Path:
    path = IMAGES.path(workspace, shard=str(shard), shards=str(shards))
    numbers = np.arange(images) + 100 * shard
    arrays = {
        "pixels": np.repeat(numbers, size * size).reshape(images, size, size).astype(dtype),
        "image_id": [f"image{n}" for n in numbers],
        "content_bbox": np.tile(np.array([0, 0, size, size]), (images, 1)),
        "windowing": np.zeros(images),
        "polarity_suspect": np.zeros(images, dtype=bool),
        "source_size": np.full((images, 2), size),
    }
    attributes = dict(IMAGES.example_attributes) | {"shard": shard, "shards": shards}
    write_arrays(IMAGES, path, arrays, Provenance("preprocess", {}), attributes)
    return path


@contextmanager
def store_of(paths: Sequence[Path]) -> Iterator[ImageStore]:
    with ExitStack() as stack:
        yield ImageStore([stack.enter_context(open_arrays(IMAGES, path)) for path in paths])


def refuse(paths: Sequence[Path]) -> None:
    with store_of(paths):
        raise AssertionError("not refused")


def test_shards_read_as_one_array(tmp_path: Path) -> None:
    paths = [write_shard(tmp_path, s, 3, images=s + 1) for s in (1, 2, 3)]
    with store_of(paths[::-1]) as store:
        assert len(store) == 9
        assert store.image_ids[:3] == ["image100", "image101", "image200"]
        rows = np.array([8, 0, 4, 4])
        assert store.read(rows)[:, 0, 0].tolist() == [303 % 256, 100, 202, 202]


def test_values_of_16_bit_are_read_as_such(tmp_path: Path) -> None:
    paths = [write_shard(tmp_path, s, 2, images=2, dtype="uint16") for s in (1, 2)]
    with open_arrays(IMAGES, paths[1], verify=True), store_of(paths) as store:
        # Each is read by HDF5 first, and from where it lies then.
        for _ in range(2):
            images = store.read(np.array([3, 0]))
            assert images.dtype.name == "uint16"
            assert images[:, 0, 0].tolist() == [201, 100]
    paths[0] = write_shard(tmp_path, 1, 2, images=2)
    with pytest.raises(ArtifactError, match=r"images of uint16 and of uint8; .* one --dtype"):
        refuse(paths)


def test_what_is_read_again_is_the_same(tmp_path: Path) -> None:
    with store_of([write_shard(tmp_path, s, 2, images=5) for s in (1, 2)]) as store:
        rows = np.array([7, 1, 7, 4, 9])
        first = store.read(rows)
        assert first[:, 0, 0].tolist() == [202, 101, 202, 104, 204]
        assert (first == first[:, :1, :1]).all()
        np.testing.assert_array_equal(store.read(rows), first)
        np.testing.assert_array_equal(store.read(rows[::-1]), first[::-1])


@pytest.mark.parametrize(
    "how", [{"compression": "gzip"}, {"chunks": (2, 8, 8)}, {"shuffle": True}, {}]
)
def test_a_store_that_other_software_has_packed_reads_the_same(
    tmp_path: Path, how: dict[str, Any]
) -> None:
    path = write_shard(tmp_path, 1, 1, images=5)
    with h5py.File(path, "a") as file:
        pixels = file["pixels"][()]
        del file["pixels"]
        file.create_dataset("pixels", data=pixels, **how)
    with store_of([path]) as store:
        for _ in range(3):
            np.testing.assert_array_equal(store.read(np.arange(5)), pixels)


def test_a_damaged_image_is_found_when_it_is_read_first(tmp_path: Path) -> None:
    path = write_shard(tmp_path, 1, 1, images=2, size=64)
    content = bytearray(path.read_bytes())
    content[content.index(bytes([101]) * 64) + 9] ^= 1
    path.write_bytes(content)
    with store_of([path]) as store:
        assert store.read(np.array([0]))[0, 0, 0] == 100
        with pytest.raises(ArtifactError, match="damaged"):
            store.read(np.array([1]))


def test_a_file_cut_off_while_it_is_read_is_damaged(tmp_path: Path) -> None:
    path = write_shard(tmp_path, 1, 1, images=2, size=64)
    with store_of([path]) as store:
        store.read(np.array([0, 1]))
        os.truncate(path, 100)
        with pytest.raises(ArtifactError, match="damaged"):
            store.read(np.array([0]))


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    paths = [write_shard(tmp_path, s, 3, images=2) for s in (1, 3)]
    with pytest.raises(ArtifactError, match="lacks the shard 2/3; run `cxr preprocess --shard 2/3"):
        refuse(paths)
    with pytest.raises(ArtifactError, match="lacks 2 of 3 shards; run `cxr preprocess --shard 2/3"):
        refuse(paths[:1])


def test_shards_of_another_partition_are_refused(tmp_path: Path) -> None:
    paths = [write_shard(tmp_path, 1, n, images=2) for n in (1, 2)]
    with pytest.raises(ArtifactError, match="stores of 1 and of 2 shards; delete"):
        refuse(paths)


def test_shards_of_different_size_are_refused(tmp_path: Path) -> None:
    paths = [write_shard(tmp_path, s, 2, images=2, size=4 * s) for s in (1, 2)]
    with pytest.raises(ArtifactError, match="images of 4 and of 8 pixels"):
        refuse(paths)


def test_batches_come_in_order(tmp_path: Path) -> None:
    with store_of([write_shard(tmp_path, 1, 1, images=20)]) as store:
        order = np.random.default_rng(0).permutation(20)
        seen = list(store.batches(in_batches(order, 6)))
        np.testing.assert_array_equal(np.concatenate([rows for rows, _ in seen]), order)
        for rows, images in seen:
            np.testing.assert_array_equal(images, store.read(rows))
        assert list(store.batches([])) == []


@pytest.mark.parametrize(("rows", "size"), [(33, 32), (1, 8), (64, 32), (100, 7)])
def test_batches_are_nearly_equal(rows: int, size: int) -> None:
    lengths = [len(b) for b in in_batches(np.arange(rows), size)]
    assert sum(lengths) == rows
    assert max(lengths) <= size
    assert max(lengths) - min(lengths) <= 1
