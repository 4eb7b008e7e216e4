from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.special import softmax

from cxrcore.evaluation import strata

N = 6
LABELLED = pl.DataFrame({
    "subject_id": ["a", "a", "b", "c", "d", "e"],
    "view": ["PA", "AP", "PA", "PA", None, "AP"],
    "age_band": ["under 40", "80 and over", "80 and over", "80 and over", None, "under 40"],
    "label_gender": pl.Series(["F", "M", "F", "M", "F", "M"], dtype=pl.Enum(["F", "M"])),
    "label_race": pl.Series(["White", None, "Black", "White", "White", None],
                            dtype=pl.Enum(["White", "Black", "Asian"])),
    "target": [0, 1, 0, 1, 0, 1],
    "logits": [[1.0, 0], [0, 2], [0, 1], [1, 0], [3, 0], [0, 1]],
})  # fmt: skip


def test_the_subgroups_are_the_levels_of_every_variable_but_the_task() -> None:
    found = list(strata.subgroups(LABELLED, "gender"))
    assert [(g.stratum, g.level, int(g.inside.sum())) for g in found] == [
        ("all", "all", 6),
        ("view", "PA", 3),
        ("view", "AP", 2),
        ("age_band", "under 40", 2),
        ("age_band", "80 and over", 3),
        ("race", "White", 3),
        ("race", "Black", 1),
    ]
    assert "race" not in {g.stratum for g in strata.subgroups(LABELLED, "race")}
    assert {g.stratum for g in strata.subgroups(LABELLED, "gender", divided=False)} == {"all"}


def test_true_classes_and_outcomes_divide_all_images() -> None:
    found = list(strata.target_subgroups(LABELLED, ("F", "M"), 0.5))
    levels = {g.level: np.flatnonzero(g.inside).tolist() for g in found}
    assert levels == {
        "F": [0, 2, 4], "M": [1, 3, 5], "true_positive": [1, 5], "false_positive": [2],
        "false_negative": [3], "true_negative": [0, 4],
    }  # fmt: skip
    assert {g.stratum for g in found[:2]} == {"true_class"}
    assert {g.stratum for g in found[2:]} == {"outcome"}
    without = list(strata.target_subgroups(LABELLED, ("F", "M"), None))
    assert [g.stratum for g in without] == ["true_class"] * 2


def test_patients_are_counted_once_in_a_subgroup_and_in_its_classes() -> None:
    groups = list(strata.subgroups(LABELLED, "gender"))[:2]
    assert strata.subgroup_counts(LABELLED, ("F", "M"), groups) == [
        ("all", "all", "", 5),
        ("all", "all", "F", 3),
        ("all", "all", "M", 3),
        ("view", "PA", "", 3),
        ("view", "PA", "F", 2),
        ("view", "PA", "M", 1),
    ]


def test_ages_fall_into_bands() -> None:
    ages = [0.0, 39.9, 40.0, 59.9, 60.0, 79.9, 80.0, 120.0, None]
    ids = [f"i{n}" for n in range(len(ages))]
    cohort = pl.DataFrame({"image_id": ids, "view": "PA", "age": ages, "label_gender": None})
    found = strata.with_strata(pl.DataFrame({"image_id": ids[::-1]}), cohort)
    assert found["image_id"].to_list() == ids[::-1]
    want = [strata.AGE_BANDS[i] for i in (0, 0, 1, 1, 2, 2, 3, 3)]
    assert found["age_band"].to_list() == [None, *want[::-1]]


def test_an_image_is_labelled_whatever_its_target_is() -> None:
    frame = pl.DataFrame(
        {"target": [0, None, None, None], "labels": [None, [1.0], None, None],
         "value": [None, None, 0.0, None]}
    )  # fmt: skip
    assert frame.select(strata.is_labelled()).to_series().to_list() == [True, True, True, False]


def test_log_odds_are_those_of_the_softmax() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 3))
    p = softmax(logits, axis=1)
    np.testing.assert_allclose(strata.log_odds(logits), np.log(p / (1 - p)))
    assert np.isfinite(strata.log_odds(np.array([[1e4, 0.0]]))).all()


def test_the_threshold_is_chosen_on_validation_and_for_two_classes_only() -> None:
    frame = pl.DataFrame({
        "split": ["val"] * 4 + ["test"] * 2, "target": [0, 0, 1, 1, 1, 0],
        "logits": [[1.0, 0.0], [0.0, 0.5], [0.0, 1.0], [0.0, 2.0], [9.0, 0.0], [0.0, 9.0]],
    })  # fmt: skip
    assert strata.validation_threshold(frame) == pytest.approx(1)
    assert strata.validation_threshold(frame.filter(pl.col("split") == "test")) is None
    three = frame.with_columns(logits=pl.concat_list("logits", pl.lit(0.0)))
    assert strata.validation_threshold(three) is None
