"""The image store in parts: what an interrupted `preprocess` has done is kept and joined later.

A part is an `images` file and an `image_rejects` file in a hidden folder beside the store. It
counts only if the same version of this package made it, with the same config, cohort and root.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.errors import CxrError, Interrupted, SourceError, concerns_content
from data_contracts.header import Input, Provenance, package_version
from data_contracts.images import IMAGE_REJECTS, IMAGES, INTENSITY_RULES, REJECT_REASONS
from jobs._job import Job

if TYPE_CHECKING:
    import polars as pl

    from cxrcore.pixels import ProcessedImage, RejectedImage
    from cxrcore.pixels.image_files import Root
    from data_contracts.store import Arrays, Table

#: Where the parts of a shard lie.
FOLDER = "images/.parts-{shard}-of-{shards}"
#: Images of a part: what an interruption costs at most.
PART = 512
_BLOCK = 32


@dataclass(frozen=True)
class Part:
    """A slice of the cohort, `image_id` and `path`, and the two files that hold what it became."""

    rows: pl.DataFrame
    images: Path
    rejects: Path
    digests: dict[Path, str] = field(default_factory=dict)
    """Of the files, as they were written or verified."""


def parts_of(rows: pl.DataFrame, job: Job, shard: int, shards: int) -> list[Part]:
    """The parts of a shard's rows of the cohort, in order."""
    folder = job.workspace / FOLDER.format(shard=shard, shards=shards)
    slices = rows.select("image_id", "path").iter_slices(PART)
    return [
        Part(chunk, folder / f"images-{number:05d}.h5", folder / f"rejects-{number:05d}.parquet")
        for number, chunk in enumerate(slices)
    ]


def is_done(part: Part, job: Job, root: Root) -> bool:
    """Whether the files of a part are whole, were made from the same, and would be again.

    An image that was missing may be there now.
    """
    from cxrcore.pixels.image_files import exists
    from data_contracts.store import read_table, verify

    job.stop_if_asked()
    try:
        rejects = read_table(IMAGE_REJECTS, part.rejects)
        headers = {part.images: verify(part.images), part.rejects: rejects.header}
    except CxrError as error:
        if not concerns_content(error):
            raise
        return False
    origin = _origin(job, root)
    for path, header in headers.items():
        if not header.matches(origin) or header.package_version != package_version():
            return False
        part.digests[path] = header.digest
    missing = rejects.frame.filter(reason="missing_file")["path"]
    return not any(exists(root, path) for path in missing)


def write_part(
    part: Part,
    results: Iterator[ProcessedImage | RejectedImage],
    job: Job,
    root: Root,
    size: int,
    advance: Callable[[], None],
) -> None:
    """Write the next results, one for each row of the part; `advance` may stop it."""
    from cxrcore.pixels import RejectedImage
    from data_contracts.store import array_writer, write_table

    rejects: list[tuple[str, str, RejectedImage]] = []
    formats: set[str] = set()
    with array_writer(IMAGES, part.images) as writer:
        writer.append(**_columns([], size))
        for block in part.rows.iter_slices(_BLOCK):
            kept: list[tuple[str, ProcessedImage]] = []
            for (image_id, path), result in zip(block.iter_rows(), results, strict=False):
                if isinstance(result, RejectedImage):
                    rejects.append((image_id, path, result))
                else:
                    kept.append((image_id, result))
                advance()
            writer.append(**_columns(kept, size))
            formats |= {image.format for _, image in kept}
        writer.attributes.update(_attributes(formats, shard=1, shards=1))
        part.digests[part.images] = writer.finish(_origin(job, root)).digest
    header = write_table(IMAGE_REJECTS, part.rejects, _rejects_frame(rejects), _origin(job, root))
    part.digests[part.rejects] = header.digest


