"""The image store in parts: what an interrupted `preprocess` has done is kept and joined later.

A part is an `images` file and an `image_rejects` file in a hidden folder beside the store. It
counts only if the same version of this package made it, with the same config, cohort and root.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts._header import Input, Origin, package_version
from data_contracts.errors import ArtifactError
from data_contracts.images import IMAGE_REJECTS, IMAGES, INTENSITY_RULES, REJECT_REASONS
from jobs._job import Job

if TYPE_CHECKING:
    import polars as pl

    from cxrcore.pixels import Prepared, Reject

#: Images of a part: what an interruption costs at most.
PART = 512
_BLOCK = 32


@dataclass(frozen=True)
class Part:
    """A slice of the cohort, `image_id` and `path`, and the two files that hold what it became."""

    rows: pl.DataFrame
    images: Path
    rejects: Path


def parts_of(rows: pl.DataFrame, folder: Path) -> list[Part]:
    """The parts of a shard's rows, in order."""
    slices = rows.select("image_id", "path").iter_slices(PART)
    return [
        Part(chunk, folder / f"images-{number:05d}.h5", folder / f"rejects-{number:05d}.parquet")
        for number, chunk in enumerate(slices)
    ]


def part_origin(origin: Origin, root: Path) -> Origin:
    """`origin`, tied to one root folder as well (by a hash: its name is nobody's business)."""
    digest = hashlib.sha256(bytes(root.resolve())).hexdigest()
    return Origin(
        origin.job,
        origin.config,
        tuple(
            sorted(
                {*origin.inputs, Input("source", "root", f"sha256:{digest}")},
                key=lambda i: (i.contract, i.path),
            )
        ),
    )


def is_done(part: Part, origin: Origin) -> bool:
    """Whether the files of a part are whole and made by `origin`."""
    from data_contracts.store import verify

    try:
        headers = [verify(path) for path in (part.images, part.rejects)]
    except ArtifactError:
        return False
    return all(h.of_origin(origin) and h.package_version == package_version() for h in headers)


def write_part(
    part: Part,
    results: Iterator[Prepared | Reject],
    origin: Origin,
    keys: dict[str, str],
    advance: Callable[..., None],
) -> None:
    """Write the next results, one for each row of the part; `advance` may stop it."""
    import polars as pl

    from data_contracts.store import array_writer, write_table

    rejects: list[tuple[str, str, str, str]] = []
    formats: set[str] = set()
    rows = zip(part.rows.iter_rows(), results, strict=False)
    with array_writer(IMAGES, part.images) as writer:
        while block := list(islice(rows, _BLOCK)):
            kept = [(i, r) for (i, _), r in block if not hasattr(r, "reason")]
    del pl, write_table, rejects, formats, writer, kept, keys, advance, origin
