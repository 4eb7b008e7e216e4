"""The synthetic population: its labels, its kinds and the encounters that `extract` must read."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrcore.synthetic.population import KINDS, assign_kinds, assign_labels, plan
from cxrcore.synthetic.presets import PRESETS, TRAITS
from cxrcore.synthetic.records import Subject

YEAR = timedelta(days=365)


@pytest.fixture(scope="module")
def people() -> list[Subject]:
    return plan("planted", 400, 0)


def _numbers(labels: list[dict[str, str]], task: str) -> np.ndarray:
    return np.array([TRAITS[task].classes.index(row[task]) for row in labels])


@given(st.integers(4, 300), st.integers(0, 10_000), st.sampled_from(sorted(PRESETS)))
@settings(max_examples=25)
def test_classes_have_their_shares(subjects: int, seed: int, preset: str) -> None:
    rng = np.random.default_rng(seed)
    labels = assign_labels(rng, rng.integers(8, 97, subjects), preset)  # type: ignore[arg-type]
    for task, trait in TRAITS.items():
        counts = np.bincount(_numbers(labels, task), minlength=len(trait.classes))
        assert np.abs(counts - np.multiply(trait.shares, subjects)).max() <= 1


@pytest.mark.parametrize(("preset", "insurance"), [("planted", True), ("null", False)])
def test_labels_are_tied_to_mortality_only_where_chosen(preset: str, insurance: bool) -> None:
    ages = np.full(40_000, 62)
    labels = assign_labels(np.random.default_rng(3), ages, preset)  # type: ignore[arg-type]
    died = _numbers(labels, "mortality")
    ties = {
        t: np.corrcoef(died, _numbers(labels, t))[0, 1] for t in ("insurance", "race", "gender")
    }
    assert abs(ties["gender"]) < 0.02
    assert (0.2 > ties["insurance"] > ties["race"] > 0.04) == insurance
    assert (abs(ties["insurance"]) < 0.02) != insurance


def test_kinds_are_rare_exclusive_and_all_there() -> None:
    kinds = assign_kinds(np.random.default_rng(1), 400)
    assert {k: kinds.count(k) for k in KINDS} == {k: round(400 * s) for k, s in KINDS.items()}
    assert kinds.count("plain") > 200


def test_presets_differ_in_labels_alone() -> None:
    planted, null = plan("planted", 30, 5), plan("null", 30, 5)
    assert [s.studies for s in planted] == [s.studies for s in null]
    assert [s.kind for s in planted] == [s.kind for s in null]
    assert [s.labels for s in planted] != [s.labels for s in null]


def test_ids_look_like_mimics_and_are_unique(people: list[Subject]) -> None:
    subjects = [s.subject_id for s in people]
    studies = [st.study_id for s in people for st in s.studies]
    stays = [a.hadm_id for s in people for a in s.admissions]
    images = [i.dicom_id for s in people for st in s.studies for i in st.images]
    assert subjects == sorted(subjects)
    for ids, first in ((subjects, "1"), (studies, "5"), (stays, "2")):
        assert len(set(ids)) == len(ids)
        assert {(len(str(i)), str(i)[0]) for i in ids} == {(8, first)}
    assert len(set(images)) == len(images)
    assert {tuple(map(len, i.split("-"))) for i in images} == {(8, 8, 8, 8, 8)}


def test_the_tables_tell_every_label_by_the_rules(people: list[Subject]) -> None:
    """Mortality by the rule of `died`, `survived` and `not in a stay`, from dates alone."""
    outside = ("after_discharge", "long_after_discharge", "between_admissions")
    outcomes = []
    for person in people:
        if not person.admissions:
            continue
        last = max(a.discharged for a in person.admissions).date()
        for study in person.studies:
            day, death = study.time.date(), person.died_on
            assert death is None or day <= death <= last + YEAR
            if not any(
                a.admitted - timedelta(days=1) <= study.time <= a.discharged
                for a in person.admissions
            ):
                outcome = "not in a stay"
            else:
                outcome = "died" if death is not None and death - day <= YEAR else "survived"
            assert outcome == (
                "not in a stay" if person.kind in outside else person.labels["mortality"]
            )
            outcomes.append((outcome, death is not None))
    assert ("survived", True) in outcomes
    assert ("not in a stay", True) in outcomes


def test_studies_meet_their_admission_as_their_kind_says(people: list[Subject]) -> None:
    for person in people:
        for study in person.studies[: len(person.admissions)]:
            within = [a for a in person.admissions if a.admitted <= study.time <= a.discharged]
            soon = [
                a
                for a in person.admissions
                if timedelta(0) < a.admitted - study.time <= timedelta(days=1)
            ]
            past = [a for a in person.admissions if a.discharged < study.time]
            recent = [a for a in past if study.time - a.discharged <= YEAR]
            if person.kind == "emergency":
                assert soon
                assert not within
                assert soon[0].emergency is not None
                assert soon[0].emergency[0] < study.time
                matched = soon
            elif person.kind in ("after_discharge", "between_admissions"):
                assert not within
                assert not soon
                matched = recent
            elif person.kind == "long_after_discharge":
                assert past
                assert not recent
                continue
            else:
                matched = within
            assert len(matched) == 1
            assert matched[0].insurance == person.labels["insurance"]


def test_races_conflict_or_are_missing_as_their_kind_says(people: list[Subject]) -> None:
    words = {"White": "WHITE", "Black": "BLACK", "Asian": "ASIAN"}
    for person in people:
        if not person.admissions:
            continue
        told = {a.race.split("/")[0].split(" - ")[0] for a in person.admissions}
        known = told & set(words.values())
        expected = {"race_conflict": 2, "race_unknown": 0, "race_other": 0}.get(person.kind, 1)
        assert len(known) == expected
        if person.kind == "race_partly_unknown":
            assert told - known
        if expected:
            assert words[person.labels["race"]] in known


def test_ages(people: list[Subject]) -> None:
    for person in people:
        for study in person.studies:
            age = person.anchor_age + study.time.year - person.anchor_year
            assert (age < 18) == (person.kind == "under_age")
            assert age == study.age or (person.anchor_age == 91 and study.age > 89)
        assert person.anchor_age <= 89 or person.anchor_age == 91


def test_views_and_damage(people: list[Subject]) -> None:
    images = [(s, i) for s in people for st in s.studies for i in st.images]
    frontal = {s.subject_id for s, i in images if i.view != "LATERAL"}
    assert len(frontal) == 400 - round(400 * KINDS["lateral_only"])
    assert sum(i.damaged for _, i in images) == round(400 * KINDS["damaged"])
    views = [i.view for _, i in images]
    assert min(views.count("PA"), views.count("AP")) > 150
    assert 4 <= views.count("LATERAL") < 60
