"""VinDr-CXR: findings of several readers in CSV, gender and age in the headers of the DICOM files.

The collection names no patients, so each image counts as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.sources._adapter import Adapter
from cxrcore.sources._columns import Column, Kind, parsed
from cxrcore.sources._further_labels import FurtherLabels, remedy
from cxrcore.sources._label_rules import LabelRules
from cxrcore.sources._mapped import images_of
from cxrcore.sources._mapped_tables import MappedTables
from cxrcore.sources._mapping import Mapping as Columns
from cxrcore.sources._tables import Request, read_tables
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

_PARTS = ("train", "test")
#: Endings of the images, the first that is there counts.
_SUFFIXES = (".dicom", ".dcm")


def locate(places: Mapping[str, Path]) -> dict[str, Path]:
    """The tables of the images; one of the two parts is enough."""
    root = places["root"]
    names = [f"annotations/image_labels_{part}.csv" for part in _PARTS]
    found = {name: root / name for name in names if (root / name).is_file()}
    if not found:
        raise SourceError(
            f"{root / names[0]} does not exist; --root must contain annotations/, train/ and test/"
        )
    return found


def read(files: Mapping[str, Path], rules: LabelRules) -> pl.DataFrame:
    """Every image of the tables; see `Adapter.read`. There are no outcomes."""
    import polars as pl

    labels = rules.further
    parts = [
        _read_part(path, labels).with_columns(table=index)
        for index, path in enumerate(files.values())
    ]
    tables = MappedTables(tuple(files.values()), _mapping(), remedy(labels), rules)
    return images_of(pl.concat(parts), tables)


def _read_part(path: Path, labels: FurtherLabels) -> pl.DataFrame:
    """The images of one table, with what their headers say."""
    import polars as pl

    wanted = {f"label_{name}": Column("number", (of.column,)) for name, of in labels.items()}
    columns: dict[str, Kind | Column] = {"image_id": "path", "No finding": "number", **wanted}
    findings = read_tables({"images": Request(path, columns)}, remedy(labels))["images"]
    # Three readers judged each image of the first part; bands divide the share that saw a finding.
    # A row of the table is the first of its image.
    readings, first = pl.exclude("image_id", "row").mean(), pl.col("row").min()
    images = findings.with_row_index("row").group_by("image_id").agg(readings, first)
    images = images.sort("image_id")
    by_most = ["No finding"]
    by_most += [f"label_{name}" for name, of in labels.items() if of.wanted.kind == "text"]
    images = images.with_columns((pl.col(by_most) >= 0.5).cast(pl.Int8).cast(pl.String))
    folder = path.parents[1] / path.stem.rpartition("_")[2]
    files = [_file(folder, name) for name in images["image_id"]]
    with ThreadPoolExecutor() as pool:
        headers = list(pool.map(_header, files))
    found = images.select(
        "image_id", "row", *wanted, subject_id="image_id", study_id="image_id",
        path=pl.Series([f"{folder.name}/{file.name}" for file in files]),
        view=pl.lit("PA"),
        no_finding="No finding",
        age=pl.Series([age for _, age in headers], dtype=pl.String),
        label_gender=pl.Series([sex for sex, _ in headers], dtype=pl.String),
    )  # fmt: skip
    return found.with_columns(parsed("age", Column("age", ())))


def _file(folder: Path, name: str) -> Path:
    files = [folder / f"{name}{suffix}" for suffix in _SUFFIXES]
    return next((file for file in files if file.is_file()), files[0])


def _header(file: Path) -> tuple[str | None, str | None]:
    """PatientSex and PatientAge; None where they are not stated or the file cannot be read."""
    import pydicom

    tags = ["PatientSex", "PatientAge"]
    # pydicom may raise any exception on damaged input, which `preprocess` will count.
    try:
        dataset = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=tags)
        sex, age = (str(dataset.get(tag) or "") or None for tag in tags)
    except Exception:
        return None, None
    return sex, age


def _mapping() -> Columns:
    return Columns.model_validate({
        "path": "image_id",
        "subject_id": "image_id",
        "age": "PatientAge",
        "view": {"column": "view", "classes": {"PA": ["PA"]}},
        "no_finding": {"column": "No finding", "values": ["1"]},
        "labels": {"gender": {"column": "PatientSex", "classes": {"F": ["F"], "M": ["M"]}}},
    })  # fmt: skip


ADAPTER = Adapter(
    title="VinDr-CXR",
    folders={"root": "the collection, with annotations/, train/ and test/"},
    tasks=("gender",),
    locate=locate,
    read=read,
    caution="the collection names no patients: each image counts as a patient of its own, so "
    "images of one patient may fall into several splits",
)
