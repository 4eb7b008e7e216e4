"""The encounters of one patient: admissions, death and studies, as a hospital records them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from cxrcore.synthetic.presets import TRAITS
from cxrcore.synthetic.records import Admission, Aspect, Ids, Image, Study, Subject, View

#: MIMIC-IV's race strings by group, the usual one first.
RACES = {
    "White": (
        "WHITE", "WHITE - OTHER EUROPEAN", "WHITE - RUSSIAN", "WHITE - EASTERN EUROPEAN",
        "WHITE - BRAZILIAN",
    ),
    "Black": (
        "BLACK/AFRICAN AMERICAN", "BLACK/CAPE VERDEAN", "BLACK/AFRICAN", "BLACK/CARIBBEAN ISLAND",
    ),
    "Asian": (
        "ASIAN", "ASIAN - CHINESE", "ASIAN - SOUTH EAST ASIAN", "ASIAN - ASIAN INDIAN",
        "ASIAN - KOREAN",
    ),
    "other": (
        "HISPANIC/LATINO - PUERTO RICAN", "HISPANIC OR LATINO", "AMERICAN INDIAN/ALASKA NATIVE",
        "NATIVE HAWAIIAN OR OTHER PACIFIC ISLANDER",
    ),
    "unknown": (
        "UNKNOWN", "OTHER", "UNABLE TO OBTAIN", "PATIENT DECLINED TO ANSWER",
        "MULTIPLE RACE/ETHNICITY",
    ),
}  # fmt: skip

#: Mean and standard deviation of the ages of adults, in years.
AGE_MEAN, AGE_SD = 62, 17

#: Kinds whose death, if any, no table knows: they are last seen before the study.
_UNOBSERVED = ("after_discharge", "long_after_discharge", "no_admission", "withheld")


@dataclass(frozen=True)
class _Stay:
    start: datetime
    end: datetime
    ends_in_death: bool = False


@dataclass(frozen=True)
class Arrival:
    """The first study of a subject, before anything else about the subject is decided."""

    rng: np.random.Generator
    """Draws whatever is decided next."""
    time: datetime
    age: int
    """In years."""


def arrive(seed: int, number: int, kind: str) -> Arrival:
    """When the subject of this number has its first study, and at what age."""
    rng = np.random.default_rng([seed, 3, number])
    year = int(rng.integers(2112, 2200))
    time = datetime(year, 1, 1) + timedelta(milliseconds=int(rng.integers(0, 365 * 86_400_000)))
    age = (
        int(rng.integers(8, 16))
        if kind == "under_age"
        else int(np.clip(rng.normal(AGE_MEAN, AGE_SD), 21, 96))
    )
    return Arrival(rng, time, age)


def standard_age(years: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Ages in standard deviations from the mean of adults, at most 2.5 either way."""
    return np.clip((np.asarray(years, dtype=np.float64) - AGE_MEAN) / AGE_SD, -2.5, 2.5)


def make_subject(
    arrival: Arrival, key: tuple[int, ...], kind: str, labels: dict[str, str], ids: Ids
) -> Subject:
    """The subject that arrives so: `labels` hold wherever the kind lets the tables show them.

    `key` seeds the generators of the images.
    """
    rng, time, age = arrival.rng, arrival.time, arrival.age
    lag = int(rng.integers(0, 3))

    index = _index_stay(rng, kind, time)
    later, index, died_on = _outcome(rng, kind, labels["mortality"] == "died", time, index)
    stays = [index, *later]
    if rng.random() < 0.2 or kind in ("race_conflict", "race_partly_unknown"):
        start = time - timedelta(days=float(rng.uniform(500, 1100)))
        stays = [_Stay(start, start + timedelta(days=float(rng.uniform(1, 9)))), *stays]
    admissions = _admissions(rng, kind, labels, stays, index, ids)
    return Subject(
        subject_id=ids.subject,
        kind=kind,
        labels=labels,
        anchor_age=91 if age - lag > 89 else age - lag,
        anchor_year=time.year - lag,
        died_on=died_on,
        admissions=() if kind in ("no_admission", "withheld") else admissions,
        studies=_studies(arrival, kind, key, index, ids),
    )


def _index_stay(rng: np.random.Generator, kind: str, time: datetime) -> _Stay:
    """The admission that the study belongs to, or the one before it."""
    before = {
        "after_discharge": (20, 200),
        "between_admissions": (20, 200),
        "long_after_discharge": (400, 600),
    }
    length = timedelta(days=float(rng.uniform(1, 8)))
    if kind in before:
        end = time - timedelta(days=float(rng.uniform(*before[kind])))
        return _Stay(end - length, end)
    if kind == "emergency":
        start = time + timedelta(hours=float(rng.uniform(1, 20)))
        return _Stay(start, start + length)
    return _Stay(time - timedelta(hours=float(rng.uniform(2, 72))), time + length)


