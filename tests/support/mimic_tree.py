"""A MIMIC tree of one subject, one admission and one image, to be varied."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cxrcore.sources import LabelRules, adapter, locate

Row = Mapping[str, Any]


T = dt.datetime(2180, 3, 10, 8, 5, 56, 875_000)


PATIENT: Row = {
    "subject_id": 10000032, "gender": "F", "anchor_age": 52, "anchor_year": 2178,
    "anchor_year_group": "2014 - 2016", "dod": "",
}  # fmt: skip


ADMISSION: Row = {
    "subject_id": 10000032, "hadm_id": 22595853, "admittime": "2180-03-09 22:23:00",
    "dischtime": "2180-03-12 18:25:00", "deathtime": "", "insurance": "Medicare", "race": "WHITE",
    "hospital_expire_flag": 0,
}  # fmt: skip


IMAGE: Row = {
    "dicom_id": "aa-1", "subject_id": 10000032, "study_id": 50414267, "ViewPosition": "PA",
    "StudyDate": 21800310, "StudyTime": 80556.875,
    "ViewCodeSequence_CodeMeaning": "postero-anterior",
}  # fmt: skip


def write(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


class Tree:
    """A MIMIC tree in the making; every table may be replaced before it is read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.patients: list[Row] = [PATIENT]
        self.admissions: list[Row] = [ADMISSION]
        self.images: list[Row] = [IMAGE]
        self.module, self.suffix = "hosp", ".csv.gz"
        self.extra: dict[str, list[Row]] = {}

    def files(self) -> dict[str, Path]:
        records: list[Row] = [
            {k: i[k] for k in ("subject_id", "study_id", "dicom_id")}
            | {"path": f"files/p10/p{i['subject_id']}/s{i['study_id']}/{i['dicom_id']}.dcm"}
            for i in self.images
        ]
        tables: dict[str, list[Row]] = {
            f"iv/{self.module}/patients": self.patients,
            f"iv/{self.module}/admissions": self.admissions,
            "cxr/cxr-record-list": records,
            "cxr/mimic-cxr-2.0.0-metadata": self.images,
        }
        for name, rows in (tables | self.extra).items():
            write(self.root / f"{name}{self.suffix}", rows)
        places = {"mimic_iv": self.root / "iv", "mimic_cxr": self.root / "cxr"}
        omr = self.root / f"iv/hosp/omr{self.suffix}"
        return locate("mimic", places | ({"omr": omr} if omr.exists() else {}))

    def read(self, horizon: int = 365, **rules: Any) -> pl.DataFrame:
        """With the `rules` of `LabelRules`."""
        return adapter("mimic").read(self.files(), LabelRules((horizon,), **rules)).sort("image_id")

    def one(self, horizon: int = 365) -> dict[str, Any]:
        frame = self.read(horizon)
        assert frame.height == 1
        return frame.row(0, named=True)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def at(**shift: float) -> str:
    return (T + dt.timedelta(**shift)).strftime("%Y-%m-%d %H:%M:%S")


def stay(number: int, begin: float, end: float, insurance: str) -> Row:
    """An admission from `begin` to `end`, in days from the study."""
    times = {"admittime": at(days=begin), "dischtime": at(days=end)}
    return {**ADMISSION, "hadm_id": number, "insurance": insurance} | times
