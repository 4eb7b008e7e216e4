"""What a kind of target asks of a network: its loss, and its measures on the validation split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from cxrcore.evaluation.metrics import auroc_of
from cxrcore.targets import Targets, class_weights, softmax

TINY = 1e-12
"""Keeps the logarithm of a probability finite."""
#: `val_loss` and, as far as they are defined, `val_auroc` and `val_r2`.
Measures = dict[str, float | None]


@dataclass(frozen=True)
class Objective:
    """Loss of a batch, and measures of a split; `rows` index the targets."""

    loss: Callable[[torch.Tensor, NDArray[np.int64]], torch.Tensor]
    """Outputs (b, k) and rows (b,) to a scalar."""
    measure: Callable[[NDArray[np.float32], NDArray[np.int64]], Measures]
    """Outputs (n, k) and rows (n,) to the measures."""


def objective_of(targets: Targets, device: torch.device) -> Objective:
    """The objective of a kind of target, its tensors on `device`."""
    make = {"classes": _classes, "value": _value}[targets.kind]
    return make(targets, device)


def merit(measures: Measures) -> tuple[float, float]:
    """What decides which epoch is kept: AUROC or R², then the lowest loss."""
    score = measures["val_r2"] if measures["val_auroc"] is None else measures["val_auroc"]
    loss = measures["val_loss"]
    assert loss is not None
    return (0.0 if score is None else score, -loss)


def _classes(targets: Targets, device: torch.device) -> Objective:
    """Cross-entropy, classes weighted by inverse frequency in training and equally elsewhere."""
    weights = torch.from_numpy(class_weights(targets)).to(device)

    def loss(logits: torch.Tensor, rows: NDArray[np.int64]) -> torch.Tensor:
        values = torch.from_numpy(targets.values[rows]).to(device)
        return functional.cross_entropy(logits, values, weight=weights)

    def measure(logits: NDArray[np.float32], rows: NDArray[np.int64]) -> Measures:
        values = targets.values[rows]
        return {
            "val_loss": mean_cross_entropy(logits, values),
            "val_auroc": validation_auroc(values, softmax(logits)),
            "val_r2": None,
        }

    return Objective(loss, measure)


def _value(targets: Targets, device: torch.device) -> Objective:
    """Squared error of the standardised value: 1 is what the training mean would have."""
    wanted = targets.standardised()

    def loss(outputs: torch.Tensor, rows: NDArray[np.int64]) -> torch.Tensor:
        return functional.mse_loss(outputs[:, 0], torch.from_numpy(wanted[rows]).to(device))

    def measure(outputs: NDArray[np.float32], rows: NDArray[np.int64]) -> Measures:
        truth = wanted[rows].astype(np.float64)
        error, variance = float(np.mean((outputs[:, 0] - truth) ** 2)), float(truth.var())
        r2 = 1 - error / variance if variance else None
        return {"val_loss": error, "val_auroc": None, "val_r2": r2}

    return Objective(loss, measure)


def mean_cross_entropy(logits: NDArray[np.float32], values: NDArray[np.int64]) -> float:
    """Mean negative log probability, in nats, of the true classes `values` (n,) under (n, k)."""
    return float(-np.log(softmax(logits)[np.arange(len(values)), values] + TINY).mean())


def validation_auroc(values: NDArray[np.int64], probabilities: NDArray[np.float32]) -> float | None:
    """AUROC, macro one-vs-rest beyond two classes; None when a class is absent."""
    if len(np.unique(values)) < probabilities.shape[1]:
        return None
    judged = [1] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    return float(np.mean([auroc_of(probabilities[:, c], values == c) for c in judged]))
