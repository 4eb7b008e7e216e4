"""NIH ChestX-ray14: `Data_Entry_2017*.csv` and folders of images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.labels import GENDER_CLASSES, normalised, unknown_categories
from cxrcore.sources._adapter import Adapter
from cxrcore.sources._columns import Kind
from cxrcore.sources._tables import Request, read_tables
from data_contracts.cohort import ADMISSION_MATCHES, VIEWS
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

NOT_FRONTAL = "view not stated"
BAD_AGE = "age above 100: a faulty entry"
NO_GENDER = "gender not stated"

_OLDEST = 100
#: Where copies of the collection keep the images, if not in `images`; empty: beside the table.
_LAYOUTS = ("images_*/images", "images_*", "", "*", "*/*")


def locate(folders: Mapping[str, Path]) -> dict[str, Path]:
    """The newer table of the collection; raise `SourceError` if it or the images are missing."""
    root = folders["root"]
    tables = sorted(root.glob("Data_Entry_2017*.csv"))
    faults = []
    if not tables:
        faults.append(f"{root / 'Data_Entry_2017.csv'} does not exist")
    if not _image_folders(root):
        faults.append(f"{root / 'images'} does not exist, nor another folder with images")
    if faults:
        raise SourceError(
            f"{'; '.join(faults)}; --root must contain Data_Entry_2017*.csv and the images"
        )
    return {tables[-1].name: tables[-1]}


def _image_folders(root: Path) -> list[Path]:
    """The folders that hold the images, of the first layout that fits."""
    if (images := root / "images").is_dir():
        return [images]
    for pattern in _LAYOUTS:
        folders = sorted(root.glob(pattern)) if pattern else [root]
        if found := [folder for folder in folders if next(folder.glob("*.png"), None)]:
            return found
    return []


def _image_paths(table: Path, names: pl.Series) -> pl.Series:
    """The path of each image relative to the folder of `table`.

    Raises `SourceError` where several folders hold an image of the same name, as copies do.
    """
    import polars as pl

    root = table.parent
    folders = [folder.relative_to(root) for folder in _image_folders(root)]
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


def read(files: Mapping[str, Path], horizon: int) -> pl.DataFrame:  # noqa: ARG001
    """Every image of the table; see `Adapter.read`. There are no outcomes, so no `horizon`."""
    import polars as pl

    (path,) = files.values()
    table = _read_table(path)
    view, gender = normalised("View Position"), normalised("Patient Gender")
    label = gender.cast(pl.Enum(GENDER_CLASSES))
    subject, study = pl.col("Patient ID"), pl.col("Follow-up #")
    excluded = (
        pl.when(view.is_null()).then(pl.lit(NOT_FRONTAL))
        .when(pl.col("Patient Age") > _OLDEST).then(pl.lit(BAD_AGE))
    )  # fmt: skip
    return table.select(
        image_id="Image Index",
        study_id=pl.concat_str(subject, study, separator="_"),
        subject_id=subject,
        path=_image_paths(path, table["Image Index"]),
        view=view.cast(pl.Enum(VIEWS)),
        study_time=pl.lit(None, pl.Datetime("us")),
        age=pl.col("Patient Age").cast(pl.Float32),
        days_to_death=pl.lit(None, pl.Int32),
        follow_up_days=pl.lit(None, pl.Int32),
        no_finding=pl.col("Finding Labels").str.strip_chars() == "No Finding",
        admission_match=pl.lit(None, pl.Enum(ADMISSION_MATCHES)),
        excluded=excluded.cast(pl.Enum([NOT_FRONTAL, BAD_AGE])),
        label_gender=label,
        null_gender=pl.when(label.is_null()).then(pl.lit(NO_GENDER)).cast(pl.Enum([NO_GENDER])),
    )


def _read_table(path: Path) -> pl.DataFrame:
    """The required columns; the unnamed empty ones at the end of the original are ignored."""
    columns: dict[str, Kind] = {
        "Image Index": "path", "Finding Labels": "text", "Follow-up #": "id", "Patient ID": "id",
        "Patient Age": "number", "Patient Gender": "text", "View Position": "text",
    }  # fmt: skip
    table = read_tables({"table": Request(path, columns, key=("Image Index",))})["table"]
    faults = unknown_categories(table, "Patient Gender", GENDER_CLASSES)
    faults += unknown_categories(table, "View Position", VIEWS)
    if faults:
        raise SourceError(f"{path}: {'; '.join(faults)}; correct the table")
    return table


ADAPTER = Adapter(
    title="NIH ChestX-ray14",
    folders={"root": "the collection, with Data_Entry_2017*.csv and the images"},
    tasks=("gender",),
    locate=locate,
    read=read,
)
