"""The rules on real tables: the MIMIC-IV demo's patients, and 1,000 entries of NIH ChestX-ray14.

The demo has no radiographs: a study is made up at the middle of every admission and at chosen
distances from it. The expectation is worked out anew, in plain Python.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import os
from collections import Counter, defaultdict
from pathlib import Path

import polars as pl
import pytest

from cxrcore.cohort import assemble
from cxrcore.labels import RACE_CLASSES, RACE_GROUPS
from cxrcore.sources import LabelRules, adapter, locate, parse_labels
from cxrcore.sources import read as read_images

DATA = Path(os.environ.get("CXR_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))


def folder(name: str) -> Path:
    path = DATA / name
    if not path.is_dir():
        pytest.skip(f"{path} is not there; set CXR_SHARED_DATA to the folder of the open data")
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def demo(tmp_path: Path) -> tuple[Path, Path]:
    """The demo's folder and made-up MIMIC-CXR tables: per admission a study in its middle, 20 h
    before it, 30 days after it and 500 days after it."""
    mimic_iv = folder("mimic_iv_demo")
    records, metadata = [["subject_id", "study_id", "dicom_id", "path"]], []
    for number, stay in enumerate(rows(mimic_iv / "hosp" / "admissions.csv.gz")):
        begin, end = (dt.datetime.fromisoformat(stay[k]) for k in ("admittime", "dischtime"))
        times = (begin + (end - begin) / 2, begin - dt.timedelta(hours=20),
                 end + dt.timedelta(days=30), end + dt.timedelta(days=500))  # fmt: skip
        for kind, time in enumerate(times):
            subject, study, image = (
                stay["subject_id"],
                str(10 * number + kind),
                f"d{number:03d}-{kind}",
            )
            path = f"files/p{subject[:2]}/p{subject}/s{study}/{image}.dcm"
            records.append([subject, study, image, path])
            clock = f"{int(time.strftime('%H%M%S'))}.{time.microsecond:06d}"
            metadata.append([image, ("PA", "AP")[number % 2], time.strftime("%Y%m%d"), clock])
    for name, table in (
        ("cxr-record-list", records),
        (
            "mimic-cxr-2.0.0-metadata",
            [["dicom_id", "ViewPosition", "StudyDate", "StudyTime"], *metadata],
        ),
    ):
        with gzip.open(tmp_path / f"{name}.csv.gz", "wt", newline="") as file:
            csv.writer(file).writerows(table)
    return mimic_iv, tmp_path


def read(demo: tuple[Path, Path]) -> pl.DataFrame:
    return adapter("mimic").read(
        locate("mimic", {"mimic_iv": demo[0], "mimic_cxr": demo[1]}), LabelRules()
    )


def test_mortality_age_and_gender_agree_with_plain_python(demo: tuple[Path, Path]) -> None:
    patients = {p["subject_id"]: p for p in rows(demo[0] / "hosp" / "patients.csv.gz")}
    stays: dict[str, list[tuple[dt.datetime, dt.datetime]]] = defaultdict(list)
    for stay in rows(demo[0] / "hosp" / "admissions.csv.gz"):
        begin, end = (dt.datetime.fromisoformat(stay[k]) for k in ("admittime", "dischtime"))
        stays[stay["subject_id"]].append((begin, end))
    seen: Counter[str | None] = Counter()
    for row in read(demo).iter_rows(named=True):
        patient, time = patients[row["subject_id"]], row["study_time"]
        died = dt.date.fromisoformat(patient["dod"]) if patient["dod"] else dt.date.max
        day = dt.timedelta(days=1)
        if died < time.date():
            want = "excluded"
        elif not any(begin - day <= time <= end for begin, end in stays[row["subject_id"]]):
            want = "not in a stay"
        else:
            want = "died" if died - time.date() <= 365 * day else "survived"
        got = row["label_mortality"] or ("excluded" if row["excluded"] else "not in a stay")
        assert got == want
        age = int(patient["anchor_age"]) + time.year - int(patient["anchor_year"])
        assert row["age"] == (91 if age > 89 else age)
        assert row["label_gender"] == patient["gender"]
        seen[want] += 1
    assert set(seen) == {"survived", "died", "not in a stay", "excluded"}
    assert min(seen.values()) > 10


def test_after_the_discharge_no_outcome_has_a_label(demo: tuple[Path, Path]) -> None:
    """Thirty days after a stay and in no other one: whoever died was labelled, others were not."""
    frame = read(demo).filter(pl.col("image_id").str.ends_with("-2"), pl.col("excluded").is_null())
    outside = frame.filter(~pl.col("admission_match").is_in(["contained", "within_24h_before"]))
    assert outside["label_mortality"].is_null().all()
    assert (outside["days_to_death"] <= 365).sum() > 30
    assert outside["days_to_death"].is_null().sum() > 100


def test_admissions_race_and_insurance(demo: tuple[Path, Path]) -> None:
    stays = rows(demo[0] / "hosp" / "admissions.csv.gz")
    groups: dict[str, set[str]] = defaultdict(set)
    for stay in stays:
        if group := RACE_GROUPS[stay["race"]]:
            groups[stay["subject_id"]].add(group)
    frame = read(demo).sort("image_id").with_columns(kind=pl.col("image_id").str.slice(-1))
    inside = frame.filter(pl.col("kind") == "0")
    assert set(inside["admission_match"].to_list()) == {"contained"}
    assert inside["label_insurance"].to_list() == [s["insurance"] for s in stays]
    assert frame.schema["label_insurance"] == pl.Enum(["Medicaid", "Medicare", "Other"])
    for row in inside.iter_rows(named=True):
        known = groups[row["subject_id"]]
        only = next(iter(known)) if len(known) == 1 else None
        assert row["label_race"] == (only if only in RACE_CLASSES else None)
    matches = {
        kind: set(frame.filter(pl.col("kind") == kind)["admission_match"].drop_nulls().to_list())
        for kind in "123"
    }
    assert "none" not in matches["1"] | matches["2"]
    assert "within_24h_before" in matches["1"]
    assert "earlier_within_a_year" in matches["2"]
    assert "none" in matches["3"]


def test_the_real_tables_give_a_cohort(demo: tuple[Path, Path]) -> None:
    cohort, flow = assemble(read(demo), "mimic", "one-per-subject", 18, seed=0)
    assert cohort.height == 100
    assert flow["images"][0] == 4 * 275
    everything, _ = assemble(read(demo), "mimic", "all", 18, seed=0)
    both = cohort.join(everything, on="image_id")
    assert (both["split"] == both["split_right"]).all()


def test_a_column_of_the_real_admissions_as_a_label(demo: tuple[Path, Path]) -> None:
    files = locate("mimic", dict(zip(("mimic_iv", "mimic_cxr"), demo, strict=True)))
    labels = parse_labels(["language=language:English=English,other=*", "status=marital_status"])
    images = read_images("mimic", files, LabelRules(further=labels))
    inside = images.filter(pl.col("image_id").str.ends_with("-0"))
    stays = rows(demo[0] / "hosp" / "admissions.csv.gz")
    english = sum(stay["language"].upper() == "ENGLISH" for stay in stays)
    assert inside["label_language"].value_counts(sort=True).rows() == [
        ("English", english), ("other", len(stays) - english),
    ]  # fmt: skip
    states = Counter(stay["marital_status"] for stay in stays)
    assert dict(inside["label_status"].drop_nulls().value_counts().iter_rows()) == {
        state: count for state, count in states.items() if state
    }


def test_the_nih_table() -> None:
    files = locate("nih", {"root": folder("nih64")})
    cohort, _ = assemble(adapter("nih").read(files, LabelRules()), "nih", "all", 18, seed=0)
    assert cohort.height == 1000
    assert cohort["subject_id"].n_unique() == 264
    assert dict(cohort["label_gender"].value_counts().iter_rows()) == {"F": 509, "M": 491}
    assert dict(cohort["view"].value_counts().iter_rows()) == {"PA": 637, "AP": 363}
    assert (cohort["age"].min(), cohort["age"].max()) == (24, 94)
    assert all((folder("nih64") / path).is_file() for path in cohort["path"])
    one, _ = assemble(
        adapter("nih").read(files, LabelRules()), "nih", "one-per-subject", 18, seed=0
    )
    assert one.height == 264
