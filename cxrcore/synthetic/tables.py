"""The tables of a collection, named and spelt as in MIMIC-IV 2.2 and MIMIC-CXR 2.0."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cxrcore.synthetic.records import Admission, Aspect, Image, Study, Subject, View

Row = Mapping[str, Any]

FINDINGS = (
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum",
    "Fracture", "Lung Lesion", "Lung Opacity", "No Finding", "Pleural Effusion", "Pleural Other",
    "Pneumonia", "Pneumothorax", "Support Devices",
)  # fmt: skip

_VIEW_CODES: dict[View, str] = {
    "PA": "postero-anterior",
    "AP": "antero-posterior",
    "LATERAL": "lateral",
}


def write_tables(root: Path, subjects: Sequence[Subject], size: int) -> None:
    """Write the six tables below `root`; the same content gives the same bytes."""
    hospital, radiographs = root / "mimic-iv" / "hosp", root / "mimic-cxr"
    known = [s for s in subjects if s.kind != "withheld"]
    stays = [_admission(s, a) for s in known for a in s.admissions]
    taken = [(s, study, image) for s in subjects for study in s.studies for image in study.images]
    _write(hospital / "patients.csv.gz", [_patient(s) for s in known])
    _write(hospital / "admissions.csv.gz", stays)
    _write(hospital / "omr.csv.gz", [row for s in known for row in _measurements(s)])
    _write(radiographs / "cxr-record-list.csv.gz", [_record(*t) for t in taken])
    _write(radiographs / "mimic-cxr-2.0.0-metadata.csv.gz", [_metadata(*t, size) for t in taken])
    _write(radiographs / "mimic-cxr-2.0.0-chexpert.csv.gz", list(_findings(subjects)))


def image_path(subject: Subject, study: Study, image: Image) -> str:
    """The image's file relative to the folder `mimic-cxr`."""
    patient = f"p{subject.subject_id}"
    return f"files/{patient[:3]}/{patient}/s{study.study_id}/{image.dicom_id}.dcm"


def shape(aspect: Aspect, size: int) -> tuple[int, int]:
    """Rows and columns of an image: the middle of a square of `size`, cut to 2544 : 3056."""
    short = max(round(size * 2544 / 3056 / 2) * 2, 2)
    return {"square": (size, size), "portrait": (size, short), "landscape": (short, size)}[aspect]


def _write(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = pl.DataFrame(rows, infer_schema_length=None).write_csv().encode()
    # No file name and no time in the gzip header: they would differ between equal runs.
    with path.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        packed.write(text)


def _seconds(time: datetime | None) -> str | None:
    return None if time is None else time.strftime("%Y-%m-%d %H:%M:%S")


def _patient(subject: Subject) -> Row:
    return {
        "subject_id": subject.subject_id,
        "gender": subject.labels["gender"],
        "anchor_age": subject.anchor_age,
        "anchor_year": subject.anchor_year,
        "anchor_year_group": ("2008 - 2010", "2011 - 2013", "2014 - 2016", "2017 - 2019")[
            subject.anchor_year % 4
        ],
        "dod": None if subject.died_on is None else subject.died_on.isoformat(),
    }


def _admission(subject: Subject, stay: Admission) -> Row:
    arrived, left = stay.emergency or (None, None)
    return {
        "subject_id": subject.subject_id,
        "hadm_id": stay.hadm_id,
        "admittime": _seconds(stay.admitted),
        "dischtime": _seconds(stay.discharged),
        "deathtime": _seconds(stay.discharged) if stay.died and stay.death_time_known else None,
        "admission_type": "EW EMER." if stay.emergency else "URGENT",
        "admit_provider_id": f"P{stay.hadm_id % 100_000:05d}",
        "admission_location": "EMERGENCY ROOM" if stay.emergency else "PHYSICIAN REFERRAL",
        "discharge_location": "DIED" if stay.died else "HOME",
        "insurance": stay.insurance,
        "language": "ENGLISH",
        "marital_status": None,
        "race": stay.race,
        "edregtime": _seconds(arrived),
        "edouttime": _seconds(left),
        "hospital_expire_flag": int(stay.died),
    }


def _measurements(subject: Subject) -> Iterator[Row]:
    """Weight, height and body mass index before most studies; now and then no plausible one."""
    rng = np.random.default_rng([subject.subject_id, 7])
    usual, inches = max(16.0, rng.normal(28, 5)), rng.normal(66, 4)
    for number, study in enumerate(subject.studies):
        if rng.random() < 0.3:
            continue
        bmi = 1000 * usual if rng.random() < 0.03 else usual + rng.normal(0, 1)
        day = (study.time - timedelta(days=int(rng.integers(0, 500)))).date().isoformat()
        values = {
            ("BMI", "BMI (kg/m2)")[number % 2]: f"{bmi:.1f}",
            ("Height", "Height (Inches)")[number % 2]: f"{inches:.1f}",
            ("Weight", "Weight (Lbs)")[number % 2]: f"{bmi * inches**2 / 703:.1f}",
            "Blood Pressure": f"{rng.integers(95, 160)}/{rng.integers(55, 95)}",
        }
        for name, value in values.items():
            yield {
                "subject_id": subject.subject_id, "chartdate": day, "seq_num": 1,
                "result_name": name, "result_value": value,
            }  # fmt: skip


def _record(subject: Subject, study: Study, image: Image) -> Row:
    return {
        "subject_id": subject.subject_id,
        "study_id": study.study_id,
        "dicom_id": image.dicom_id,
        "path": image_path(subject, study, image),
    }


def _metadata(subject: Subject, study: Study, image: Image, size: int) -> Row:
    rows, columns = shape(image.aspect, size)
    time = study.time
    clock = time.hour * 10_000 + time.minute * 100 + time.second + time.microsecond / 1_000_000
    procedure = "CHEST (PORTABLE AP)" if image.view == "AP" else "CHEST (PA AND LAT)"
    return {
        "dicom_id": image.dicom_id,
        "subject_id": subject.subject_id,
        "study_id": study.study_id,
        "PerformedProcedureStepDescription": procedure,
        "ViewPosition": image.view if image.view_stated else None,
        "Rows": rows,
        "Columns": columns,
        "StudyDate": int(time.strftime("%Y%m%d")),
        "StudyTime": round(clock, 3),
        "ProcedureCodeSequence_CodeMeaning": procedure,
        "ViewCodeSequence_CodeMeaning": _VIEW_CODES[image.view],
        "PatientOrientationCodeSequence_CodeMeaning": "Erect",
    }


def _findings(subjects: Sequence[Subject]) -> Iterator[Row]:
    for subject in subjects:
        for study in subject.studies:
            present = "No Finding" if study.no_finding else FINDINGS[study.study_id % 8]
            # What the labeller left open or denied is spread by the study's number.
            others = {
                n: (0.0, -1.0, None, None)[(study.study_id // 8 + i) % 4]
                for i, n in enumerate(FINDINGS)
            }
            if study.no_finding:
                others = dict.fromkeys(FINDINGS)
            others["No Finding"] = None
            yield (
                {"subject_id": subject.subject_id, "study_id": study.study_id}
                | others
                | {present: 1.0}
            )
