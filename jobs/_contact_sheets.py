"""Pictures that `preprocess` leaves beside the store, for a person to look at; ids stay hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.images import IMAGES
from jobs._job import Job

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from data_contracts.store import Arrays

#: How many images a sheet shows at most.
AT_RANDOM, SUSPECT = 64, 256


def write(job: Job, cohort: pl.DataFrame, shard: int, shards: int) -> None:
    """A sheet of images drawn at random, and one of those whose polarity is suspect, if any.

    Each image stands with its view and how its grey values were made. The same store gives the
    same sheets.
    """
    import numpy as np

    from cxrcore.pixels.contact_sheet import contact_sheet
    from data_contracts.store import atomic_write, open_arrays

    store = IMAGES.path(job.workspace, shard=str(shard), shards=str(shards))
    with open_arrays(IMAGES, store, verify=False) as images:
        suspect = images.read("polarity_suspect")
        everything, flagged = np.arange(len(suspect)), np.flatnonzero(suspect)
        sheets = {
            "contact-sheet": (_drawn(everything, AT_RANDOM), f"of {len(everything):,} images"),
            "polarity-suspect": (_drawn(flagged, SUSPECT), f"of {len(flagged):,} images whose "
                                 "border is brighter than their centre"),
        }  # fmt: skip
        for name, (rows, title) in sheets.items():
            path = store.with_name(f"{name}-{shard}-of-{shards}.png")
            if not len(rows):
                path.unlink(missing_ok=True)
                continue
            tiles = list(zip((_in_8_bit(images.read("pixels", row)) for row in rows),
                             _captions(images, cohort, rows), strict=True))  # fmt: skip
            with atomic_write(path) as partial:
                contact_sheet(f"{len(rows)} {title}", tiles).save(partial, "png")
            job.log(f"look at {path.relative_to(job.workspace)}: {len(rows)} {title}")


def _in_8_bit(pixels: NDArray[np.unsignedinteger[Any]]) -> NDArray[np.uint8]:
    import numpy as np

    most = np.iinfo(pixels.dtype).max
    return pixels if most == 255 else np.rint(pixels * (255 / most)).astype(np.uint8)


def _drawn(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    import numpy as np

    return np.sort(np.random.default_rng(0).permutation(rows)[:most])


def _captions(images: Arrays, cohort: pl.DataFrame, rows: NDArray[np.intp]) -> list[str]:
    import polars as pl

    names = images.header.attributes["windowings"]
    wanted = pl.DataFrame({"image_id": images.read("image_id")[rows]})
    views = wanted.join(
        cohort.select("image_id", pl.col("view").cast(pl.String)), on="image_id", how="left",
        maintain_order="left",
    )["view"]  # fmt: skip
    windowing, suspect = images.read("windowing")[rows], images.read("polarity_suspect")[rows]
    return [
        f"{view or 'no view'}, {names[rule].replace('_', ' ')}{', polarity?' if flag else ''}"
        for view, rule, flag in zip(views, windowing, suspect, strict=True)
    ]
