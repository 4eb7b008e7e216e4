"""Losses and validation measures of each kind of target."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, r2_score, roc_auc_score

from cxrcore.objectives import merit, objective_of, validation_auroc
from cxrcore.targets import Targets, class_weights, softmax

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)
N = 40
SPLITS = np.array(["train", "val"] * (N // 2))
SUBJECTS = np.arange(N).astype(str)
VAL = np.arange(1, N, 2)


def targets(classes: int) -> Targets:
    names = ("a", "b", "c")[:classes]
    return Targets("task", names, np.arange(N) // 2 % classes, SPLITS, SUBJECTS)


AGES = Targets("age", ("age",), RNG.normal(60, 12, N), SPLITS, SUBJECTS, "value")


@pytest.mark.parametrize("classes", [2, 3])
def test_the_measures_of_classes_equal_sklearns(classes: int) -> None:
    of = targets(classes)
    logits = RNG.normal(size=(len(VAL), classes)).astype(np.float32)
    found = objective_of(of, CPU).measure(logits, VAL)
    p, truth = softmax(logits).astype(float), of.values[VAL]
    p /= p.sum(axis=1, keepdims=True)
    each = [roc_auc_score(truth == c, p[:, c]) for c in range(classes)]
    assert found["val_loss"] == pytest.approx(log_loss(truth, p), rel=1e-5)
    assert found["val_auroc"] == pytest.approx(np.mean(each))
    assert found["val_r2"] is None


def test_the_loss_of_classes_is_weighted_by_their_rarity() -> None:
    of = Targets("task", ("a", "b"), (np.arange(N) % 8 == 0).astype(int), SPLITS, SUBJECTS)
    logits = torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
    rows = np.arange(8)
    got = objective_of(of, CPU).loss(logits, rows)
    each = -torch.log_softmax(logits, dim=1)[torch.arange(8), torch.from_numpy(of.values[rows])]
    weights = class_weights(of)[of.values[rows]]
    assert got.item() == pytest.approx(np.average(each.numpy(), weights=weights), rel=1e-5)
    assert weights[0] > weights[1]


def test_the_measures_of_a_value_are_of_its_standardised_form() -> None:
    outputs = RNG.normal(size=(len(VAL), 1)).astype(np.float32)
    objective = objective_of(AGES, CPU)
    found = objective.measure(outputs, VAL)
    mean, sd = AGES.scale
    predicted = outputs[:, 0] * sd + mean
    error = np.mean((predicted - AGES.values[VAL]) ** 2) / sd**2
    assert found["val_r2"] == pytest.approx(r2_score(AGES.values[VAL], predicted))
    assert found["val_loss"] == pytest.approx(error)
    assert found["val_auroc"] is None
    assert objective.loss(torch.from_numpy(outputs), VAL).item() == pytest.approx(error)


def test_the_mean_of_the_training_images_has_a_loss_of_one() -> None:
    rows = AGES.rows("train")
    found = objective_of(AGES, CPU).measure(np.zeros((len(rows), 1), np.float32), rows)
    assert found["val_loss"] == pytest.approx(1)
    assert found["val_r2"] == pytest.approx(0, abs=1e-6)
    assert objective_of(AGES, CPU).measure(np.zeros((1, 1), np.float32), VAL[:1])["val_r2"] is None


def test_the_score_decides_and_then_the_loss() -> None:
    def of(loss: float, auroc: float | None, r2: float | None = None) -> tuple[float, float]:
        return merit({"val_loss": loss, "val_auroc": auroc, "val_r2": r2})

    assert of(0.9, 0.8) > of(0.1, 0.7)
    assert of(0.1, 0.8) > of(0.2, 0.8)
    assert of(0.9, None, 0.5) > of(0.1, None, 0.4)
    assert of(0.1, None) > of(0.2, None)


def test_validation_auroc_is_none_when_a_class_is_absent() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]], dtype=np.float32)
    assert validation_auroc(np.array([0, 0]), probabilities) is None
    assert validation_auroc(np.array([0, 1]), probabilities) == 1.0
