"""The permutation test against chance: exact where it can be, and rarely wrong under the null."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu
from sklearn.metrics import r2_score, roc_auc_score

from cxrcore.evaluation import chance
from cxrcore.model import Model


def p_of(statistic: Any, target: NDArray[Any], *settings: Any) -> float:
    ((_, p),) = chance.permutation_p([(statistic, target)], *settings)
    return p


@pytest.mark.parametrize("classes", [2, 3])
def test_the_statistic_is_sklearns_auroc(classes: int) -> None:
    rng = np.random.default_rng(0)
    odds, target = rng.normal(size=(80, classes)).round(1), rng.integers(0, classes, 80)
    each = [roc_auc_score(target == c, odds[:, c]) for c in range(classes)]
    want = each[1] if classes == 2 else np.mean(each)
    statistic = chance.ranked_auroc(odds)
    assert statistic(target) == pytest.approx(want)
    assert np.isnan(statistic(np.zeros(80, dtype=int)))


def test_p_is_that_of_mann_and_whitney() -> None:
    rng = np.random.default_rng(1)
    target = np.arange(40) % 4 // 3
    scores = rng.normal(size=40) + 0.6 * target
    want = mannwhitneyu(scores[target == 1], scores[target == 0], alternative="greater").pvalue
    statistic = chance.ranked_auroc(np.stack([-scores, scores], axis=1))
    got = p_of(statistic, target, np.arange(40), 0, 4999)
    assert got == pytest.approx(want, abs=0.01)


def test_the_smallest_p_is_one_in_the_permutations_and_one_more() -> None:
    target = np.arange(60) % 2
    statistic = chance.ranked_auroc(np.stack([-target, target], axis=1).astype(float))
    assert p_of(statistic, target, np.arange(60), 0, 99) == 0.01


@pytest.mark.parametrize("counts", [(97, 3), (60, 39, 1)])
def test_blind_networks_pass_no_more_often_than_p_says(counts: tuple[int, ...]) -> None:
    target = np.repeat(np.arange(len(counts)), counts)
    passed = 0
    for seed in range(100):
        odds = np.random.default_rng(seed).normal(size=(100, len(counts)))
        statistic = chance.ranked_auroc(odds)
        passed += p_of(statistic, target, np.arange(100), seed, 99) <= 0.05
    assert passed <= 12  # 5 are expected; more than 12 have a probability of 0.1 %


def test_images_of_a_patient_are_not_taken_for_independent() -> None:
    """Twelve patients of ten images, one score and one label each, say as much as twelve images."""
    rng = np.random.default_rng(2)
    target, subjects = np.repeat(np.arange(12) % 2, 10), np.repeat(np.arange(12), 10)
    p = []
    for seed in range(100):
        scores = np.repeat(rng.normal(size=12), 10)
        statistic = chance.ranked_auroc(np.stack([-scores, scores], axis=1))
        p.append(p_of(statistic, target, subjects, seed, 99))
    assert np.mean(np.array(p) <= 0.05) <= 0.12


def of_kind(kind: str, n: int = 60) -> Model:
    rng = np.random.default_rng(3)
    target = np.arange(n) % 3 // 2
    value = rng.normal(60, 10, n)
    frame = pl.DataFrame({
        "subject_id": [f"s{i // 2}" for i in range(n)], "split": ["test"] * n,
        "target": target if kind == "classes" else [None] * n, "labels": [None] * n,
        "value": value if kind == "value" else [None] * n,
        "predicted_value": value + rng.normal(0, 5, n),
        "logits": np.stack([rng.normal(size=n), target + rng.normal(size=n)], axis=1).tolist(),
    })  # fmt: skip
    return Model("task", "main", 0, "none", kind, ("a", "b"), "", "", frame, pl.DataFrame())


def test_patients_of_each_class_are_counted_once() -> None:
    found = chance.against_chance([of_kind("classes")], 0)[0]
    assert found is not None
    assert found.patients == {"a": 30, "b": 20}
    assert found.score > 0.5
    assert found.p <= 0.05
    assert chance.against_chance([of_kind("classes", 0)], 0)[0] is None


def test_a_value_is_judged_by_its_r2() -> None:
    one = of_kind("value")
    found = chance.against_chance([one], 0)[0]
    assert found is not None
    want = r2_score(one.predictions["value"], one.predictions["predicted_value"])
    assert found.score == pytest.approx(want)
    assert (found.p, found.patients) == (0.001, {"": 30})
    assert chance.against_chance([of_kind("multi-label")], 0)[0] is None
