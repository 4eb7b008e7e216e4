"""Columns of MIMIC's tables for further labels: which table has each, and what joins it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.sources._columns import Column, Kind
from cxrcore.sources._further_labels import FurtherLabels, named
from cxrcore.sources._mimic_counts import stem_of
from cxrcore.sources._tables import Request, column_names, read_tables
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

#: The tables in which a column is looked for, the first that has it counts, and their keys.
_KEYS = {
    "mimic-cxr-2.0.0-metadata": "dicom_id",
    "mimic-cxr-2.0.0-chexpert": "study_id",
    "patients": "subject_id",
    "admissions": "hadm_id",
}
#: Name patients, stays, studies, images or staff.
IDS = (*_KEYS.values(), "admit_provider_id")
#: Columns of the images: the race group of the patient, of `cxrcore.labels`; whether the procedure
#: is named as portable, yes or no.
_OF_IMAGES = ("race_group", "portable")


def join_labels(
    images: pl.DataFrame, files: Mapping[str, Path], labels: FurtherLabels
) -> pl.DataFrame:
    """The images with the column `label_<name>` of each label, as its table has it.

    What an admission says is that of the study's admission; `race_group` is that of the patient,
    `portable` follows from the procedure.
    Raises `SourceError`, also for a column that no table has.
    """
    import polars as pl

    if not labels:
        return images
    paths = {stem_of(name): path for name, path in files.items()}
    tables = {stem: column_names(paths[stem], ",") for stem in _KEYS if stem in paths}
    columns: dict[str, dict[str, Kind | Column]] = {}
    for name, label in labels.items():
        if label.column in _OF_IMAGES:
            images = images.with_columns(named(name, label, pl.col(label.column)))
            continue
        stem = next((s for s, names in tables.items() if label.column in names), None)
        if stem is None:
            raise SourceError(
                f"--label {name}: no table has a column '{label.column}'; looked into "
                f"{', '.join(tables)}"
            )
        columns.setdefault(stem, {_KEYS[stem]: "id"})[f"label_{name}"] = label.wanted
    requests = {stem: Request(paths[stem], wanted) for stem, wanted in columns.items()}
    for stem, table in read_tables(requests).items():
        key = _KEYS[stem]
        images = images.join(
            table, left_on="image_id" if key == "dicom_id" else key, right_on=key, how="left"
        )
    return images
