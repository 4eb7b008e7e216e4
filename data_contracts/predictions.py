"""What a trained network gives for every image: predictions and features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.cohort import SPLITS
from data_contracts.model import EXAMPLE_ATTRIBUTES, FROM_1, MODEL_ATTRIBUTES
from data_contracts.vocabulary import Check, Contract, Field

if TYPE_CHECKING:
    import polars as pl


def _probabilities_sum_to_one(_: pl.DataFrame) -> pl.Expr:
    import polars as pl

    one = (pl.col("probabilities").list.sum() - 1).abs() < 1e-4
    # Labels do not exclude each other, a value has no probability.
    return one | pl.col("labels").is_not_null() | pl.col("predicted_value").is_not_null()


def _one_kind_of_prediction(_: pl.DataFrame) -> pl.Expr:
    import polars as pl

    return pl.col("logits").is_null() == pl.col("predicted_value").is_not_null()


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
        "labels": pl.Series([None] * n, dtype=pl.List(pl.Float32)),
        "value": pl.Series([None] * n, dtype=pl.Float32),
        "logits": pl.Series(logits.tolist(), dtype=pl.List(pl.Float32)),
        "probabilities": pl.Series(probabilities.tolist(), dtype=pl.List(pl.Float32)),
        "predicted_value": pl.Series([None] * n, dtype=pl.Float32),
    }


PREDICTIONS = Contract(
    name="predictions",
    version="2.1",
    kind="table",
    path_template="models/{task}/{name}/predictions.parquet",
    description="What the model predicts for every image of the store, all splits",
    key=("image_id",),
    fields=(
        Field("image_id", "string", "Key into the cohort"),
        Field("subject_id", "string", "The patient"),
        Field("split", "enum", "Split of the subject", categories=SPLITS),
        Field("target", "int8", "Index of the true class; null: unlabelled, or no class",
              unit="1", nullable=True),
        Field("labels", "list[float32]", "1 for each label that is true, else 0; NaN: unknown",
              unit="1", dims=("class",), nullable=True),
        Field("value", "float32", "The true value", unit="of the column", nullable=True),
        Field("logits", "list[float32]", "One logit per class or label, in their order",
              unit="logit", dims=("class",), nullable=True),
        Field("probabilities", "list[float32]",
              "Softmax of the logits of classes, sigmoid of those of labels",
              unit="1", dims=("class",), nullable=True),
        Field("predicted_value", "float32", "The value that the network predicts",
              unit="of the column", nullable=True),
    ),
    attributes=MODEL_ATTRIBUTES,
    checks=(
        Check("probabilities of classes sum to one", _probabilities_sum_to_one),
        Check("either logits or a predicted value", _one_kind_of_prediction),
    ),
    example=_example_predictions,
    example_attributes=EXAMPLE_ATTRIBUTES,
    upgrades=FROM_1,
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
    version="2.1",
    kind="arrays",
    path_template="models/{task}/{name}/features.h5",
    description="The pooled vector before the head, for every image of the store",
    fields=(
        Field("image_id", "string", "Key into the cohort", dims=("image",)),
        Field("features", "float16", "Pooled activations of the last feature map",
              unit="1", dims=("image", "feature")),
    ),
    attributes=MODEL_ATTRIBUTES,
    example=_example_features,
    example_attributes=EXAMPLE_ATTRIBUTES,
    upgrades=FROM_1,
)  # fmt: skip
