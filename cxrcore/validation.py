"""How well a network does on the validation split: what decides which epoch is kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from cxrcore.targets import softmax

TINY = 1e-12
"""Keeps the logarithm of a probability finite."""


def mean_cross_entropy(logits: NDArray[np.float32], values: NDArray[np.int64]) -> float:
    """Mean negative log probability, in nats, of the true classes `values` (n,) under (n, k)."""
    return float(-np.log(softmax(logits)[np.arange(len(values)), values] + TINY).mean())


def validation_auroc(values: NDArray[np.int64], probabilities: NDArray[np.float32]) -> float | None:
    """AUROC, macro one-vs-rest beyond two classes; None when a class is absent."""
    if len(np.unique(values)) < probabilities.shape[1]:
        return None
    if probabilities.shape[1] == 2:
        return float(roc_auc_score(values, probabilities[:, 1]))
    each = [roc_auc_score(values == c, p) for c, p in enumerate(probabilities.T)]
    return float(np.mean(each))
