"""Who has a mortality label does not depend on the outcome, and the label is the truth.

Every patient has one study, at T. What happened up to then is drawn first; then the death, stays
after it, and what the tables may know of them: a stay ends with the death, and dod reaches one
year beyond the last discharge.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxrcore.sources import LabelRules, adapter

T = dt.datetime(2150, 6, 1, 12)
Days = tuple[float, float]
#: Of the labels that do not depend on the outcome, by their tasks.
HORIZONS = {"mortality": 365, "mortality_90d": 90}


@dataclass
class Patient:
    """Times are days from the study."""

    stays: list[Days]
    death: float | None = None
    ed: bool = False
    """Whether all stays are in the emergency department."""
    dod: dt.date | None = field(init=False)

    def __post_init__(self) -> None:
        if self.death is not None:
            begun = [(a, b) for a, b in self.stays if a <= self.death]
            self.stays = [(a, min(b, self.death)) for a, b in begun]
        last = max((b for _, b in self.stays), default=None)
        known = self.death is not None and last is not None and self.death <= last + 365
        self.dod = at(self.death).date() if known and self.death is not None else None

    def dies(self, horizon: int = 365) -> bool:
        return self.death is not None and (at(self.death).date() - T.date()).days <= horizon


def at(days: float) -> dt.datetime:
    return (T + dt.timedelta(days=days)).replace(microsecond=0)


def read(root: Path, patients: list[Patient], private: bool = False) -> pl.DataFrame:
    """The images of `patients`, in order; `private` insurance makes the tables version 3."""
    insurance = "Private" if private else "Other"
    stays = [(i, s, p.ed) for i, p in enumerate(patients) for s in p.stays]
    # Somebody else's admission: no table is empty.
    somebody = len(patients)
    stays.append((somebody, (0.0, 1.0), False))
    times = {"begin": [at(s[0]) for _, s, _ in stays], "end": [at(s[1]) for _, s, _ in stays]}
    encounters = pl.DataFrame({"subject_id": [i for i, *_ in stays]} | times).with_row_index("id")
    in_ed = pl.Series([ed for *_, ed in stays])
    ids = pl.Series("subject_id", range(len(patients)))
    other = pl.DataFrame(
        {"subject_id": [somebody], "dod": [None]}, {"subject_id": pl.Int64, "dod": pl.Date}
    )
    blank = pl.lit(None, pl.String)
    tables = {
        "hosp/patients": pl.DataFrame([ids, pl.Series("dod", [p.dod for p in patients], pl.Date)])
        .vstack(other)
        .with_columns(gender=pl.lit("F"), anchor_age=60, anchor_year=T.year),
        "hosp/admissions": encounters.filter(~in_ed).select(
            "subject_id", hadm_id="id", admittime="begin", dischtime="end", deathtime=blank,
            insurance=pl.lit(insurance), race=pl.lit("WHITE"),
        ),
        "ed/edstays": encounters.filter(in_ed).select("subject_id", intime="begin", outtime="end"),
        "cxr-record-list": ids.to_frame().with_columns(
            dicom_id="subject_id", study_id="subject_id", path=pl.format("{}.dcm", "subject_id")
        ),
        "mimic-cxr-2.0.0-metadata": ids.to_frame().select(
            dicom_id="subject_id", ViewPosition=pl.lit("PA"),
            StudyDate=pl.lit(T.strftime("%Y%m%d")), StudyTime=pl.lit(T.strftime("%H%M%S")),
        ),
    }  # fmt: skip
    files = {}
    for name, table in tables.items():
        if not table.is_empty():
            files[f"{name}.csv"] = root / f"{Path(name).name}.csv"
            table.write_csv(files[f"{name}.csv"], datetime_format="%Y-%m-%d %H:%M:%S")
    images = adapter("mimic").read(files, LabelRules((*HORIZONS.values(), 730)))
    return images.sort(pl.col("image_id").cast(pl.Int64))


def drawn(n: int, seed: int, ed: bool = False) -> list[Patient]:
    """Studies in stays (60 %) and after them; half die within two years; some come back."""
    rng = np.random.default_rng(seed)
    patients = []
    for _ in range(n):
        begin = -rng.uniform(0, 5) if rng.random() < 0.6 else -rng.uniform(30, 200)
        stays = [(begin, begin + rng.uniform(5, 9))]
        if rng.random() < 0.3:
            start = rng.uniform(20, 500)
            stays.append((start, start + rng.uniform(1, 9)))
        death = rng.uniform(0, 730) if rng.random() < 0.5 else None
        patients.append(Patient(stays, death, ed))
    return patients


def shares_labelled(
    labels: pl.Series, patients: list[Patient], horizon: int = 365
) -> tuple[float, float]:
    """The share that has a label, of those who die within the horizon and of the others."""
    dies = pl.Series([p.dies(horizon) for p in patients])
    labelled = labels.is_not_null()
    return float(labelled.filter(dies).mean()), float(labelled.filter(~dies).mean())  # type: ignore[arg-type]


@pytest.mark.parametrize("ed", [False, True], ids=["hospital", "emergency department"])
def test_the_labelled_share_is_the_same_for_both_outcomes(tmp_path: Path, ed: bool) -> None:
    patients = drawn(4000, 0, ed)
    images = read(tmp_path, patients, private=ed)
    for task, horizon in HORIZONS.items():
        labels = images[f"label_{task}"].cast(pl.String)
        died, survived = shares_labelled(labels, patients, horizon)
        error = (0.24 / sum(p.dies(horizon) for p in patients)) ** 0.5
        assert 0.5 < survived < 0.7
        assert abs(died - survived) < 3 * error
        truth = pl.Series(["died" if p.dies(horizon) else "survived" for p in patients])
        assert (labels == truth).drop_nulls().all()


def test_rules_that_ask_for_a_later_discharge_fail_this(tmp_path: Path) -> None:
    """Of survivors alone, who then are fewer than they should be; of both, then the dead are."""
    patients = drawn(4000, 0)
    gone = read(tmp_path, patients)["days_to_death"].is_between(0, 365).fill_null(False)
    seen = pl.Series([max(b for _, b in p.stays) >= 0 for p in patients])
    died, survived = shares_labelled((gone | seen).replace(False, None), patients)
    assert died - survived > 0.15
    died, survived = shares_labelled(seen.replace(False, None), patients)
    assert survived - died > 0.05


@st.composite
def histories(draw: st.DrawFn) -> list[Days]:
    """Stays that have begun by T, or begin within the 24 hours after it."""
    begins = draw(st.lists(st.floats(-900, 0.9), max_size=3))
    return [(b, b + draw(st.floats(0.2, 30))) for b in begins]


futures = st.tuples(
    st.floats(1, 900) | st.none(),
    st.lists(st.tuples(st.floats(1.1, 600), st.floats(0.2, 30)), max_size=2),
)


@given(histories(), st.lists(futures, min_size=2, max_size=8), st.booleans())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_future_decides_whether_a_study_has_a_label(
    tmp_path: Path, past: list[Days], ways: list[tuple[float | None, list[Days]]], ed: bool
) -> None:
    patients = [Patient([*past, *((a, a + n) for a, n in later)], d, ed) for d, later in ways]
    images = read(tmp_path, patients, private=ed)
    for task, horizon in HORIZONS.items():
        assert images[f"label_{task}"].is_null().n_unique() == 1
        for patient, label in zip(patients, images[f"label_{task}"], strict=True):
            assert label in (None, "died" if patient.dies(horizon) else "survived")
    near, year, far = (images[f"label_mortality{n}"] for n in ("_90d", "", "_730d"))
    for sooner, later in ((near, year), (year, far), (near, far)):
        both = sooner.is_not_null() & later.is_not_null()
        assert ((sooner == "survived") | (later == "died")).filter(both).all()


def test_before_version_3_a_stay_in_the_emergency_department_labels_nobody(tmp_path: Path) -> None:
    images = read(tmp_path, drawn(200, 1, ed=True))
    assert images["label_mortality"].is_null().all()
    # One of the horizons is beyond the year that is known of everyone.
    rule = "hospital-stay-outcome-dependent"
    assert images["mortality_rule"].unique().to_list() == [rule]
