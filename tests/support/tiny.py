"""A tiny cohort and image store with a planted signal, for tests to start from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from data_contracts.cohort import COHORT, SPLITS
from data_contracts.images import IMAGES
from data_contracts.store import Provenance, as_input, write_arrays, write_table

TASKS = {
    "mortality": ("survived", "died"),
    "gender": ("F", "M"),
    "race": ("White", "Black", "Asian"),
}


def tiny_cohort(images: int = 60) -> pl.DataFrame:
    """One image per subject, 60 % train, 10 % val, 30 % test, labels that differ by task."""
    example = pl.DataFrame(COHORT.example())
    frame = example.select(c for c in example.columns if not c.startswith("label_"))
    frame = pl.concat([frame] * -(-images // frame.height)).head(images)
    number = pl.int_range(images).cast(pl.String).str.zfill(3)
    shares = [SPLITS[0]] * 6 + [SPLITS[1]] + [SPLITS[2]] * 3
    frame = frame.with_columns(
        image_id=pl.lit("image") + number,
        study_id=pl.lit("study") + number,
        subject_id=pl.lit("subject") + number,
        path=pl.lit("files/image") + number + pl.lit(".dcm"),
        split=pl.Series([shares[i % 10] for i in range(images)], dtype=pl.Enum(SPLITS)),
    )
    rng = np.random.default_rng(7)
    for task, classes in TASKS.items():
        # Every split holds every class, in shuffled order.
        values = np.empty(images, dtype=int)
        for split in SPLITS:
            rows = np.flatnonzero((frame["split"] == split).to_numpy())
            values[rows] = rng.permutation(np.arange(len(rows)) % len(classes))
        names = pl.Series([classes[v] for v in values], dtype=pl.Enum(classes))
        frame = frame.with_columns(names.alias(f"label_{task}"))
    return frame


def tiny_pixels(cohort: pl.DataFrame, size: int = 64) -> np.ndarray:
    """Noise, with a bright patch at a place that depends on the class of each task."""
    rng = np.random.default_rng(11)
    pixels = rng.integers(60, 120, (cohort.height, size, size))
    cell = size // 4
    for column, (task, classes) in enumerate(TASKS.items()):
        values = cohort[f"label_{task}"].to_physical().to_numpy()
        for row, value in enumerate(values):
            top, left = int(value) * cell, (column + int(value) % 2) * cell
            pixels[row, top : top + cell, left : left + cell] += 30 + 30 * len(classes)
    return pixels.clip(0, 255).astype(np.uint8)


def write_tiny_workspace(workspace: Path, images: int = 60, size: int = 32) -> None:
    """Write the cohort and the image store of a tiny workspace."""
    cohort = tiny_cohort(images)
    attributes = dict(COHORT.example_attributes)
    path = COHORT.path(workspace)
    header = write_table(COHORT, path, cohort, Provenance("extract", {}), attributes)
    arrays = {
        "pixels": tiny_pixels(cohort, size),
        "image_id": cohort["image_id"].to_list(),
        "content_bbox": np.tile(np.array([0, 0, size, size]), (images, 1)),
        "windowing": np.ones(images),
        "polarity_suspect": np.zeros(images, dtype=bool),
        "source_size": np.full((images, 2), 256),
    }
    origin = Provenance("preprocess", {}, (as_input(header, path, workspace),))
    store = IMAGES.path(workspace, shard="1", shards="1")
    write_arrays(IMAGES, store, arrays, origin, dict(IMAGES.example_attributes))
