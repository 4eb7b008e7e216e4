"""What is decided of a synthetic patient before an image is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Aspect = Literal["square", "portrait", "landscape"]
View = Literal["PA", "AP", "LATERAL"]


@dataclass(frozen=True)
class Admission:
    """A stay in the hospital."""

    hadm_id: int
    admitted: datetime
    discharged: datetime
    insurance: str
    race: str
    emergency: tuple[datetime, datetime] | None
    died: bool = False
    death_time_known: bool = True


@dataclass(frozen=True)
class Image:
    """One image file; `key` seeds the generator that renders it."""

    dicom_id: str
    key: tuple[int, ...]
    view: View
    aspect: Aspect
    view_stated: bool
    damaged: bool


@dataclass(frozen=True)
class Study:
    """One examination."""

    study_id: int
    time: datetime
    age: int
    """In years, as MIMIC counts them: it grows with the calendar year."""
    images: tuple[Image, ...]
    no_finding: bool


@dataclass(frozen=True)
class Subject:
    """One patient; `labels` holds the class of every task, also where no table contains it."""

    subject_id: int
    kind: str
    labels: dict[str, str]
    anchor_age: int
    anchor_year: int
    died_on: date | None
    admissions: tuple[Admission, ...]
    studies: tuple[Study, ...]


@dataclass(frozen=True)
class Ids:
    """The numbers a subject may use."""

    subject: int
    studies: tuple[int, ...]
    admissions: tuple[int, ...]
