"""Finds and reads the tables of MIMIC-IV (versions 1.0, 2.x, 3.x) and MIMIC-CXR."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.labels import (
    GENDER_CLASSES,
    INSURANCES,
    RACE_GROUPS,
    normalised,
    unknown_categories,
)
from cxrcore.sources._columns import Kind
from cxrcore.sources._file_formats import table_faults
from cxrcore.sources._joins import contradictions, join_faults
from cxrcore.sources._mimic_counts import odd_tables, stem_of
from cxrcore.sources._tables import Request, find_table, read_tables, require_tables
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

_TRANSFERS, _OMR, _RECORDS, _METADATA, _FINDINGS = (
    "transfers", "omr", "cxr-record-list", "mimic-cxr-2.0.0-metadata", "mimic-cxr-2.0.0-chexpert",
)  # fmt: skip

#: The values of anchor_year_group.
_PERIODS = ("2008 - 2010", "2011 - 2013", "2014 - 2016", "2017 - 2019", "2020 - 2022")
_IDS: Mapping[str, Kind] = {"subject_id": "number_id", "study_id": "number_id"}
_JOINS = (
    ("records", "metadata", "dicom_id"),
    ("records", "patients", "subject_id"),
    ("admissions", "patients", "subject_id"),
    ("edstays", "patients", "subject_id"),
    ("findings", "records", "study_id"),
    ("omr", "patients", "subject_id"),
)
#: What a table says again of the record list's images or studies.
_REPEATED = (
    ("metadata", "records", "dicom_id", "subject_id"),
    ("metadata", "records", "dicom_id", "study_id"),
    ("findings", "records", "study_id", "subject_id"),
)


def locate(places: Mapping[str, Path]) -> dict[str, Path]:
    """The table files that are read, by name relative to their root.

    Raises `SourceError` naming every file that is missing.
    """
    iv, cxr, omr = places["mimic_iv"], places["mimic_cxr"], places.get("omr")
    if omr and (faults := table_faults({_OMR: omr})):
        raise SourceError(f"{'; '.join(faults)}; check the path")
    module = _module(iv)
    wanted = [(f"{module}/", iv / module, table) for table in ("patients", "admissions")]
    wanted.append(("", cxr, _METADATA))
    # Where the module of the emergency department is missing, the transfers know its stays.
    ed = find_table(iv / "ed", "edstays")
    emergency = ("ed/", iv / "ed", "edstays") if ed else (f"{module}/", iv / module, _TRANSFERS)
    found = require_tables(wanted, [emergency, ("", cxr, _RECORDS), ("", cxr, _FINDINGS)])
    return found | ({_OMR: omr} if omr else {})


def of_version_1(files: Mapping[str, Path]) -> bool:
    """Whether the tables are of MIMIC-IV 1.0, by the folder they were found in."""
    return any(name.startswith("core/") for name in files)


def _module(mimic_iv: Path) -> str:
    """The folder of the hospital tables: `core` in version 1.0, `hosp` since."""
    old = find_table(mimic_iv / "core", "patients") and not find_table(
        mimic_iv / "hosp", "patients"
    )
    return "core" if old else "hosp"


def read_mimic_tables(files: Mapping[str, Path]) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """`patients`, `admissions`, `edstays`, `records`, `metadata`; if given, `findings`, `omr`.

    And what is odd about them, see `odd_tables`.

    Without `ed/edstays` the transfers give `edstays`, or there are none. Without a record list,
    which MIMIC-CXR-JPG lacks, `records` follows from the metadata.

    Raises one `SourceError` for all faults of all tables, or else for all unknown categories, all
    tables that share too few ids, and all that contradict the record list.
    """
    requests = _requests({stem_of(name): path for name, path in files.items()})
    tables = read_tables(requests)
    odd = odd_tables(tables, requests, version_1=of_version_1(files))
    tables["edstays"] = _ed_stays(tables.get("edstays"))
    if "records" not in tables:
        tables["records"] = _records_of_jpg(tables["metadata"])
        requests["records"] = requests["metadata"]
    faults = _unknown_categories(tables, requests) + join_faults(tables, requests, _JOINS)
    if faults := faults + contradictions(tables, requests, _REPEATED):
        raise SourceError(f"{'; '.join(faults)}; correct the table or update cxr")
    return tables, odd


def _requests(paths: Mapping[str, Path]) -> dict[str, Request]:
    """What to read, by the names of `read_mimic_tables`, from files by their own."""
    requests = {
        "patients": Request(
            paths["patients"],
            {"subject_id": "number_id", "gender": "text", "anchor_age": "number",
             "anchor_year": "number", "anchor_year_group": "text", "dod": "date"},
            key=("subject_id",),
            optional=("anchor_year_group",),
            filled=("anchor_year",),
        ),
        "admissions": Request(
            paths["admissions"],
            {"subject_id": "number_id", "hadm_id": "number_id", "admittime": "timestamp",
             "dischtime": "timestamp", "deathtime": "timestamp", "insurance": "text",
             "hospital_expire_flag": "number", "race|ethnicity": "text"},
            key=("hadm_id",),
            optional=("deathtime", "hospital_expire_flag"),
            filled=("admittime",),
        ),
        "metadata": Request(
            paths[_METADATA],
            {"dicom_id": "id", "ViewPosition": "text", "StudyDate": "day", "StudyTime": "clock",
             "ViewCodeSequence_CodeMeaning": "text", "PerformedProcedureStepDescription": "text",
             **_IDS},
            key=("dicom_id",),
            optional=("ViewCodeSequence_CodeMeaning", "PerformedProcedureStepDescription",
                      *(_IDS if _RECORDS in paths else ())),
        ),
    }  # fmt: skip
    if _RECORDS in paths:
        columns: dict[str, Kind] = {**_IDS, "dicom_id": "id", "path": "path"}
        requests["records"] = Request(paths[_RECORDS], columns, key=("dicom_id",))
    if emergency := paths.get("edstays", paths.get(_TRANSFERS)):
        requests["edstays"] = Request(
            emergency,
            {"subject_id": "number_id", "stay_id|transfer_id": "number_id", "intime": "timestamp",
             "outtime": "timestamp", "gender": "text", "race": "text", "eventtype": "text"},
            key=("stay_id",),
            optional=("stay_id", "gender", "race", "eventtype"),
            filled=("intime",),
        )  # fmt: skip
    if _FINDINGS in paths:
        requests["findings"] = Request(
            paths[_FINDINGS], {**_IDS, "No Finding": "number"}, key=("study_id",),
            optional=("subject_id",),
        )  # fmt: skip
    if _OMR in paths:
        requests[_OMR] = Request(
            paths[_OMR],
            {"subject_id": "number_id", "chartdate": "date", "result_name": "text",
             "result_value": "text"},
            filled=("chartdate", "result_name", "result_value"),
        )  # fmt: skip
    return requests


def _ed_stays(edstays: pl.DataFrame | None) -> pl.DataFrame:
    """The stays in the emergency department, of transfers those; none where no table has them."""
    import polars as pl

    if edstays is None:
        texts = dict.fromkeys(("subject_id", "gender", "race"), pl.String())
        return pl.DataFrame(schema=texts | dict.fromkeys(("intime", "outtime"), pl.Datetime("us")))
    event = normalised("eventtype")
    return edstays.filter(event.is_null() | (event == "ED")).drop("eventtype", "stay_id")


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
        ("patients", "anchor_year_group", _PERIODS),
        ("admissions", "race", RACE_GROUPS),
        ("admissions", "insurance", INSURANCES),
        ("edstays", "gender", GENDER_CLASSES),
        ("edstays", "race", RACE_GROUPS),
    )
    return [
        f"{requests[table].path}: {fault}"
        for table, column, known in checked
        if table in requests
        for fault in unknown_categories(
            tables[table], column, tuple(known), requests[table].row_name
        )
    ]