def _outcome(
    rng: np.random.Generator, kind: str, died: bool, time: datetime, index: _Stay
) -> tuple[list[_Stay], _Stay, date | None]:
    """Later stays, the index stay as it ended, and the day of death that the tables know.

    A death is known up to a year after the last discharge; who survives is seen again, or was
    discharged no earlier than the day of the study, so that the whole year was observed.
    """
    in_hospital, days, returns = rng.random() < 0.35, int(rng.integers(1, 160)), rng.random() < 0.12
    start = time + timedelta(days=float(rng.uniform(100, 300)))
    again = _Stay(start, start + timedelta(days=float(rng.uniform(1, 9))))
    if kind in _UNOBSERVED:
        return [], index, None
    if died:
        if in_hospital and index.end > time:
            return [], replace(index, ends_in_death=True), index.end.date()
        return [], index, (max(time, index.end) + timedelta(days=days)).date()
    if kind == "between_admissions":
        return [again], index, None
    if returns:
        return [again], index, (time + timedelta(days=385 + days / 10)).date()
    return [], index, None


def _admissions(
    rng: np.random.Generator,
    kind: str,
    labels: dict[str, str],
    stays: list[_Stay],
    index: _Stay,
    ids: Ids,
) -> tuple[Admission, ...]:
    group = {"race_unknown": "unknown", "race_other": "other"}.get(kind, labels["race"])
    other = {"race_conflict": str(rng.choice([g for g in TRAITS["race"].classes if g != group])),
             "race_partly_unknown": "unknown"}.get(kind, group)  # fmt: skip
    admissions = []
    for stay, hadm_id in zip(stays, ids.admissions, strict=False):
        own = stay is index
        switched = rng.random() < 0.3 and not own
        insurance = (
            str(rng.choice(TRAITS["insurance"].classes)) if switched else labels["insurance"]
        )
        names = RACES[group if own else other]
        race = names[0] if rng.random() < 0.7 else str(rng.choice(names))
        arrived = stay.start - timedelta(
            hours=float(rng.uniform(21, 24) if kind == "emergency" else rng.uniform(1, 9))
        )
        left = stay.start + timedelta(minutes=float(rng.uniform(5, 90)))
        emergency = (arrived, left) if kind == "emergency" or rng.random() < 0.4 else None
        admissions.append(
            Admission(
                hadm_id, stay.start, stay.end, insurance, race, emergency,
                died=stay.ends_in_death, death_time_known=bool(rng.random() > 0.03),
            )
        )  # fmt: skip
    return tuple(admissions)


def _studies(
    arrival: Arrival, kind: str, key: tuple[int, ...], index: _Stay, ids: Ids
) -> tuple[Study, ...]:
    rng, time = arrival.rng, arrival.time
    times = [time]
    if kind == "several_studies":
        further = rng.uniform(0.1, 0.9, int(rng.integers(1, 3)))
        times += [time + float(share) * (index.end - time) for share in np.sort(further)]
    return tuple(
        Study(
            study_id=study_id,
            time=moment.replace(microsecond=moment.microsecond // 1000 * 1000),
            age=arrival.age + moment.year - time.year,
            images=_images(rng, kind, (*key, number)),
            no_finding=bool(rng.random() < 0.35),
        )
        for number, (moment, study_id) in enumerate(zip(times, ids.studies, strict=False))
    )


def _images(rng: np.random.Generator, kind: str, key: tuple[int, ...]) -> tuple[Image, ...]:
    front: View = "PA" if rng.random() < 0.55 else "AP"
    further = rng.random()
    views: list[View] = [front]
    if further < 0.06:
        views.append("LATERAL")
    elif further < 0.10:
        views.append(front)
    if kind == "lateral_only":
        views = ["LATERAL"]
    aspects: tuple[Aspect, ...] = ("square", "portrait", "landscape")
    return tuple(
        Image(
            dicom_id=_dicom_id((*key, number)),
            key=(*key, number),
            view=view,
            aspect=aspects[int(rng.choice(3, p=(0.7, 0.2, 0.1)))],
            view_stated=kind != "view_unstated",
            damaged=kind == "damaged" and key[-1] == number == 0,
        )
        for number, view in enumerate(views)
    )


def _dicom_id(key: tuple[int, ...]) -> str:
    digits = hashlib.blake2b(repr(key).encode(), digest_size=20).hexdigest()
    return "-".join(digits[i : i + 8] for i in range(0, 40, 8))
