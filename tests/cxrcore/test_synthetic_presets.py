"""Each preset: what its labels, images and truth have in common, and what they must not have."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import get_args

import cv2
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrcore.synthetic import markers, mimic_layout, phantom, truth
from cxrcore.synthetic.encounters import AGE_MEAN, AGE_SD
from cxrcore.synthetic.population import assign_labels, plan
from cxrcore.synthetic.presets import PRESETS, TRAITS, PresetName
from cxrcore.synthetic.records import Subject
from jobs.synthesize import Config


def _truth(preset: PresetName) -> pl.DataFrame:
    return truth.truth(truth.region_maps(plan(preset, 40, 0), preset), preset)


def _by_task(preset: PresetName, column: str) -> dict[str, object]:
    return dict(_truth(preset)["task", column].iter_rows())


def _confounded(subjects: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ages, and the numbers of the classes of mortality and insurance."""
    rng = np.random.default_rng(seed)
    ages = np.clip(rng.normal(AGE_MEAN, AGE_SD, subjects), 21, 96).astype(int)
    labels = assign_labels(rng, ages, "confounded")
    died, insurance = (
        np.array([TRAITS[t].classes.index(row[t]) for row in labels])
        for t in ("mortality", "insurance")
    )
    return ages, died, insurance


def test_the_job_offers_every_preset() -> None:
    assert get_args(Config.model_fields["preset"].annotation) == tuple(PRESETS)
    assert get_args(PresetName) == tuple(PRESETS)


@pytest.mark.parametrize(
    ("preset", "ranks"),
    [
        ("planted", {"mortality": 0, "insurance": 1, "race": 2, "gender": 3}),
        ("weak", {"mortality": 0, "insurance": 1, "race": 2, "gender": 3}),
        ("null", dict.fromkeys(TRAITS, 0)),
        ("confounded", {"mortality": 0, "insurance": 1, "race": 0, "gender": 2}),
        ("acquisition", {"mortality": 0, "insurance": 1, "race": 2, "gender": 2}),
    ],
)
def test_truth_ranks_what_has_a_sign(preset: PresetName, ranks: dict[str, int]) -> None:
    found = _truth(preset)
    assert dict(found["task", "rank"].iter_rows()) == ranks
    visible = found["region"] != "none"
    assert ((found["strength"] > 0) == visible).all()
    assert (found.filter(~visible)["overlap_with_mortality"] == 0).all()
    assert (_by_task("acquisition", "overlap_with_mortality")["race"]) == 0


def test_truth_states_what_may_be_said() -> None:
    levels = [f"expected_{level}" for level in truth.LEVELS]
    for preset in PRESETS:
        found = _truth(preset)
        reference = found.filter(task="mortality").select(levels)
        assert reference.row(0) == (None,) * len(levels)
        others = found.filter(pl.col("task") != "mortality").select(levels)
        assert others.null_count().sum_horizontal().item() == 0
    nothing = _truth("null").filter(pl.col("task") != "mortality").select(levels)
    assert set(nothing.unpivot()["value"]) == {"not shared"}
    by_age = _truth("confounded").filter(task="insurance").select(levels)
    assert set(by_age.row(0)) == {"crude only"}
    for preset in ("planted", "weak"):
        assert _by_task(preset, "expected_attribution") == {
            "mortality": None, "insurance": "shared", "race": "either", "gender": "not shared",
        }  # fmt: skip
        assert _by_task(preset, "expected_label")["gender"] == "not shared"
    for level in ("label", "score", "use", "attribution", "intervention"):
        assert _by_task("acquisition", f"expected_{level}")["race"] == "not shared"


def test_weak_markers_show_the_class_of_some_patients_alone() -> None:
    planted, weak = PRESETS["planted"], PRESETS["weak"]
    assert (weak.ties, weak.markers) == (planted.ties, planted.markers)
    people = plan("weak", 3000, 5)
    assert people[:30] == plan("planted", 3000, 5)[:30]
    for task, trait in TRAITS.items():
        same = [
            markers.shown(p.subject_id, p.labels, weak.agreement)[task] == p.labels[task]
            for p in people
        ]
        # Where the class is drawn by chance, it is the patient's own once in so many classes.
        want = weak.agreement + (1 - weak.agreement) / len(trait.classes)
        assert np.mean(same) == pytest.approx(want, abs=0.03)
    person = people[0]
    assert markers.shown(person.subject_id, person.labels, 1.0) == person.labels
    assert _by_task("weak", "agreement") == dict.fromkeys(TRAITS, 0.6)


