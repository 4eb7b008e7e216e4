"""The image store in parts: what an interrupted `preprocess` has done is kept and joined later.

A part is an `images` file and an `image_rejects` file in a hidden folder beside the store. It
counts only if the same version of this package made it, with the same config, cohort and root.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts._header import Input, Origin, package_version
from data_contracts.errors import ArtifactError, SourceError
from data_contracts.images import IMAGE_REJECTS, IMAGES, INTENSITY_RULES, REJECT_REASONS
from jobs._job import Job

if TYPE_CHECKING:
    import polars as pl

    from cxrcore.pixels import Prepared, Reject
    from cxrcore.pixels.storage import Root

#: Images of a part: what an interruption costs at most.
PART = 512
_BLOCK = 32


@dataclass(frozen=True)
class Part:
    """A slice of the cohort, `image_id` and `path`, and the two files that hold what it became."""

    rows: pl.DataFrame
    images: Path
    rejects: Path


def parts_of(rows: pl.DataFrame, job: Job, shard: int, shards: int) -> list[Part]:
    """The parts of a shard's rows of the cohort, in order."""
    folder = job.path(IMAGES).parent / f".parts-{shard}-of-{shards}"
    slices = rows.select("image_id", "path").iter_slices(PART)
    return [
        Part(chunk, folder / f"images-{number:05d}.h5", folder / f"rejects-{number:05d}.parquet")
        for number, chunk in enumerate(slices)
    ]


def is_done(part: Part, job: Job, root: Root) -> bool:
    """Whether the files of a part are whole and were made from the same."""
    from data_contracts.store import verify

    try:
        headers = [verify(path) for path in (part.images, part.rejects)]
    except ArtifactError:
        return False
    origin = _origin(job, root)
    return all(h.of_origin(origin) and h.package_version == package_version() for h in headers)


def write_part(
    part: Part,
    results: Iterator[Prepared | Reject],
    job: Job,
    root: Root,
    size: int,
    advance: Callable[[], None],
) -> None:
    """Write the next results, one for each row of the part; `advance` may stop it."""
    from cxrcore.pixels import Reject
    from data_contracts.store import array_writer, write_table

    rejects: list[tuple[str, str, Reject]] = []
    formats: set[str] = set()
    with array_writer(IMAGES, part.images) as writer:
        writer.append(**_columns([], size))
        for block in part.rows.iter_slices(_BLOCK):
            kept: list[tuple[str, Prepared]] = []
            for (image_id, path), result in zip(block.iter_rows(), results, strict=False):
                if isinstance(result, Reject):
                    rejects.append((image_id, path, result))
                else:
                    kept.append((image_id, result))
                advance()
            writer.append(**_columns(kept, size))
            formats |= {image.format for _, image in kept}
        writer.attributes.update(_attributes(formats, shard=1, shards=1))
        writer.finish(_origin(job, root))
    write_table(IMAGE_REJECTS, part.rejects, _rejects_frame(rejects), _origin(job, root))


def _origin(job: Job, root: Root) -> Origin:
    # A part is tied to the root as well, by a hash: the folder's name is nobody's business.
    place = root.encode() if isinstance(root, str) else bytes(root.resolve())
    digest = hashlib.sha256(place).hexdigest()
    inputs = (*job.origin.inputs, Input("source", "root", f"sha256:{digest}"))
    return Origin(job.origin.job, job.origin.config, inputs)


def _columns(kept: Sequence[tuple[str, Prepared]], size: int) -> dict[str, Any]:
    import numpy as np

    images = [image for _, image in kept]
    return {
        "image_id": [image_id for image_id, _ in kept],
        "pixels": np.reshape([i.pixels for i in images], (-1, size, size)),
        "content_box": np.reshape([i.box for i in images], (-1, 4)),
        "intensity_rule": [INTENSITY_RULES.index(i.rule) for i in images],
        "bright_border": [i.bright_border for i in images],
        "source_size": np.reshape([i.source_size for i in images], (-1, 2)),
    }


def _rejects_frame(rejects: Sequence[tuple[str, str, Reject]]) -> pl.DataFrame:
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


def join(parts: Sequence[Part], job: Job, shard: int, shards: int) -> None:
    """Stream the parts into the job's artifacts, say what was left out, remove the parts.

    Raises `SourceError` when no image could be used.
    """
    import polars as pl

    from data_contracts.store import open_arrays, read_table

    rejects = pl.concat(read_table(IMAGE_REJECTS, part.rejects).frame for part in parts)
    total = sum(part.rows.height for part in parts)
    folder = parts[0].images.parent
    if rejects.height == total:
        # What made all fail may be mended before the next run.
        shutil.rmtree(folder)
        raise SourceError(
            f"none of the {total:,} images can be used: {_counts(rejects)}; "
            "check --root, below which the cohort's paths must lie"
        )
    formats: set[str] = set()
    doubtful = 0
    with job.writer(IMAGES) as writer:
        for part in parts:
            job.stop_if_asked()
            with open_arrays(IMAGES, part.images) as arrays:
                count = arrays.shape("image_id")[0]
                for start in range(0, count, _BLOCK):
                    rows = slice(start, start + _BLOCK)
                    writer.append(**{n: arrays.read(n, rows) for n in arrays.names()})
                formats |= set(arrays.header.attributes["formats"])
                doubtful += int(arrays.read("bright_border").sum())
        writer.attributes.update(_attributes(formats, shard, shards))
    job.write(IMAGE_REJECTS, rejects)
    shutil.rmtree(folder)
    job.metric(images=total - rejects.height, rejects=rejects.height, doubtful_polarity=doubtful)
    job.say(f"{total - rejects.height:,} of {total:,} images are in the store")
    if rejects.height:
        job.warn(f"{rejects.height:,} images were left out: {_counts(rejects)}")
    if doubtful:
        job.warn(f"{doubtful:,} images have a bright border: their polarity is doubtful")


def _counts(rejects: pl.DataFrame) -> str:
    counts = Counter(rejects["reason"].to_list()).most_common()
    return ", ".join(f"{reason} {count:,}" for reason, count in counts)
