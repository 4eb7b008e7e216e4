"""NIH ChestX-ray14: `Data_Entry_2017*.csv` and folders of images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.labels import GENDER_CLASSES, normalised, unknown_categories
from cxrcore.sources._adapter import Adapter
from cxrcore.sources._columns import Column, Kind
from cxrcore.sources._further_labels import (
    FurtherLabels,
    columns_of_labels,
    remedy,
    separated,
    with_labels,
)
from cxrcore.sources._image_folders import image_folders, image_paths
from cxrcore.sources._joins import spelling_faults
from cxrcore.sources._label_rules import LabelRules
from cxrcore.sources._tables import Request, read_tables
from data_contracts.cohort import ADMISSION_MATCHES, VIEWS
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

NOT_FRONTAL = "view not stated"
BAD_AGE = "age below 0 or above 100: a faulty entry"
NO_GENDER = "gender not stated"

_OLDEST = 100
_IDS = ("Image Index", "Patient ID", "Follow-up #")


def locate(folders: Mapping[str, Path]) -> dict[str, Path]:
    """The newer table of the collection; raise `SourceError` if it or the images are missing."""
    root = folders["root"]
    # The sample of 5 % that is given apart has a table of the same columns.
    tables = sorted(root.glob("Data_Entry_2017*.csv")) or sorted(root.glob("sample_labels.csv"))
    faults = []
    if not tables:
        faults.append(f"{root / 'Data_Entry_2017.csv'} does not exist")
    if not image_folders(root):
        faults.append(f"{root / 'images'} does not exist, nor another folder with images")
    if faults:
        raise SourceError(
            f"{'; '.join(faults)}; --root must contain Data_Entry_2017*.csv and the images"
        )
    return {tables[-1].name: tables[-1]}


def read(files: Mapping[str, Path], rules: LabelRules) -> pl.DataFrame:
    """Every image of the table; see `Adapter.read`. There are no outcomes."""
    import polars as pl

    (path,) = files.values()
    labels = separated(rules.further, "Finding Labels", "|")
    table = _read_table(path, labels)
    view, gender = normalised("View Position"), normalised("Patient Gender")
    label = gender.cast(pl.Enum(GENDER_CLASSES))
    subject, study = pl.col("Patient ID"), pl.col("Follow-up #")
    excluded = (
        pl.when(view.is_null()).then(pl.lit(NOT_FRONTAL))
        .when(~pl.col("Patient Age").is_between(0, _OLDEST)).then(pl.lit(BAD_AGE))
    )  # fmt: skip
    images = table.select(
        image_id="Image Index",
        study_id=pl.concat_str(subject, study, separator="_"),
        subject_id=subject,
        path=image_paths(path.parent, table["Image Index"]),
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
        **{name: name for name in columns_of_labels(labels)},
    )
    return with_labels(images, labels, _IDS, ("gender",))


def _read_table(path: Path, labels: FurtherLabels) -> pl.DataFrame:
    """The required columns; the unnamed empty ones at the end of the original are ignored."""
    columns: dict[str, Kind | Column] = {
        "Image Index": "path", "Finding Labels": "text", "Follow-up #": "number_id",
        "Patient ID": "number_id",
        "Patient Age": "age", "Patient Gender|Patient Sex": "text", "View Position": "text",
        **columns_of_labels(labels),
    }  # fmt: skip
    request = Request(path, columns, key=("Image Index",))
    table = read_tables({"table": request}, remedy(labels))["table"]
    faults = unknown_categories(table, "Patient Gender", GENDER_CLASSES, request.row_name)
    faults += unknown_categories(table, "View Position", VIEWS, request.row_name)
    faults += spelling_faults(table["Patient ID"], "Patient ID")
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
