"""Turn the cohort's image files into one store of squares.

They are DICOM, PNG, JPEG, WebP or TIFF. Unusable images go to the rejects with a reason. The same
command resumes an interrupted run.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from data_contracts.cohort import COHORT
from data_contracts.errors import SourceError, UsageError
from data_contracts.images import IMAGE_REJECTS, IMAGES
from jobs import _chunks, _contact_sheets
from jobs._config import FolderOrUrl, JobConfig, Shard
from jobs._job import Job

if TYPE_CHECKING:
    import polars as pl

READS = (COHORT,)
WRITES = (IMAGES, IMAGE_REJECTS)
CHECKPOINTS = (_chunks.FOLDER,)
#: Earlier versions took percentiles from every row, and rounded before they averaged.
SINCE = "0.4.0"


class Config(JobConfig):
    """Which images to process, and their size."""

    root: FolderOrUrl = Field(exclude=True)
    """Folder or URL (s3://bucket/prefix) that the cohort's image paths are relative to."""
    size: int = Field(default=224, ge=16, le=4096)
    """Side of the stored squares, in pixels."""
    dtype: Literal["uint8", "uint16"] = "uint8"
    """Type of the stored grey values; uint16 keeps the steps of deep images, in twice the space."""
    shard: Shard = Field(default="1/1", pattern=r"^[1-9][0-9]{0,5}/[1-9][0-9]{0,5}$")
    """Part of the cohort to process: 3/16 is the third of sixteen, each a job of its own."""
    workers: int | None = Field(default=None, ge=0, le=256, exclude=True)
    """Worker processes, by default one per core. 0: none; a decoder crash then ends the job."""
    max_reject_fraction: float = Field(default=0.05, ge=0, le=1, exclude=True)
    """Fraction of images that may be rejected; above it the job fails and lists the reasons."""

    def keys(self) -> dict[str, str]:
        """The shard's number and their count name the files."""
        shard, shards = self.shard.split("/")
        return super().keys() | {"shard": shard, "shards": shards}


def sources(config: Config) -> Mapping[str, Path]:
    """None, since images are too many to be hashed; raise a `CxrError` for a root that is none."""
    from cxrcore.pixels import image_files

    image_files.check(config.root)
    return {}


def run(config: Config, job: Job) -> None:
    import numpy as np

    from cxrcore.pixels import prepare_all
    from cxrcore.workers import usable_cores

    shard, shards = (int(config.keys()[key]) for key in ("shard", "shards"))
    cohort = job.table(COHORT).frame
    if cohort.is_empty():
        raise SourceError("the cohort has no images; run `cxr extract` with a wider selection")
    if not shard <= shards <= cohort.height:
        raise UsageError(f"--shard {config.shard}: want i/n, 1 ≤ i ≤ n ≤ {cohort.height} images")
    cohort = _of_edition(cohort, config, job)
    start, end = (cohort.height * edge // shards for edge in (shard - 1, shard))

    chunks = _chunks.chunks_of(cohort[start:end], job, shard, shards)
    todo = [chunk for chunk in chunks if not _chunks.is_done(chunk, job, config.root)]
    paths = [path for chunk in todo for path in chunk.rows["path"]]
    workers = usable_cores() if config.workers is None else config.workers
    none = np.empty((0, config.size, config.size), config.dtype)
    with (
        job.progress("preprocess", end - start, "images") as advance,
        closing(prepare_all(config.root, paths, config.size, workers, config.dtype)) as results,
    ):
        advance(end - start - len(paths))
        for chunk in todo:
            _chunks.write_chunk(chunk, results, job, config.root, none, advance)
    _chunks.join(chunks, job, shard, shards, config.max_reject_fraction)
    _contact_sheets.write(job, cohort, shard, shards)


def _of_edition(cohort: pl.DataFrame, config: Config, job: Job) -> pl.DataFrame:
    """The cohort with the paths of the edition, DICOM or JPEG, that the root holds."""
    import polars as pl

    from cxrcore.pixels.editions import paths_of_edition

    named = cohort["path"].to_list()
    paths = paths_of_edition(config.root, named)
    if paths != named:
        job.warn(
            f"--root has none of the cohort's *{named[0][-4:]}, but the same images as "
            f"*{paths[0][-4:]}: these are read"
        )
    return cohort.with_columns(path=pl.Series(paths))
