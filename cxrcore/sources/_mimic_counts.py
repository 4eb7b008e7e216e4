"""Whether tables of MIMIC are all there: what is known of them, held against what was read.

A plain CSV file that was cut at the end of a row has no other mark of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.labels import of_version_3
from cxrcore.sources._tables import Request

if TYPE_CHECKING:
    import polars as pl

#: The fewest rows of any release of MIMIC-IV 2 and 3 (`MIT-LCP/mimic-code`, `validate.sql`; the
#: emergency department has its own releases); the studies that MIMIC-CXR-JPG has findings of.
_VERSION_2 = {"patients": 299_712, "admissions": 431_088, "transfers": 1_890_730, "omr": 6_422_067}
_VERSION_3 = {"patients": 364_627, "admissions": 546_028, "transfers": 2_413_581, "omr": 7_753_027}
_ANY = {"edstays": 425_087, "mimic-cxr-2.0.0-chexpert": 227_827}
#: Of the rows: the transfers and measurements of release 2.2 could not be looked up.
_LEAST, _MOST = 0.99, 1.2


def odd_tables(
    tables: Mapping[str, pl.DataFrame], requests: Mapping[str, Request], *, version_1: bool
) -> list[str]:
    """What there is less or much more of in the tables than in the whole collection.

    `tables` are as they were read. Nothing is known of the hospital's tables of version 1.
    """
    import polars as pl

    of_hospital = (
        _VERSION_3 if of_version_3(tables["admissions"]["insurance"].unique()) else _VERSION_2
    )
    known = _ANY | ({} if version_1 else of_hospital)
    odd = []
    for name, request in requests.items():
        table, stem = tables[name], stem_of(request.path.name)
        rows = known.get(stem)
        if rows and not _LEAST * rows <= table.height <= _MOST * rows:
            odd.append(f"{table.height:,} rows in {stem} (known: {rows:,})")
        empty = [column for column in request.wanted if column not in request.optional
                 and table[column].null_count() == table.height]  # fmt: skip
        odd += [f"{stem} without any {column}" for column in empty]
    if "records" in requests:
        # Without the suffix an image's path ends with its id.
        named = pl.col("path").str.head(-4).str.ends_with(pl.col("dicom_id"))
        other = tables["records"].filter(~named)
        other = other.filter(~pl.col("path").str.contains(pl.col("dicom_id"), literal=True))
        if other.height:
            odd.append(f"{other.height:,} paths in cxr-record-list that do not name their dicom_id")
    return odd


def stem_of(name: str) -> str:
    """A table's name without folder and suffixes."""
    return Path(name).name.split(".csv")[0]
