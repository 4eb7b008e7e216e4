"""Pictures that `preprocess` leaves beside the store, for a person to look at; ids stay hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data_contracts.images import IMAGES

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from data_contracts.store import Arrays
    from jobs._job import Job

#: How many images a sheet shows at most.
AT_RANDOM, SUSPECT = 64, 256
BRIGHT_BORDER = "images whose border is brighter than their centre"


@dataclass(frozen=True)
class ContactSheet:
    """Images of a store to look at, of `total` that are `what`.

    `squares`: row, view and how the grey values were made, and whether the polarity is suspect.
    """

    squares: Sequence[tuple[int, str, bool]]
    total: int
    what: str

    @property
    def title(self) -> str:
        return f"{len(self.squares)} of {self.total:,} {self.what}"


def write(job: Job, cohort: pl.DataFrame, shard: int, shards: int) -> None:
    """A sheet of images drawn at random, and one of those whose polarity is suspect, if any."""
    from cxrcore.pixels.contact_sheet import contact_sheet
    from data_contracts.store import atomic_write, open_arrays

    store = IMAGES.path(job.workspace, shard=str(shard), shards=str(shards))
    with open_arrays(IMAGES, store, verify=False) as images:
        for name, sheet in contact_sheets(images, cohort).items():
            path = store.with_name(f"{name}-{shard}-of-{shards}.png")
            if not sheet.squares:
                path.unlink(missing_ok=True)
                continue
            tiles = [
                (in_8_bit(images.read("pixels", row)), caption + ", polarity?" * suspect)
                for row, caption, suspect in sheet.squares
            ]
            with atomic_write(path) as partial:
                contact_sheet(sheet.title, tiles).save(partial, "png")
            job.log(f"look at {path.relative_to(job.workspace)}: {sheet.title}")


def contact_sheets(images: Arrays, cohort: pl.DataFrame | None) -> dict[str, ContactSheet]:
    """The sheets of a store by name; its `cohort` (`image_id`, `view`) knows the views.

    Each image stands with its view and how its grey values were made. The same store gives the
    same sheets.
    """
    import numpy as np

    suspect = images.read("polarity_suspect")
    of_interest = {
        "contact-sheet": (np.arange(len(suspect)), AT_RANDOM, "images"),
        "polarity-suspect": (np.flatnonzero(suspect), SUSPECT, BRIGHT_BORDER),
    }
    sheets = {}
    for name, (found, most, what) in of_interest.items():
        rows = np.sort(np.random.default_rng(0).permutation(found)[:most])
        captions = _captions(images, cohort, rows)
        squares = list(zip(rows.tolist(), captions, suspect[rows].tolist(), strict=True))
        sheets[name] = ContactSheet(squares, len(found), what)
    return sheets


def in_8_bit(pixels: NDArray[np.unsignedinteger[Any]]) -> NDArray[np.uint8]:
    """Grey values of any depth, from 0 to 255."""
    import numpy as np

    most = np.iinfo(pixels.dtype).max
    return pixels if most == 255 else np.rint(pixels * (255 / most)).astype(np.uint8)


def _captions(images: Arrays, cohort: pl.DataFrame | None, rows: NDArray[np.intp]) -> list[str]:
    names = images.header.attributes["windowings"]
    views = _views(cohort, images.read("image_id")[rows].tolist())
    windowing = images.read("windowing")[rows]
    return [
        f"{view or 'no view'}, {names[rule].replace('_', ' ')}"
        for view, rule in zip(views, windowing, strict=True)
    ]


def _views(cohort: pl.DataFrame | None, ids: Sequence[str]) -> Sequence[str | None]:
    import polars as pl

    if cohort is None:
        return [None] * len(ids)
    views = cohort.select("image_id", pl.col("view").cast(pl.String))
    wanted = pl.DataFrame({"image_id": ids}, schema={"image_id": pl.String})
    return wanted.join(views, on="image_id", how="left", maintain_order="left")["view"].to_list()