def _origin(job: Job, root: Root) -> Provenance:
    # A part is tied to the root as well, by a hash: the folder's name is nobody's business.
    place = root.encode() if isinstance(root, str) else bytes(root.resolve())
    digest = hashlib.sha256(place).hexdigest()
    inputs = (*job.origin.inputs, Input("source", "root", f"sha256:{digest}"))
    return Provenance(job.origin.job, job.origin.config, inputs)


def _columns(kept: Sequence[tuple[str, ProcessedImage]], size: int) -> dict[str, Any]:
    import numpy as np

    images = [image for _, image in kept]
    return {
        "image_id": [image_id for image_id, _ in kept],
        "pixels": np.reshape([i.pixels for i in images], (-1, size, size)),
        "content_box": np.reshape([i.content_bbox for i in images], (-1, 4)),
        "intensity_rule": [INTENSITY_RULES.index(i.windowing) for i in images],
        "bright_border": [i.polarity_suspect for i in images],
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
        "intensity_rules": list(INTENSITY_RULES),
        "formats": sorted(formats),
        "shard": shard,
        "shards": shards,
    }


def join(parts: Sequence[Part], job: Job, shard: int, shards: int, most: float) -> None:
    """Stream the parts into the job's artifacts, and say what was left out.

    Raises `SourceError` when more than the share `most` of the images, or all, were rejected.
    """
    import polars as pl

    from data_contracts.store import open_arrays, read_table

    tables = [read_table(IMAGE_REJECTS, part.rejects) for part in parts]
    for part, table in zip(parts, tables, strict=True):
        _require_same(part, table)
    rejects = pl.concat(table.frame for table in tables)
    total = sum(part.rows.height for part in parts)
    _require_few(rejects, total, most, parts[0].images.parent)
    formats: set[str] = set()
    doubtful = 0
    with (
        job.writer(IMAGES) as writer,
        job.progress("joining", total - rejects.height, "images") as advance,
    ):
        for part in parts:
            with open_arrays(IMAGES, part.images) as arrays:
                _require_same(part, arrays)
                names = [n for n in arrays.names() if not IMAGES.is_checksum(n)]
                for start in range(0, arrays.shape("image_id")[0], _BLOCK):
                    rows = slice(start, start + _BLOCK)
                    writer.append(**(block := {n: arrays.read(n, rows) for n in names}))
                    advance(len(block["image_id"]))
                formats |= set(arrays.header.attributes["formats"])
                doubtful += int(arrays.read("bright_border").sum())
        writer.attributes.update(_attributes(formats, shard, shards))
    job.write(IMAGE_REJECTS, rejects)
    job.metric(images=total - rejects.height, rejects=rejects.height, doubtful_polarity=doubtful)
    job.log(f"{total - rejects.height:,} of {total:,} images are in the store")
    if rejects.height:
        job.warn(f"{rejects.height:,} images were left out: {_counts(rejects)}")
    if doubtful:
        job.warn(f"{doubtful:,} images have a bright border: their polarity is doubtful")


def _require_same(part: Part, artifact: Table | Arrays) -> None:
    if artifact.header.digest != part.digests[artifact.path]:
        raise Interrupted(
            f"{artifact.path} was replaced while it was joined; run the same command again"
        )


def _require_few(rejects: pl.DataFrame, total: int, most: float, folder: Path) -> None:
    if rejects.height == total:
        # What made all fail may be mended before the next run.
        shutil.rmtree(folder)
        raise SourceError(
            f"none of the {total:,} images can be used: {_counts(rejects)}; "
            "check --root, below which the cohort's paths must lie"
        )
    if rejects.height > most * total:
        raise SourceError(
            f"{rejects.height:,} of {total:,} images cannot be used: {_counts(rejects)}; mend what "
            "can be mended, then run the same command with --force, or accept that many with "
            f"--max-reject-fraction {ceil(100 * rejects.height / total) / 100}"
        )


def _counts(rejects: pl.DataFrame) -> str:
    counts = Counter(rejects["reason"].to_list()).most_common()
    return ", ".join(f"{reason} {count:,}" for reason, count in counts)
