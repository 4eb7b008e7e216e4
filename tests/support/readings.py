"""Predictions and histories of enough patients for curves, and the metrics made from them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
from dashboards import CLASSES, CREATED, TASKS, write_example

from data_contracts.cohort import SPLITS
from data_contracts.model import TRAINING_HISTORY
from data_contracts.predictions import PREDICTIONS
from data_contracts.store import Provenance, as_input, read_header, write_table
from data_contracts.summary import CURVES, METRICS, MODELS


def predictions(classes: int = 2, images: int = 240, seed: int = 0) -> pl.DataFrame:
    """Half of the images in the test split; scores with ties, some images without a label.

    Every patient has up to two images.
    """
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, images)
    logits = rng.normal(size=(images, classes)) + 1.2 * np.eye(classes)[target]
    logits = logits.round(1).astype(np.float32)
    odds = np.exp(logits.astype(np.float64))
    splits = np.array([SPLITS[i] for i in (0, 1, 2, 2)])[np.arange(images) // 2 % 4]
    labels = [None if i % 17 == 0 else int(t) for i, t in enumerate(target)]
    return pl.DataFrame({
        "image_id": [f"image{i:04d}" for i in range(images)],
        "subject_id": [f"subject{i // 2:04d}" for i in range(images)],
        "split": pl.Series(splits.tolist(), dtype=pl.Enum(SPLITS)),
        "target": pl.Series(labels, dtype=pl.Int8),
        "logits": pl.Series(logits.tolist(), dtype=pl.List(pl.Float32)),
        "probabilities": pl.Series(
            (odds / odds.sum(axis=1, keepdims=True)).tolist(), dtype=pl.List(pl.Float32)
        ),
        "labels": pl.Series([None] * images, dtype=pl.List(pl.Float32)),
        "value": pl.Series([None] * images, dtype=pl.Float32),
        "predicted_value": pl.Series([None] * images, dtype=pl.Float32),
    })  # fmt: skip


def history(epochs: int = 8, seed: int = 0) -> pl.DataFrame:
    """A training that gets better and better; its first AUROC is not known."""
    epoch = np.arange(1, epochs + 1)
    auroc = (0.6 + 0.3 * (1 - np.exp(-epoch / (3 + seed)))).tolist()
    return pl.DataFrame(
        {
            "epoch": pl.Series(epoch, dtype=pl.Int32),
            "learning_rate": 1e-3 / epoch,
            "train_loss": np.exp(-epoch / (4 + seed)),
            "val_loss": 0.2 + np.exp(-epoch / (3 + seed)),
            "val_auroc": pl.Series([None, *auroc[1:]], dtype=pl.Float64),
            "val_r2": pl.Series([None] * epochs, dtype=pl.Float64),
        }
    )


def write_readings(
    workspace: Path, tasks: Sequence[str] = TASKS, names: Sequence[str] = ("main",)
) -> None:
    """Give every model of a workspace predictions and a history, and make METRICS from them."""
    inputs = []
    for seed, (task, name) in enumerate(product(tasks, names)):
        classes = CLASSES[task]
        facts = {
            "task": task, "name": name, "seed": 0, "control": "none", "target_kind": "classes",
            "classes": list(classes),
        }  # fmt: skip
        tables = {
            PREDICTIONS: predictions(len(classes), seed=seed),
            TRAINING_HISTORY: history(seed=seed),
        }
        for contract, frame in tables.items():
            path = contract.path(workspace, task=task, name=name)
            parents = read_header(path).inputs if path.exists() else ()
            origin = Provenance("train-task", facts, parents, created=CREATED)
            header = write_table(contract, path, frame, origin, facts)
            if contract is PREDICTIONS:
                inputs.append(as_input(header, path, workspace))
    origin = Provenance("aggregate", {}, tuple(inputs), created=CREATED)
    for contract in (METRICS, CURVES, MODELS):
        write_example(contract, workspace, {}, origin, tasks, names)