@given(st.integers(0, 10_000))
@settings(max_examples=5)
def test_confounded_labels_hang_on_age(seed: int) -> None:
    ages, died, insurance = _confounded(20_000, seed)
    assert np.corrcoef(ages, insurance)[0, 1] > 0.7
    assert np.corrcoef(ages, died)[0, 1] > 0.5
    assert np.corrcoef(died, insurance)[0, 1] > 0.35


@given(st.integers(0, 10_000))
@settings(max_examples=5)
def test_confounded_labels_are_independent_at_any_one_age(seed: int) -> None:
    ages, died, insurance = _confounded(60_000, seed)
    weights, found = [], []
    for age in np.unique(ages):
        here = ages == age
        if min(died[here].std(), insurance[here].std()) > 0:
            weights.append(here.sum())
            found.append(np.corrcoef(died[here], insurance[here])[0, 1])
    # Standard error of the mean over ages: 1 / sqrt(60,000) = 0.004.
    assert abs(np.average(found, weights=weights)) < 0.02


@pytest.fixture(scope="module")
def people() -> list[Subject]:
    """Subjects whose first image is frontal."""
    found = plan("acquisition", 60, 1)
    return [p for p in found if p.studies[0].images[0].view != "LATERAL"]


def _render(preset: PresetName, person: Subject, size: int = 64) -> np.ndarray:
    study = person.studies[0]
    return mimic_layout.render_image(person, study, study.images[0], PRESETS[preset], size)


def _at_age(person: Subject, years: int) -> Subject:
    return replace(person, studies=(replace(person.studies[0], age=years),))


def test_age_shows_in_its_region_where_it_drives_and_nowhere_else(people: list[Subject]) -> None:
    aged = {y: [_at_age(p, y) for p in people[:20]] for y in (30, 50, 70, 90)}
    means = {
        y: np.mean([_render("confounded", p) for p in group], axis=0) for y, group in aged.items()
    }
    region = truth.region_maps(people[:20], "confounded")["region"][0]
    inside = [float(means[y][region > 0.5].mean()) for y in aged]
    assert min(np.diff(inside)) > 0.02, "the heart grows with every score of years"
    change = np.abs(means[90] - means[30])
    assert change[region == 0].max() < 0.3 * change.max()
    for preset in ("null", "acquisition"):
        young, old = (_render(preset, aged[y][0]) for y in (30, 90))
        assert (young == old).all()


def _lungs(image: np.ndarray) -> np.ndarray:
    """The middle of the image, 24 by 24 pixels for the whole, with its exposure removed.

    Gain and gamma are a shift and a factor of the logarithm.
    """
    small = cv2.resize(image.astype(np.float32), (24, 24), interpolation=cv2.INTER_AREA)
    logarithm = np.log(np.maximum(small, 0.02))[7:15, 4:20]
    return np.asarray((logarithm - logarithm.mean()) / logarithm.std())


def test_race_shows_outside_the_body_and_in_the_exposure_alone(people: list[Subject]) -> None:
    """The same bodies three times, as if of each class: what differs is the sign."""
    shown = {}
    for preset in ("planted", "acquisition"):
        shown[preset] = [
            np.stack(
                [_render(preset, replace(p, labels=p.labels | {"race": race}), 96) for p in people]
            )
            for race in TRAITS["race"].classes
        ]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        planted, acquired = (
            np.mean(
                [
                    _lungs(a) - _lungs(b)
                    for a, b in zip(shown[p][first], shown[p][second], strict=True)
                ],
                axis=0,
            )
            for p in ("planted", "acquisition")
        )
        assert np.abs(acquired).max() < 0.1 < 0.3 < np.abs(planted).max()
    corner = [images[:, :6, 80:88].mean(axis=0) for images in shown["acquisition"]]
    assert min(np.abs(a - b).max() for a, b in combinations(corner, 2)) > 0.1
    brightness = [images[:, 40:60, 20:76].mean() for images in shown["acquisition"]]
    assert brightness[0] > brightness[1] > brightness[2]


def test_the_tag_lies_outside_the_body(people: list[Subject]) -> None:
    tag, covered = PRESETS["acquisition"].markers["race"], []
    for person in people:
        key = person.studies[0].images[0].key
        pose = phantom.random_pose(np.random.default_rng([*key, 0]))
        body = phantom.frontal(np.random.default_rng(0), pose, 128)
        covered.append(body[markers.covered(tag, pose, 128) > 0] > 0.15)
    assert np.mean(covered) < 0.03
