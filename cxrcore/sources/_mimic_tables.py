"""Finds and reads the tables of MIMIC-IV (versions 1.0, 2.x, 3.x) and MIMIC-CXR."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.labels import GENDER_CLASSES, INSURANCES, RACE_GROUPS, unknown_categories
from cxrcore.sources._joins import join_faults
from cxrcore.sources._tables import Kind, Request, find_table, read_tables, require_tables
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

_RECORDS, _METADATA, _FINDINGS = (
    "cxr-record-list", "mimic-cxr-2.0.0-metadata", "mimic-cxr-2.0.0-chexpert",
)  # fmt: skip

_IDS: Mapping[str, Kind] = {"subject_id": "id", "study_id": "id"}
_JOINS = (
    ("records", "metadata", "dicom_id"),
    ("records", "patients", "subject_id"),
    ("admissions", "patients", "subject_id"),
    ("edstays", "patients", "subject_id"),
    ("findings", "records", "study_id"),
)


def locate(folders: Mapping[str, Path]) -> dict[str, Path]:
    """The table files that are read, by name relative to their root.

    Raises `SourceError` naming every file that is missing.
    """
    iv, cxr = folders["mimic_iv"], folders["mimic_cxr"]
    module = _module(iv)
    wanted = [(f"{module}/", iv / module, table) for table in ("patients", "admissions")]
    wanted.append(("", cxr, _METADATA))
    optional = [("ed/", iv / "ed", "edstays"), ("", cxr, _RECORDS), ("", cxr, _FINDINGS)]
    return require_tables(wanted, optional)


def of_version_1(files: Mapping[str, Path]) -> bool:
    """Whether the tables are of MIMIC-IV 1.0, by the folder they were found in."""
    return any(name.startswith("core/") for name in files)


def _module(mimic_iv: Path) -> str:
    """The folder of the hospital tables: `core` in version 1.0, `hosp` since."""
    old = find_table(mimic_iv / "core", "patients") and not find_table(
        mimic_iv / "hosp", "patients"
    )
    return "core" if old else "hosp"


def read_mimic_tables(files: Mapping[str, Path]) -> dict[str, pl.DataFrame]:
    """`patients`, `admissions`, `records`, `metadata`; where there, `edstays` and `findings`.

    Without a record list, which MIMIC-CXR-JPG lacks, `records` follows from the metadata.

    Raises one `SourceError` for all faults of all tables, or else for all unknown categories and
    all tables that share too few ids.
    """
    paths = {Path(name).name.split(".csv")[0]: path for name, path in files.items()}
    requests = {
        "patients": Request(
            paths["patients"],
            {"subject_id": "id", "gender": "text", "anchor_age": "number", "anchor_year": "number",
             "dod": "date"},
            key=("subject_id",),
        ),
        "admissions": Request(
            paths["admissions"],
            {"subject_id": "id", "hadm_id": "id", "admittime": "timestamp",
             "dischtime": "timestamp", "deathtime": "timestamp", "insurance": "text",
             "hospital_expire_flag": "number", "race|ethnicity": "text"},
            key=("hadm_id",),
            optional=("deathtime", "hospital_expire_flag"),
        ),
        "metadata": Request(
            paths[_METADATA],
            {"dicom_id": "id", "ViewPosition": "text", "StudyDate": "day", "StudyTime": "clock",
             "ViewCodeSequence_CodeMeaning": "text", **({} if _RECORDS in paths else _IDS)},
            key=("dicom_id",),
            optional=("ViewCodeSequence_CodeMeaning",),
        ),
    }  # fmt: skip
    if _RECORDS in paths:
        columns: dict[str, Kind] = {**_IDS, "dicom_id": "id", "path": "path"}
        requests["records"] = Request(paths[_RECORDS], columns, key=("dicom_id",))
    if "edstays" in paths:
        requests["edstays"] = Request(
            paths["edstays"],
            {"subject_id": "id", "intime": "timestamp", "outtime": "timestamp"},
        )
    if _FINDINGS in paths:
        requests["findings"] = Request(
            paths[_FINDINGS], {"study_id": "id", "No Finding": "number"}, key=("study_id",)
        )
    tables = read_tables(requests)
    if "records" not in tables:
        tables["records"] = _records_of_jpg(tables["metadata"])
        requests["records"] = requests["metadata"]
    faults = _unknown_categories(tables, requests) + join_faults(tables, requests, _JOINS)
    if faults:
        raise SourceError(f"{'; '.join(faults)}; correct the table or update cxr")
    return tables


def _records_of_jpg(metadata: pl.DataFrame) -> pl.DataFrame:
    """The record list that MIMIC-CXR-JPG lacks: its paths follow from the ids."""
    import polars as pl

    subject = pl.col("subject_id")
    path = pl.format(
        "files/p{}/p{}/s{}/{}.jpg", subject.str.head(2), subject, "study_id", "dicom_id"
    )
    return metadata.select("dicom_id", "subject_id", "study_id", path=path)


def _unknown_categories(
    tables: Mapping[str, pl.DataFrame], requests: Mapping[str, Request]
) -> list[str]:
    """A fault for each column with categories that no rule covers."""
    checked = (
        ("patients", "gender", GENDER_CLASSES),
        ("admissions", "race", RACE_GROUPS),
        ("admissions", "insurance", INSURANCES),
    )
    return [
        f"{requests[table].path}: {fault}"
        for table, column, known in checked
        for fault in unknown_categories(tables[table], column, tuple(known))
    ]
