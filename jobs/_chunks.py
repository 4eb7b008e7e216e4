"""The image store in chunks, which an interrupted `preprocess` keeps and a later one joins.

A chunk is an `images` file and an `image_rejects` file in a hidden folder beside the store. It
counts only if the same version of this package made it, with the same config, cohort and root.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.errors import CxrError, Interrupted, SourceError, concerns_content
from data_contracts.header import Input, Provenance, package_version
from data_contracts.images import IMAGE_REJECTS, IMAGES, REJECT_REASONS, WINDOWINGS
from jobs import _quality
from jobs._job import Job

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from cxrcore.pixels import ProcessedImage, RejectedImage
    from cxrcore.pixels.image_files import Root
    from data_contracts.store import Arrays, Table

#: The folder of a shard's chunks.
FOLDER = "images/.chunks-{shard}-of-{shards}"
#: Images of a chunk: at most so many are lost by an interruption.
CHUNK_SIZE = 512
_BLOCK = 32


@dataclass(frozen=True)
class Chunk:
    """A slice of the cohort, `image_id`, `path` and `study_id`, and the files of its results."""

    rows: pl.DataFrame
    images: Path
    rejects: Path
    digests: dict[Path, str] = field(default_factory=dict)
    """Of the files, as written or verified."""


def chunks_of(rows: pl.DataFrame, job: Job, shard: int, shards: int) -> list[Chunk]:
    """The chunks of a shard's rows of the cohort, in order."""
    folder = job.workspace / FOLDER.format(shard=shard, shards=shards)
    slices = rows.select("image_id", "path", "study_id").iter_slices(CHUNK_SIZE)
    return [
        Chunk(piece, folder / f"images-{number:05d}.h5", folder / f"rejects-{number:05d}.parquet")
        for number, piece in enumerate(slices)
    ]


def is_done(chunk: Chunk, job: Job, root: Root) -> bool:
    """Whether the files of a chunk are whole and up to date.

    They are not if an image that was missing exists now.
    """
    from cxrcore.pixels.image_files import exists
    from data_contracts.lineage import was_made_by
    from data_contracts.store import read_table, verify

    job.stop_if_asked()
    try:
        rejects = read_table(IMAGE_REJECTS, chunk.rejects)
        headers = {chunk.images: verify(chunk.images), chunk.rejects: rejects.header}
    except CxrError as error:
        if not concerns_content(error):
            raise
        return False
    origin = _origin(job, root)
    for (path, header), contract in zip(headers.items(), (IMAGES, IMAGE_REJECTS), strict=True):
        versions = header.package_version, header.version
        if not was_made_by(header, origin) or versions != (package_version(), contract.version):
            return False
        chunk.digests[path] = header.digest
    missing = rejects.frame.filter(reason="missing_file")["path"]
    return not any(exists(root, path) for path in missing)


def write_chunk(
    chunk: Chunk,
    results: Iterator[ProcessedImage | RejectedImage],
    job: Job,
    root: Root,
    none: np.ndarray[Any, Any],
    advance: Callable[[], None],
) -> None:
    """Write the next results, one for each row of the chunk; `advance` may stop it.

    `none` are no images, (0, size, size), of the store's type.
    """
    from cxrcore.pixels import RejectedImage
    from data_contracts.store import array_writer, write_table

    rejects: list[tuple[str, str, RejectedImage]] = []
    formats: set[str] = set()
    with array_writer(IMAGES, chunk.images) as writer:
        writer.append(**_columns([], none))
        for block in chunk.rows.iter_slices(_BLOCK):
            kept: list[tuple[str, ProcessedImage]] = []
            for (image_id, path, _), result in zip(block.iter_rows(), results, strict=False):
                if isinstance(result, RejectedImage):
                    rejects.append((image_id, path, result))
                else:
                    kept.append((image_id, result))
                advance()
            writer.append(**_columns(kept, none))
            formats |= {image.format for _, image in kept}
        writer.attributes.update(_attributes(formats, shard=1, shards=1))
        chunk.digests[chunk.images] = writer.finish(_origin(job, root)).digest
    header = write_table(IMAGE_REJECTS, chunk.rejects, _rejects_frame(rejects), _origin(job, root))
    chunk.digests[chunk.rejects] = header.digest


def _origin(job: Job, root: Root) -> Provenance:
    # A chunk is tied to the root as well, by a hash: the folder's name may be confidential.
    place = root.encode() if isinstance(root, str) else bytes(root.resolve())
    digest = hashlib.sha256(place).hexdigest()
    inputs = (*job.origin.inputs, Input("source", "root", f"sha256:{digest}"))
    return Provenance(job.origin.job, job.origin.config, inputs, defaults=job.origin.defaults)


