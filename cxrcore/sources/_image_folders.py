"""Where a collection whose table names only the files keeps its images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

#: Where copies of a collection keep the images, if not in `images`; empty: beside the table.
_LAYOUTS = ("images_*/images", "images_*", "", "*", "*/*")


def image_folders(root: Path) -> list[Path]:
    """The folders that hold the PNG images, of the first layout that fits; empty: none does."""
    if (images := root / "images").is_dir():
        return [images]
    for pattern in _LAYOUTS:
        folders = sorted(root.glob(pattern)) if pattern else [root]
        if found := [folder for folder in folders if next(folder.glob("*.png"), None)]:
            return found
    return []


def image_paths(root: Path, names: pl.Series) -> pl.Series:
    """The path of each image relative to `root`; one that is nowhere gets the first folder.

    Raises `SourceError` where several folders hold an image of the same name, as copies do.
    """
    import polars as pl

    folders = [folder.relative_to(root) for folder in image_folders(root)]
    if len(folders) == 1:
        return pl.Series([str(folders[0] / name) for name in names])
    paths: dict[str, Path] = {}
    for folder in folders:
        for file in (root / folder).iterdir():
            if (path := folder / file.name) != paths.setdefault(file.name, path):
                raise SourceError(
                    f"{root}: {folder} and {paths[file.name].parent} hold images of the same name;"
                    " keep one of them below --root"
                )
    return pl.Series([str(paths.get(name, folders[0] / name)) for name in names])
