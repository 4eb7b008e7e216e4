"""Contact sheets: squares of the image stores, to look at before a training. Ids stay hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.cohort import COHORT
from data_contracts.errors import ArtifactError
from data_contracts.images import IMAGES
from tui.shared.panel import Panel
from tui.workspace.snapshot import Artifact

if TYPE_CHECKING:
    from tui.shared.colours import Image


@dataclass(frozen=True)
class Square:
    """An image by its store, which had `digest`, and row, and what is known of it."""

    store: Path
    digest: str
    row: int
    caption: str
    suspect: bool
    """Whether its dark and bright may be swapped."""


@dataclass(frozen=True)
class Sheet:
    """Squares under a title; `files` are pictures of the same."""

    title: str
    squares: tuple[Square, ...]
    files: tuple[str, ...] = ()


def read_sheet(name: str, folder: Path, artifacts: Sequence[Artifact]) -> Sheet:
    """The sheet `name` of the stores, of whose shards the first one is drawn from at random.

    The cohort among the `artifacts` knows the views. Raises `ArtifactError` for what is damaged.
    """
    from data_contracts.store import open_arrays, read_table
    from jobs._contact_sheets import contact_sheets

    whole = [a for a in artifacts if a.header is not None]
    cohorts = [folder / a.place for a in whole if a.contract == COHORT.name]
    cohort = read_table(COHORT, cohorts[0]).frame if cohorts else None
    stores = sorted(folder / a.place for a in whole if a.contract == IMAGES.name)
    squares, sheets, files = [], [], []
    for store in stores if name != "contact-sheet" else stores[:1]:
        with open_arrays(IMAGES, store, verify=False) as images:
            sheets.append(contact_sheets(images, cohort)[name])
            digest = images.header.digest
        squares += [Square(store, digest, *square) for square in sheets[-1].squares]
        file = store.with_name(f"{store.stem.replace('images', name, 1)}.png")
        files += [file.relative_to(folder).as_posix()] if file.exists() else []
    total = sum(sheet.total for sheet in sheets)
    title = f"{len(squares)} of {total:,} {sheets[0].what}" if sheets else ""
    return Sheet(title, tuple(squares), tuple(files))


def panels_of(squares: Sequence[Square], side: int) -> tuple[Panel, ...]:
    """Squares as pictures of at most `side` pixels; each reads one row of its store.

    Raises `ArtifactError` when a store has been replaced.
    """
    return tuple(
        Panel((("warn", f"⚠ {s.caption}") if s.suspect else ("", s.caption),), _picture(s, side))
        for s in squares
    )


def _picture(square: Square, side: int) -> Image:
    import numpy as np
    from PIL import Image as Pillow

    from data_contracts.store import open_arrays
    from jobs._contact_sheets import in_8_bit

    with open_arrays(IMAGES, square.store, verify=False) as images:
        if images.header.digest != square.digest:
            raise ArtifactError(f"{square.store} was just replaced; reading it again")
        grey = Pillow.fromarray(in_8_bit(images.read("pixels", square.row)))
    grey.thumbnail((side, side), Pillow.Resampling.BILINEAR)
    return np.repeat(np.asarray(grey)[..., None], 3, axis=2)
