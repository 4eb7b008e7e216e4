"""PadChest: `PADCHEST_chest_x_ray_images_labels_160K*.csv` and folders of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.sources._adapter import Adapter
from cxrcore.sources._further_labels import remedy, separated
from cxrcore.sources._image_folders import image_folders, image_paths
from cxrcore.sources._label_rules import LabelRules
from cxrcore.sources._mapped import read_images
from cxrcore.sources._mapped_tables import MappedTables
from cxrcore.sources._mapping import Mapping as Columns
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

_TABLE = "PADCHEST_chest_x_ray_images_labels_160K*.csv"


def locate(places: Mapping[str, Path]) -> dict[str, Path]:
    """The newest table; raise `SourceError` if it or the images are missing."""
    root = places["root"]
    tables = sorted((*root.glob(_TABLE), *root.glob(f"{_TABLE}.gz")))
    faults = [] if tables else [f"{root / _TABLE} does not exist"]
    if not image_folders(root):
        faults.append(f"{root / 'images'} does not exist, nor another folder with images")
    if faults:
        raise SourceError(f"{'; '.join(faults)}; --root must contain the table and the images")
    return {tables[-1].name: tables[-1]}


def read(files: Mapping[str, Path], rules: LabelRules) -> pl.DataFrame:
    """Every image of the table; see `Adapter.read`. There are no outcomes."""
    (path,) = files.values()
    labels = separated(rules.further, "Labels", ",")

    def mend(table: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        # The table has the year of birth. Ages are those that are reached in the year.
        age = pl.col("study_time").dt.year() - pl.col("age")
        # Findings stand there as a list of Python: ['cardiomegaly', 'edema'].
        findings = [
            f"label_{name}"
            for name, of in labels.items()
            if of.column == "Labels" and of.groups and of.groups.classes
        ]
        return table.with_columns(
            pl.col(findings).str.replace_all(r"[\[\]']", ""),
            age=age, path=image_paths(path.parent, table["path"]),
        )  # fmt: skip

    rules = replace(rules, further=labels)
    return read_images(MappedTables((path,), _mapping(), remedy(labels), rules), mend)


def _mapping() -> Columns:
    return Columns.model_validate({
        "path": "ImageID",
        "subject_id": "PatientID",
        "study_id": "StudyID",
        "study_time": {"column": "StudyDate_DICOM", "format": "%Y%m%d"},
        "age": "PatientBirth",
        "view": {"column": "Projection", "classes": {"PA": ["PA"], "AP": ["AP", "AP_horizontal"]}},
        "no_finding": {"column": "Labels", "values": ["['normal']"]},
        "labels": {"gender": {"column": "PatientSex_DICOM", "classes": {"F": ["F"], "M": ["M"]}}},
    })  # fmt: skip


ADAPTER = Adapter(
    title="PadChest",
    folders={"root": f"the collection, with {_TABLE} and the images"},
    tasks=("gender",),
    locate=locate,
    read=read,
)
