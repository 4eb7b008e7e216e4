"""What the benchmark of known truth counts as right."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import truth
from benchmarks.simulation import twins
from benchmarks.simulation.resumed import Record, records
from cxrcore.synthetic.population import plan
from cxrcore.synthetic.presets import TRAITS
from data_contracts.images import IMAGES
from data_contracts.store import Provenance, open_arrays, write_arrays
from data_contracts.synthetic import SYNTHETIC_REGIONS

EXPECTED = {"insurance": "shared", "race": "either", "gender": "not shared"}


def record(preset: str, verdicts: Mapping[str, tuple[str, float]]) -> Record:
    rows = [
        {"evidence_level": "attribution", "attribute": a, "verdict": verdict, "value": value,
         "expected": EXPECTED[a]}
        for a, (verdict, value) in verdicts.items()
    ]  # fmt: skip
    auroc = {"mortality": 0.8, "insurance": 0.7}
    places = {"mortality": True, "insurance": True}
    return {
        "preset": preset, "verdicts": rows, "auroc": auroc, "at_its_sign": places, "seconds": 1,
        "responses": {"gender": 0.3, "race": 0.05},
    }  # fmt: skip


RIGHT = {
    "insurance": ("shared", 0.9), "race": ("shared", 0.5), "gender": ("undetermined", 0.1)
}  # fmt: skip


def test_a_right_answer_passes_every_check() -> None:
    for preset in ("planted", "weak", "acquisition", "null", "confounded"):
        assert all(truth.judged(record(preset, RIGHT)).values())


@pytest.mark.parametrize(
    ("preset", "changes", "fails"),
    [
        ("planted", {"gender": ("shared", 0.1)}, "nothing falsely shared"),
        ("planted", {"insurance": ("not shared", 0.9)}, "nothing falsely not shared"),
        ("planted", {"insurance": ("undetermined", 0.9)}, "insurance shared at attribution"),
        ("weak", {"race": ("undetermined", 0.95)}, "insurance above race above gender"),
    ],
)
def test_a_wrong_answer_fails_its_check(
    preset: str, changes: dict[str, tuple[str, float]], fails: str
) -> None:
    assert not truth.judged(record(preset, RIGHT | changes))[fails]


def test_an_order_is_compared_with_those_of_the_other_trainings() -> None:
    check = "no order that another training reverses"
    above, below = (["use", "insurance", "race"], ["use", "race", "insurance"])
    elsewhere = ["score", "race", "insurance"]
    one = record("planted", RIGHT)
    assert check not in truth.judged(one | {"orders": [[above]]})
    assert truth.judged(one | {"orders": [[above], [elsewhere], []]})[check]
    assert not truth.judged(one | {"orders": [[above], [], [below]]})[check]


def test_networks_that_see_too_well_are_not_weak() -> None:
    found = record("weak", RIGHT) | {"auroc": {"mortality": 0.95}}
    assert not truth.judged(found)["every AUROC between .65 and .85"]


@pytest.mark.parametrize(
    ("level", "attribute", "expected"),
    [("score", "gender", "shared"), ("score", "race", "not shared"), ("use", "gender", "either")],
)
def test_twins_say_what_is_true_of_a_score(level: str, attribute: str, expected: str) -> None:
    row = {"evidence_level": level, "attribute": attribute, "expected": "either"}
    assert truth.expected(row, {"gender": 0.3, "race": 0.05}) == expected


def test_twins_with_their_own_sign_are_what_the_store_holds(finished: Path) -> None:
    subjects = plan("planted", 60, 0)
    with open_arrays(IMAGES, *IMAGES.find(finished)) as store:
        held = dict(zip(store.read("image_id").tolist(), store.read("pixels"), strict=True))
    drawn = [(p, s, i) for p in subjects for s in p.studies for i in s.images if i.dicom_id in held]
    subject, study, image = drawn[0]
    for label in TRAITS["gender"].classes:
        twin = replace(subject, labels=subject.labels | {"gender": label})
        pixels = twins.prepared(twin, study, image, "planted", 64, 48)
        assert (pixels == held[image.dicom_id]).all() == (label == subject.labels["gender"])
    found = twins.responses(finished, "planted", 60, 64, 0)
    assert set(found) == {"gender", "race", "insurance"}
    assert all(0 < value < 1 for value in found.values())


def test_responses_are_shares_of_the_deviation_within_the_outcome() -> None:
    values = np.random.default_rng(0).normal(size=(2, 20_000))
    group = np.repeat(["died", "survived"], 10_000)
    assert twins.correlation_ratio(values, group) < 0.02
    # Two classes 2 SDs apart: half of the variance lies between them, however far the outcomes.
    apart = values + np.array([[-1], [1]]) + 50 * (group == "died")
    assert twins.correlation_ratio(apart, group) == pytest.approx(0.5**0.5, abs=0.01)


def test_a_finished_workspace_is_read(finished: Path, tmp_path: Path) -> None:
    """Of the tiny chain, whose networks learned nothing: numbers, and where its evidence peaks."""
    shutil.copytree(finished, tmp_path / "w", copy_function=os.link)
    found = truth.read(tmp_path / "w")
    assert set(found["auroc"]) == {"mortality", "insurance"}
    levels = {row["evidence_level"] for row in found["verdicts"]}
    assert levels == set(truth.LEVELS)
    assert {row["expected"] for row in found["verdicts"]} <= {"shared", "either", "not shared"}
    assert set(found["at_its_sign"]) == {"mortality", "insurance"}
    # Signs everywhere: any peak lies in one.
    regions = SYNTHETIC_REGIONS.path(tmp_path / "w")
    regions.unlink()
    everywhere = np.ones((2, 16, 16), dtype=np.float32)
    write_arrays(
        SYNTHETIC_REGIONS, regions, {"task": ["mortality", "insurance"], "region": everywhere},
        Provenance("test", {}), dict(SYNTHETIC_REGIONS.example_attributes),
    )  # fmt: skip
    assert truth.at_its_sign(tmp_path / "w") == {"mortality": True, "insurance": True}


def test_the_table_counts_cohorts_and_finished_ones_are_not_made_again(tmp_path: Path) -> None:
    made = []

    def make(wanted: Record) -> Record:
        made.append(wanted)
        return record("planted", RIGHT) | wanted

    wanted = [{"preset": "planted", "cohort": 0}, {"preset": "planted", "cohort": 1}]
    first = list(records(wanted, tmp_path / "out", make))
    again = list(records(wanted, tmp_path / "out", make))
    assert len(made) == 2
    assert truth.table(first) == truth.table(again)
    want = "| planted | 2 | mortality 0.80, insurance 0.70 | nothing falsely shared | 1.00 (0.34"
    assert want in truth.table(again)
