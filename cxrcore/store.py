"""Streams images out of an image store, whatever the number of its shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from data_contracts.errors import ArtifactError
from data_contracts.store import Arrays

GreyImages = NDArray[np.uint8] | NDArray[np.uint16]


class ImageStore:
    """All shards of an image store, open for reading, as one array of images.

    Raises `ArtifactError` when a shard is missing, or shards differ in image size or type.
    """

    def __init__(self, shards: Sequence[Arrays]) -> None:
        self._shards = sorted(shards, key=lambda s: int(s.header.attributes["shard"]))
        _refuse_incomplete(self._shards)
        self.image_ids: list[str] = [i for s in self._shards for i in s.read("image_id").tolist()]
        self._starts = np.cumsum([0, *(s.shape("pixels")[0] for s in self._shards)])
        self.size: int = self._shards[0].shape("pixels")[1]
        self.dtype = np.dtype(self._shards[0].dtype("pixels"))

    def __len__(self) -> int:
        return len(self.image_ids)

    def read(self, rows: NDArray[np.int64]) -> GreyImages:
        """Images at `rows`, in that order: (rows, size, size) uint8 or uint16."""
        images = np.empty((len(rows), self.size, self.size), dtype=self.dtype)
        homes = np.searchsorted(self._starts, rows, side="right") - 1
        for home in np.unique(homes):
            here = np.flatnonzero(homes == home)
            places = (rows[here] - self._starts[home]).tolist()
            self._shards[home].read_rows("pixels", places, [images[i] for i in here])
        return images

    def content_bbox(self) -> NDArray[np.int16]:
        """Where every picture lies in its square: (images, 4), as IMAGES has it."""
        return np.concatenate([shard.read("content_bbox") for shard in self._shards])

    def batches(
        self, batches: Sequence[NDArray[np.int64]]
    ) -> Iterator[tuple[NDArray[np.int64], GreyImages]]:
        """Yield (rows, images) for each batch of rows, reading one batch ahead of the caller."""
        with ThreadPoolExecutor(max_workers=1) as reader:
            ahead = [reader.submit(self.read, rows) for rows in batches[:1]]
            for number, rows in enumerate(batches):
                images = ahead.pop().result()
                if number + 1 < len(batches):
                    ahead.append(reader.submit(self.read, batches[number + 1]))
                yield rows, images


def _refuse_incomplete(shards: Sequence[Arrays]) -> None:
    folder = shards[0].path.parent
    counts = sorted({s.header.attributes["shards"] for s in shards})
    if len(counts) > 1:
        raise ArtifactError(
            f"{folder} holds stores of {' and of '.join(map(str, counts))} shards; "
            "delete the files of those that are not wanted"
        )
    there = {s.header.attributes["shard"] for s in shards}
    if missing := [f"{n}/{counts[0]}" for n in range(1, counts[0] + 1) if n not in there]:
        raise ArtifactError(
            f"{folder} lacks {len(missing)} of {counts[0]} shards; "
            f"run `cxr preprocess --shard {missing[0]}` and so on for each"
            if len(missing) > 1
            else f"{folder} lacks the shard {missing[0]}; run `cxr preprocess --shard {missing[0]}`"
        )
    sizes = sorted({s.shape("pixels")[1] for s in shards})
    if len(sizes) > 1:
        raise ArtifactError(
            f"{folder} holds images of {' and of '.join(map(str, sizes))} pixels; "
            "run `cxr preprocess` for all shards with one --size"
        )
    types = sorted({s.dtype("pixels") for s in shards})
    if len(types) > 1:
        raise ArtifactError(
            f"{folder} holds images of {' and of '.join(types)}; "
            "run `cxr preprocess` for all shards with one --dtype"
        )


def in_batches(rows: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    """Split rows into batches of nearly equal length, none longer than `batch_size`.

    Equal lengths keep a last batch of one image, on which batch normalisation fails, away.
    """
    return list(np.array_split(rows, max(1, -(-len(rows) // batch_size))))
