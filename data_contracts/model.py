"""What `train-task` writes: the model, its history, its predictions and its features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.cohort import SPLITS
from data_contracts.vocabulary import Check, Contract, Field

if TYPE_CHECKING:
    import polars as pl

CONTROLS = ("none", "permuted-labels", "random-init")

_MODEL_ATTRIBUTES = (
    Field("task", "string", "The task: a label column of the cohort"),
    Field("name", "string", "Tells models of one task apart"),
    Field("classes", "string", "Classes in the order of the logits", dims=("class",)),
)  # fmt: skip
_EXAMPLE_ATTRIBUTES = {"task": "gender", "name": "main", "classes": ["F", "M"]}

_RECIPE_ATTRIBUTES = (
    Field("architecture", "string", "Name of the torchvision backbone"),
    Field("output_stride", "int32", "Pixels of input per cell of the last feature map",
          unit="pixel"),
    Field("input_size", "int32", "Side of the square input", unit="pixel"),
    Field("mean", "float64", "Channel means of the normalisation, on grey values scaled to 0-1",
          dims=("channel",)),
    Field("std", "float64", "Channel standard deviations of the normalisation", dims=("channel",)),
    Field("seed", "int64", "Seed of initialisation, order and augmentation"),
    Field("starting_weights", "string", "Origin of the weights training started from"),
    Field("control", "enum", "Null model of the null ladder, or none", categories=CONTROLS),
)  # fmt: skip
_EXAMPLE_RECIPE = {
    "architecture": "resnet18", "output_stride": 32, "input_size": 32,
    "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
    "seed": 0, "starting_weights": "none", "control": "none",
}  # fmt: skip


def _example_model() -> dict[str, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    return {
        "state_dict/fc.weight": rng.normal(size=(2, 8)).astype(np.float32),
        "state_dict/fc.bias": np.zeros(2, dtype=np.float32),
    }


MODEL = Contract(
    name="model",
    version="1.0",
    kind="arrays",
    path_template="models/{task}/{name}/model.h5",
    description="A trained network: one dataset per tensor, and everything needed to run it",
    fields=(
        Field("state_dict/*", "any", "A tensor of the network, under its torch name",
              dims=("...",)),
    ),
    attributes=(
        *_MODEL_ATTRIBUTES,
        *_RECIPE_ATTRIBUTES,
        Field("epoch", "int32", "The epoch that was kept, from 1; 0: not trained"),
    ),
    example=_example_model,
    example_attributes=_EXAMPLE_ATTRIBUTES | _EXAMPLE_RECIPE | {"epoch": 3},
)  # fmt: skip


def _example_checkpoint() -> dict[str, Any]:
    tensors = _example_model()
    best = {name.replace("state_dict/", "best/"): value for name, value in tensors.items()}
    moments = {name.replace("state_dict/", "optimizer/exp_avg/"): v for name, v in tensors.items()}
    return tensors | best | moments


CHECKPOINT = Contract(
    name="checkpoint",
    version="1.0",
    kind="arrays",
    path_template="models/{task}/{name}/checkpoint.h5",
    description="Where an interrupted training goes on; removed when the training is done",
    fields=(
        Field("state_dict/*", "any", "A tensor of the network as it is", dims=("...",)),
        Field("best/*", "any", "A tensor of the network at its best epoch",
              dims=("...",), nullable=True),
        Field("optimizer/*", "any", "A tensor of the optimizer's state, as key/parameter",
              dims=("...",), nullable=True),
    ),
    attributes=(
        *_MODEL_ATTRIBUTES,
        Field("epoch", "int32", "The epoch under way, from 1"),
        Field("step", "int32", "Batches of that epoch already done"),
        Field("loss_sum", "float64", "Sum of the training loss over those batches"),
        Field("best_epoch", "int32", "The best epoch so far; 0: none yet"),
        Field("history", "any", "Rows of the training history so far", dims=("epoch",)),
    ),
    example=_example_checkpoint,
    example_attributes=_EXAMPLE_ATTRIBUTES
    | {"epoch": 2, "step": 0, "loss_sum": 0.0, "best_epoch": 1, "history": []},
)  # fmt: skip


def _example_history() -> dict[str, Any]:
    import polars as pl

    return {
        "epoch": pl.Series([1, 2, 3], dtype=pl.Int32),
        "learning_rate": pl.Series([1e-3, 5e-4, 1e-4], dtype=pl.Float64),
        "train_loss": pl.Series([0.7, 0.5, 0.4], dtype=pl.Float64),
        "val_loss": pl.Series([0.69, 0.55, 0.5], dtype=pl.Float64),
        "val_auroc": pl.Series([0.5, 0.75, 1.0], dtype=pl.Float64),
    }


TRAINING_HISTORY = Contract(
    name="training_history",
    version="1.0",
    kind="table",
    path_template="models/{task}/{name}/history.parquet",
    description="One row per epoch of training",
    key=("epoch",),
    fields=(
        Field("epoch", "int32", "The epoch, from 1", unit="1"),
        Field("learning_rate", "float64", "Learning rate at the end of the epoch", unit="1"),
        Field("train_loss", "float64", "Mean weighted cross-entropy over the training batches",
              unit="nat"),
        Field("val_loss", "float64", "Mean cross-entropy on the validation split", unit="nat"),
        Field("val_auroc", "float64",
              "AUROC on the validation split, macro one-vs-rest beyond two classes",
              unit="1", nullable=True),
    ),
    attributes=_MODEL_ATTRIBUTES,
    example=_example_history,
    example_attributes=_EXAMPLE_ATTRIBUTES,
)  # fmt: skip


def _probabilities_sum_to_one(_: pl.DataFrame) -> pl.Expr:
    import polars as pl

    return (pl.col("probabilities").list.sum() - 1).abs() < 1e-4


def _example_predictions() -> dict[str, Any]:
    import numpy as np
    import polars as pl

    n = 12
    logits = np.stack([np.linspace(1, -1, n), np.linspace(-1, 1, n)], axis=1).astype(np.float32)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return {
        "image_id": [f"image{i:02d}" for i in range(n)],
        "subject_id": [f"subject{i:02d}" for i in range(n)],
        "split": pl.Series(["train"] * 6 + ["val"] * 2 + ["test"] * 4, dtype=pl.Enum(SPLITS)),
        "target": pl.Series([i % 2 for i in range(n)], dtype=pl.Int8),
        "logits": pl.Series(logits.tolist(), dtype=pl.List(pl.Float32)),
        "probabilities": pl.Series(probabilities.tolist(), dtype=pl.List(pl.Float32)),
    }


PREDICTIONS = Contract(
    name="predictions",
    version="1.0",
    kind="table",
    path_template="models/{task}/{name}/predictions.parquet",
    description="What the model says of every image of the store, all splits",
    key=("image_id",),
    fields=(
        Field("image_id", "string", "Key into the cohort"),
        Field("subject_id", "string", "The patient"),
        Field("split", "enum", "Split of the subject", categories=SPLITS),
        Field("target", "int8", "Index of the true class; null: no label for this task",
              unit="1", nullable=True),
        Field("logits", "list[float32]", "One logit per class, classes as in the attribute",
              unit="logit", dims=("class",)),
        Field("probabilities", "list[float32]", "Softmax of the logits", unit="1", dims=("class",)),
    ),
    attributes=_MODEL_ATTRIBUTES,
    checks=(
        Check("probabilities sum to one", _probabilities_sum_to_one),
    ),
    example=_example_predictions,
    example_attributes=_EXAMPLE_ATTRIBUTES,
)  # fmt: skip


def _example_features() -> dict[str, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    return {
        "image_id": [f"image{i:02d}" for i in range(12)],
        "features": rng.normal(size=(12, 8)).astype(np.float16),
    }


FEATURES = Contract(
    name="features",
    version="1.0",
    kind="arrays",
    path_template="models/{task}/{name}/features.h5",
    description="The pooled vector before the head, for every image of the store",
    fields=(
        Field("image_id", "string", "Key into the cohort", dims=("image",)),
        Field("features", "float16", "Pooled activations of the last feature map",
              unit="1", dims=("image", "feature")),
    ),
    attributes=_MODEL_ATTRIBUTES,
    example=_example_features,
    example_attributes=_EXAMPLE_ATTRIBUTES,
)  # fmt: skip
