"""Microseconds per image of a shuffled batch from the image store, beside raw and packed files.

    python benchmarks/loader.py [--images 4000] [--size 224] [--batch 64] [--rounds 5]

The peers hold the same pixels: a `np.memmap`, plain chunked HDF5, and gzip-compressed HDF5. All
rows are measured in turn in this process; the best round counts. The image store verifies the
checksum of an image when it reads it first, so its first reading is a row of its own. Also prints
how far resident memory grew while the whole store was read once in shuffled order.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from cxrcore.store import ImageStore, in_batches
from data_contracts.images import IMAGES
from data_contracts.store import Provenance, array_writer, open_arrays

Rows = NDArray[np.int64]
Reader = Callable[[Rows], NDArray[Any]]


def write_store(pixels: NDArray[np.uint8], workspace: Path) -> Path:
    path = IMAGES.path(workspace, shard="1", shards="1")
    n, size, _ = pixels.shape
    with array_writer(IMAGES, path) as writer:
        writer.append(
            pixels=pixels,
            image_id=[f"image{i:06d}" for i in range(n)],
            content_bbox=np.tile(np.array([0, 0, size, size], dtype=np.int16), (n, 1)),
            windowing=np.zeros(n, dtype=np.uint8),
            polarity_suspect=np.zeros(n, dtype=bool),
            source_size=np.full((n, 2), size, dtype=np.int32),
        )
        writer.attributes.update(IMAGES.example_attributes)
        writer.finish(Provenance("preprocess", {}))
    return path


def from_hdf5(path: Path) -> Reader:
    pixels = h5py.File(path, "r")["pixels"]
    return lambda rows: np.stack([pixels[row] for row in rows])


def write_hdf5(pixels: NDArray[np.uint8], path: Path, compression: str | None) -> Path:
    with h5py.File(path, "w") as file:
        chunks = (1, *pixels.shape[1:])
        file.create_dataset("pixels", data=pixels, chunks=chunks, compression=compression)
    return path


def resident_kib() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("images", 4000), ("size", 224), ("batch", 64), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (args.images, args.size, args.size), dtype=np.uint8)
    batches = in_batches(rng.permutation(args.images), args.batch)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        pixels.tofile(root / "raw")
        raw = np.memmap(root / "raw", dtype=np.uint8, mode="r", shape=pixels.shape)
        path = write_store(pixels, root)
        with open_arrays(IMAGES, path) as shard:
            store = ImageStore([shard])
            readers: dict[str, Reader] = {
                "cxr, read before": store.read,
                "np.memmap": lambda rows: np.asarray(raw[rows]),
                "h5py, plain chunks": from_hdf5(write_hdf5(pixels, root / "plain.h5", None)),
                "h5py, gzip": from_hdf5(write_hdf5(pixels, root / "gzip.h5", "gzip")),
            }
            del pixels
            before = resident_kib()
            for _ in store.batches(batches):
                pass
            grown = resident_kib() - before
            best = dict.fromkeys(["cxr, first reading", *readers], float("inf"))
            for _ in range(args.rounds):
                with open_arrays(IMAGES, path) as again:
                    fresh = ImageStore([again])
                    for name, read in {"cxr, first reading": fresh.read, **readers}.items():
                        start = time.perf_counter()
                        for rows in batches:
                            read(rows)
                        took = (time.perf_counter() - start) / args.images
                        best[name] = min(best[name], took)
    print(f"{args.images:,} images of {args.size}², shuffled batches of {args.batch}")
    for name, took in best.items():
        print(f"{name:20}{took * 1e6:9.1f} µs/image{took / best['np.memmap']:7.1f} × memmap")
    print("budget: the image store at most 2.5 × memmap")
    print(f"memory grew by {grown / 1024:.0f} MiB while streaming the whole store")


if __name__ == "__main__":
    main()
