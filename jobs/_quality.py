"""What a user should know of the images that `preprocess` has stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.images import IMAGES
from jobs._job import Job

if TYPE_CHECKING:
    import polars as pl


def near_duplicate_pairs(store: Path, cohort: pl.DataFrame) -> int:
    """Pairs of images of one study in `store` that show nearly the same."""
    import polars as pl

    from cxrcore.pixels import near_duplicates
    from data_contracts.store import open_arrays

    with open_arrays(IMAGES, store, verify=False) as images:
        kept = pl.DataFrame({"image_id": images.read("image_id")})
        studies = kept.join(cohort, on="image_id", how="left", maintain_order="left")["study_id"]
        hashes = images.read("perceptual_hash")
    return near_duplicates.near_duplicate_pairs(hashes, studies.rank("dense").to_numpy())


def warn(
    job: Job, rejects: pl.DataFrame, formats: Collection[str], suspect: int, pairs: int
) -> None:
    """Log what was excluded, and what is doubtful but kept."""
    if rejects.height:
        job.warn(f"{rejects.height:,} images excluded: {counts(rejects)}")
    if {"dicom", "jpeg"} <= set(formats):
        job.warn("DICOM and JPEG are in one store; their grey levels may not be comparable")
    if suspect:
        job.warn(f"{suspect:,} images have a bright border; their polarity is suspect")
    if pairs:
        job.warn(f"{pairs:,} pairs of images of one study show nearly the same; all are kept")


def counts(rejects: pl.DataFrame) -> str:
    """The reasons, the most frequent first, with their numbers."""
    reasons = Counter(rejects["reason"].to_list()).most_common()
    return ", ".join(f"{reason} {count:,}" for reason, count in reasons)
