"""Paired differences of the AUROC of two models."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from cxrcore.evaluation.bootstrap import patient_weights
from cxrcore.evaluation.differences import SEPARATED, TOO_FEW, differences
from cxrcore.evaluation.metrics import auroc
from cxrcore.model import Model
from data_contracts.disclosure.subgroups import Disclosure

ALL = Disclosure(0, set(), set())
N = 300


def model_of(
    name: str, target: NDArray[Any], logits: NDArray[Any], subject: NDArray[Any], task: str = "t"
) -> Model:
    predictions = pl.DataFrame({
        "image_id": [f"i{i}" for i in range(len(target))],
        "subject_id": [f"s{s:04d}" for s in subject], "split": ["test"] * len(target),
        "target": target.astype(np.int8), "labels": [None] * len(target),
        "value": [None] * len(target), "logits": logits.tolist(),
    })  # fmt: skip
    classes = tuple("abc"[: logits.shape[1]])
    return Model(task, name, 0, "none", "classes", classes, "", "", predictions, pl.DataFrame())


def drawn(
    seed: int, knows: tuple[float, float], classes: int = 2, images: int = 2
) -> tuple[Model, Model]:
    """Two networks that know so much of the class, whose errors go together within a patient."""
    rng = np.random.default_rng(seed)
    subject = np.arange(N) // images
    target = rng.integers(0, classes, N)
    both = rng.normal(size=(N // images, classes))[subject] + rng.normal(size=(N, classes))
    logits = [k * np.eye(classes)[target] + both + rng.normal(size=(N, classes)) for k in knows]
    one, other = (model_of(n, target, x, subject) for n, x in zip("ab", logits, strict=True))
    return one, other


def test_the_value_is_the_difference_of_two_aurocs_and_its_interval_that_of_resamples() -> None:
    one, other = drawn(0, (1.5, 1.0))
    (row,) = differences([one, other], ALL)
    target = one.predictions["target"].to_numpy()
    odds = [m.predictions["logits"].list.diff().list.get(1).to_numpy() for m in (one, other)]
    assert row["value"] == pytest.approx(
        roc_auc_score(target, odds[0]) - roc_auc_score(target, odds[1]), abs=1e-12
    )
    weights = np.repeat(patient_weights(N // 2, 4000, 0, "test"), 2, axis=1)
    resampled = auroc(odds[0], target == 1, weights) - auroc(odds[1], target == 1, weights)
    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * resampled.std(), rel=0.06)
    assert (row["task"], row["name"], row["other_name"]) == ("t", "a", "b")
    assert row["subjects"] == N // 2


def test_equally_good_networks_differ_one_time_in_twenty() -> None:
    p = [differences(list(drawn(seed, (1.0, 1.0))), ALL)[0]["p"] for seed in range(300)]
    assert 0.02 <= np.mean(np.array(p) <= 0.05) <= 0.09


def test_one_network_twice_does_not_differ_and_exchange_turns_the_sign() -> None:
    one, other = drawn(1, (1.5, 0.5))
    (same,) = differences([one, one], ALL)
    assert (same["value"], same["low"], same["p"]) == (0, None, 1)
    (there,), (back,) = differences([one, other], ALL), differences([other, one], ALL)
    assert there["value"] == -back["value"] > 0
    assert there["low"] == pytest.approx(-back["high"])
    assert there["p"] == pytest.approx(back["p"])


def test_more_images_of_a_patient_are_no_more_evidence() -> None:
    one, other = drawn(2, (1.5, 1.0), images=1)
    (row,) = differences([one, other], ALL)

    def twice(model: Model) -> Model:
        target, logits, subject = (
            np.repeat(np.asarray(x), 2, axis=0)
            for x in (
                model.predictions["target"].to_numpy(),
                np.array(model.predictions["logits"].to_list()), np.arange(N),
            )
        )  # fmt: skip
        return model_of(model.name, target, logits, subject)

    (again,) = differences([twice(one), twice(other)], ALL)
    assert {k: again[k] for k in ("low", "high", "p")} == pytest.approx(
        {k: row[k] for k in ("low", "high", "p")}
    )


def test_models_of_one_task_are_compared_by_class_too_and_of_two_by_all() -> None:
    one, other = drawn(3, (1.0, 1.0), classes=3)
    third = model_of("c", np.arange(40) % 2, np.random.default_rng(0).normal(size=(40, 2)),
                     1000 + np.arange(40), task="u")  # fmt: skip
    rows = differences([one, other, third], ALL)
    assert [(r["other_name"], r["metric"]) for r in rows] == [
        ("b", "auroc"), ("b", "auroc:a"), ("b", "auroc:b"), ("b", "auroc:c"),
        ("c", "auroc"), ("c", "auroc"),
    ]  # fmt: skip
    by_class = [r["value"] for r in rows[1:4]]
    assert rows[0]["value"] == pytest.approx(np.mean(by_class))
    # Of different patients the variances add up.
    assert rows[4]["subjects"] == N // 2 + 40


def test_what_one_of_the_models_withholds_is_withheld_and_few_patients_give_a_reason() -> None:
    one, other = drawn(4, (1.0, 1.0), classes=3)
    whole = ("t", "b", "test", "all", "all")
    rows = differences([one, other], Disclosure(11, set(), {(whole, "c")}))
    assert [r["suppressed"] for r in rows] == [False, False, False, True]
    assert {rows[3][k] for k in ("value", "low", "high", "p", "subjects")} == {None}
    subject = np.arange(20)
    few = [
        model_of(n, np.eye(20)[0], np.random.default_rng(0).normal(size=(20, 2)), subject)
        for n in "ab"
    ]
    (row,) = differences(few, ALL)
    assert (row["value"], row["reason"]) == (None, TOO_FEW)
    assert differences([few[0]], ALL) == []


def test_nothing_is_known_of_the_error_where_both_have_the_classes_apart() -> None:
    one, other = drawn(5, (100.0, 90.0))
    (row,) = differences([one, other], ALL)
    assert row["value"] == 0
    assert {row[n] for n in ("low", "high", "p")} == {None}
    assert row["reason"] == SEPARATED
    # Beside one that errs, the error is that one's.
    (row,) = differences([one, drawn(5, (100.0, 1.0))[1]], ALL)
    assert 0 < row["low"] < row["value"] < row["high"]
    assert row["p"] < 0.001