def _columns(
    kept: Sequence[tuple[str, ProcessedImage]], none: np.ndarray[Any, Any]
) -> dict[str, Any]:
    import numpy as np

    images = [image for _, image in kept]
    return {
        "image_id": [image_id for image_id, _ in kept],
        "pixels": np.stack([i.pixels for i in images]) if images else none,
        "content_bbox": np.reshape([i.content_bbox for i in images], (-1, 4)),
        "windowing": [WINDOWINGS.index(i.windowing) for i in images],
        "polarity_suspect": [i.polarity_suspect for i in images],
        "perceptual_hash": np.reshape([i.perceptual_hash for i in images], (-1, 8)),
        "source_size": np.reshape([i.source_size for i in images], (-1, 2)),
    }


def _rejects_frame(rejects: Sequence[tuple[str, str, RejectedImage]]) -> pl.DataFrame:
    import polars as pl

    rows = [(image_id, path, reject.reason, reject.detail) for image_id, path, reject in rejects]
    schema: dict[str, Any] = {
        "image_id": pl.String,
        "path": pl.String,
        "reason": pl.Enum(REJECT_REASONS),
    }
    return pl.DataFrame(rows, schema=schema | {"detail": pl.String}, orient="row")


def _attributes(formats: Iterable[str], shard: int, shards: int) -> dict[str, Any]:
    return {
        "windowings": list(WINDOWINGS),
        "formats": sorted(formats),
        "shard": shard,
        "shards": shards,
    }


def join(chunks: Sequence[Chunk], job: Job, shard: int, shards: int, most: float) -> None:
    """Stream the chunks into the job's artifacts, and log what was excluded.

    Raises `SourceError` when more than the share `most` of the images, or all, were rejected.
    """
    import polars as pl

    from data_contracts.store import open_arrays, read_table

    tables = [read_table(IMAGE_REJECTS, chunk.rejects) for chunk in chunks]
    for chunk, table in zip(chunks, tables, strict=True):
        _require_same(chunk, table)
    rejects = pl.concat(table.frame for table in tables)
    total = sum(chunk.rows.height for chunk in chunks)
    _require_usable(rejects, total, most, chunks[0].images.parent)
    formats: set[str] = set()
    suspect = 0
    with (
        job.writer(IMAGES) as writer,
        job.progress("joining", total - rejects.height, "images") as advance,
    ):
        for chunk in chunks:
            with open_arrays(IMAGES, chunk.images) as arrays:
                _require_same(chunk, arrays)
                names = [n for n in arrays.names() if not IMAGES.is_checksum(n)]
                for start in range(0, arrays.shape("image_id")[0], _BLOCK):
                    rows = slice(start, start + _BLOCK)
                    writer.append(**(block := {n: arrays.read(n, rows) for n in names}))
                    advance(len(block["image_id"]))
                formats |= set(arrays.header.attributes["formats"])
                suspect += int(arrays.read("polarity_suspect").sum())
        writer.attributes.update(_attributes(formats, shard, shards))
    cohort = pl.concat(chunk.rows for chunk in chunks)
    # Images of one study may lie in several shards.
    pairs = _quality.near_duplicate_pairs(job.path(IMAGES), cohort) if shards == 1 else None
    job.write(IMAGE_REJECTS, rejects, near_duplicate_pairs=pairs)
    job.metric(images=total - rejects.height, rejects=rejects.height, doubtful_polarity=suspect)
    job.log(f"stored {total - rejects.height:,} of {total:,} images")
    _quality.warn(job, rejects, formats, suspect, pairs or 0)


def _require_same(chunk: Chunk, artifact: Table | Arrays) -> None:
    if artifact.header.digest != chunk.digests[artifact.path]:
        raise Interrupted(
            f"{artifact.path} was replaced while it was being joined; run the same command again"
        )


def _require_usable(rejects: pl.DataFrame, total: int, most: float, folder: Path) -> None:
    if rejects.height == total:
        # The cause may be fixed before the next run.
        shutil.rmtree(folder)
        raise SourceError(
            f"none of the {total:,} images is usable: {_quality.counts(rejects)}; "
            "check --root, the folder that the cohort's paths are relative to"
        )
    if rejects.height > most * total:
        raise SourceError(
            f"{rejects.height:,} of {total:,} images are unusable: {_quality.counts(rejects)}; "
            "fix the files and run the same command with --force, or accept that many with "
            f"--max-reject-fraction {ceil(100 * rejects.height / total) / 100}"
        )
