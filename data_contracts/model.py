"""What `train-task` writes of the network itself: the model, its checkpoint, its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.vocabulary import Contract, Field, Upgrade

if TYPE_CHECKING:
    from data_contracts.header import Header

CONTROLS = ("none", "permuted-labels", "random-init", "pretrained")
#: Controls that keep their starting weights.
UNTRAINED = ("random-init", "pretrained")
#: One class of several, any number of labels, or a number such as the age.
TARGET_KINDS = ("classes", "multi-label", "value")

MODEL_ATTRIBUTES = (
    Field("task", "string", "The task: a label of the cohort, or a column with a value"),
    Field("name", "string", "Distinguishes models of the same task"),
    Field("seed", "int64", "Seed of initialisation, order and augmentation"),
    Field("control", "enum", "Which null model this is, or none", categories=CONTROLS),
    Field("target_kind", "enum", "What the network predicts", categories=TARGET_KINDS),
    Field("classes", "string", "Names of the outputs in order: classes, labels, or the value",
          dims=("class",)),
)  # fmt: skip
EXAMPLE_ATTRIBUTES = {
    "task": "gender", "name": "main", "seed": 0, "control": "none", "target_kind": "classes",
    "classes": ["F", "M"],
}  # fmt: skip


def attributes_since_2(header: Header) -> dict[str, Any]:
    """The attributes of an artifact of version 1, where the settings told seed and control."""
    config = header.config
    added = {"seed": config.get("seed", 0), "control": config.get("control", "none")}
    return added | {"target_kind": "classes"} | header.attributes


FROM_1 = {"1": Upgrade(attributes_since_2)}

_RECIPE_ATTRIBUTES = (
    Field("library", "string", "Library that the backbone comes from"),
    Field("architecture", "string", "Name of the backbone in its library"),
    Field("output_stride", "int32", "Pixels of input per cell of the last feature map",
          unit="pixel"),
    Field("input_size", "int32", "Side of the square input", unit="pixel"),
    Field("mean", "float64", "Channel means of the normalisation, on grey values scaled to 0-1",
          dims=("channel",)),
    Field("std", "float64", "Channel standard deviations of the normalisation", dims=("channel",)),
    Field("starting_weights", "string", "Origin of the weights training started from"),
    Field("target_mean", "float64", "Mean of the value over the training images", nullable=True),
    Field("target_sd", "float64", "Its standard deviation there", nullable=True),
)  # fmt: skip
_EXAMPLE_RECIPE = {
    "library": "torchvision", "architecture": "resnet18", "output_stride": 32, "input_size": 32,
    "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
    "starting_weights": "none",
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
    version="2.1",
    kind="arrays",
    path_template="models/{task}/{name}/model.h5",
    description="A trained network: one dataset per tensor, and everything needed to run it",
    fields=(
        Field("state_dict/*", "any", "A tensor of the network, under its torch name",
              dims=("...",)),
    ),
    attributes=(
        *MODEL_ATTRIBUTES,
        *_RECIPE_ATTRIBUTES,
        Field("epoch", "int32", "The epoch that was kept, from 1; 0: not trained"),
    ),
    example=_example_model,
    example_attributes=EXAMPLE_ATTRIBUTES | _EXAMPLE_RECIPE | {"epoch": 3},
    upgrades={"1": Upgrade(lambda h: {"library": "torchvision"} | attributes_since_2(h))},
)  # fmt: skip


def _example_checkpoint() -> dict[str, Any]:
    tensors = _example_model()
    best = {name.replace("state_dict/", "best/"): value for name, value in tensors.items()}
    moments = {name.replace("state_dict/", "optimizer/exp_avg/"): v for name, v in tensors.items()}
    return tensors | best | moments


CHECKPOINT = Contract(
    name="checkpoint",
    version="2.1",
    kind="arrays",
    path_template="models/{task}/{name}/checkpoint.h5",
    description="Where an interrupted training resumes; removed when the training is done",
    fields=(
        Field("state_dict/*", "any", "A tensor of the network as it is", dims=("...",)),
        Field("best/*", "any", "A tensor of the network at its best epoch",
              dims=("...",), nullable=True),
        Field("optimizer/*", "any", "A tensor of the optimizer's state, as key/parameter",
              dims=("...",), nullable=True),
    ),
    attributes=(
        *MODEL_ATTRIBUTES,
        Field("epoch", "int32", "The epoch under way, from 1"),
        Field("step", "int32", "Batches of that epoch already done"),
        Field("loss_sum", "float64", "Sum of the training loss over those batches"),
        Field("best_epoch", "int32", "The best epoch so far; 0: none yet"),
        Field("history", "any", "Rows of the training history so far", dims=("epoch",)),
    ),
    example=_example_checkpoint,
    example_attributes=EXAMPLE_ATTRIBUTES
    | {"epoch": 2, "step": 0, "loss_sum": 0.0, "best_epoch": 1, "history": []},
    upgrades=FROM_1,
)  # fmt: skip


def _example_history() -> dict[str, Any]:
    import polars as pl

    return {
        "epoch": pl.Series([1, 2, 3], dtype=pl.Int32),
        "learning_rate": pl.Series([1e-3, 5e-4, 1e-4], dtype=pl.Float64),
        "train_loss": pl.Series([0.7, 0.5, 0.4], dtype=pl.Float64),
        "val_loss": pl.Series([0.69, 0.55, 0.5], dtype=pl.Float64),
        "val_auroc": pl.Series([0.5, 0.75, 1.0], dtype=pl.Float64),
        "val_r2": pl.Series([None] * 3, dtype=pl.Float64),
    }


TRAINING_HISTORY = Contract(
    name="training_history",
    version="2.1",
    kind="table",
    path_template="models/{task}/{name}/history.parquet",
    description="One row per epoch of training",
    key=("epoch",),
    fields=(
        Field("epoch", "int32", "The epoch, from 1", unit="1"),
        Field("learning_rate", "float64", "Learning rate at the end of the epoch", unit="1"),
        Field("train_loss", "float64",
              "Mean loss over the training batches: weighted cross-entropy, "
              "or the squared error of a value over its variance",
              unit="nat; 1 for a value"),
        Field("val_loss", "float64", "Mean loss on the validation split, classes unweighted",
              unit="nat; 1 for a value"),
        Field("val_auroc", "float64",
              "AUROC on the validation split, mean over classes or labels beyond two classes",
              unit="1", nullable=True),
        Field("val_r2", "float64",
              "Share of a value's variance on the validation split that is predicted",
              unit="1", nullable=True),
    ),
    attributes=MODEL_ATTRIBUTES,
    example=_example_history,
    example_attributes=EXAMPLE_ATTRIBUTES,
    upgrades=FROM_1,
)  # fmt: skip
