"""What `aggregate` writes: metrics, associations and mean heatmaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.vocabulary import Check, Contract, Field

if TYPE_CHECKING:
    import polars as pl

LAYERS_OF_EVIDENCE = ("label", "score", "representation", "use", "attention")

#: Fewer patients than this are not shown to people.
SMALLEST_CELL = 11


def _interval_is_ordered(_: pl.DataFrame) -> pl.Expr:
    import polars as pl

    return pl.col("low").is_null() | (pl.col("low") <= pl.col("high"))


def _example_metrics() -> dict[str, Any]:
    import polars as pl

    return {
        "task": ["gender", "gender"],
        "model": ["main", "main"],
        "split": ["test", "test"],
        "stratum": ["all", "view"],
        "level": ["all", "PA"],
        "metric": ["auroc", "auroc"],
        "value": pl.Series([0.9, 0.8], dtype=pl.Float64),
        "low": pl.Series([0.8, 0.6], dtype=pl.Float64),
        "high": pl.Series([1.0, 0.95], dtype=pl.Float64),
        "images": pl.Series([120, 60], dtype=pl.Int64),
        "subjects": pl.Series([120, 60], dtype=pl.Int64),
        "positives": pl.Series([60, 30], dtype=pl.Int64),
    }


METRICS = Contract(
    name="metrics",
    version="1.0",
    kind="table",
    path_template="summary/metrics.parquet",
    description="How well each model reads its target, with 95 % patient-bootstrap intervals",
    key=("task", "model", "split", "stratum", "level", "metric"),
    fields=(
        Field("task", "string", "The task"),
        Field("model", "string", "Name of the model"),
        Field("split", "string", "train, val or test"),
        Field("stratum", "string", "Variable the images are divided by; 'all': undivided"),
        Field("level", "string", "Level of that variable; 'all': undivided"),
        Field("metric", "string",
              "auroc, auprc, brier, …; auroc:CLASS is one class against the rest",
              ),
        Field("value", "float64", "The metric", unit="1", nullable=True),
        Field("low", "float64", "2.5th percentile over patient resamples", unit="1", nullable=True),
        Field("high", "float64", "97.5th percentile over patient resamples",
              unit="1", nullable=True),
        Field("images", "int64", "Images with a label", unit="images"),
        Field("subjects", "int64", "Their subjects", unit="subjects"),
        Field("positives", "int64",
              "Images of the positive class: the last of two, or the named one",
              unit="images", nullable=True),
    ),
    checks=(Check("low is not above high", _interval_is_ordered),),
    example=_example_metrics,
)  # fmt: skip


def _example_associations() -> dict[str, Any]:
    import polars as pl

    from_layers = pl.Enum(LAYERS_OF_EVIDENCE)
    return {
        "reference": ["mortality"],
        "attribute": ["gender"],
        "layer_of_evidence": pl.Series(["attention"], dtype=from_layers),
        "statistic": ["pearson_of_contrast_maps"],
        "value": pl.Series([0.3], dtype=pl.Float64),
        "low": pl.Series([0.1], dtype=pl.Float64),
        "high": pl.Series([0.5], dtype=pl.Float64),
        "p": pl.Series([None], dtype=pl.Float64),
        "p_holm": pl.Series([None], dtype=pl.Float64),
        "null": pl.Series([None], dtype=pl.String),
        "subjects": pl.Series([120], dtype=pl.Int64),
    }


ASSOCIATIONS = Contract(
    name="associations",
    version="1.0",
    kind="table",
    path_template="summary/associations.parquet",
    description="How far each attribute's view overlaps the reference task's, by level of evidence",
    key=("reference", "attribute", "layer_of_evidence", "statistic"),
    fields=(
        Field("reference", "string", "The task the attributes are compared with"),
        Field("attribute", "string", "The other task"),
        Field("layer_of_evidence", "enum", "Where the association is looked for",
              categories=LAYERS_OF_EVIDENCE),
        Field("statistic", "string", "Name of the statistic"),
        Field("value", "float64", "The statistic", unit="1", nullable=True),
        Field("low", "float64", "2.5th percentile over patient resamples", unit="1", nullable=True),
        Field("high", "float64", "97.5th percentile over patient resamples",
              unit="1", nullable=True),
        Field("p", "float64", "Permutation p value over patients; null: not tested",
              unit="1", nullable=True),
        Field("p_holm", "float64", "p after Holm's correction over the attributes",
              unit="1", nullable=True),
        Field("null", "string", "The null model that p refers to", nullable=True),
        Field("subjects", "int64", "Subjects compared", unit="subjects"),
    ),
    checks=(Check("low is not above high", _interval_is_ordered),),
    example=_example_associations,
)  # fmt: skip


def _example_mean_heatmaps() -> dict[str, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    return {
        "task": ["gender", "gender"],
        "model": ["main", "main"],
        "class": ["F", "M"],
        "stratum": ["all", "all"],
        "level": ["all", "all"],
        "mean": rng.normal(size=(2, 3, 3)).astype(np.float32),
        "contrast": rng.normal(size=(2, 3, 3)).astype(np.float32),
        "sd": rng.uniform(size=(2, 3, 3)).astype(np.float32),
        "images": np.array([60, 60], dtype=np.int64),
        "subjects": np.array([60, 60], dtype=np.int64),
        "mean_image": rng.uniform(0, 255, size=(32, 32)).astype(np.float32),
    }


MEAN_HEATMAPS = Contract(
    name="mean_heatmaps",
    version="1.0",
    kind="arrays",
    path_template="summary/mean_heatmaps.h5",
    description="Averaged raw maps for each task, class and stratum",
    fields=(
        Field("task", "string", "The task", dims=("heatmap",)),
        Field("model", "string", "Name of the model", dims=("heatmap",)),
        Field("class", "string", "The class whose logit is explained", dims=("heatmap",)),
        Field("stratum", "string", "Variable the images are divided by; 'all': undivided",
              dims=("heatmap",)),
        Field("level", "string", "Level of that variable; 'all': undivided", dims=("heatmap",)),
        Field("mean", "float32", "Mean raw map over the images",
              unit="logit per cell", dims=("heatmap", "row", "column")),
        Field("contrast", "float32",
              "Mean over images of the class minus mean over the others; NaN: one side empty",
              unit="logit per cell", dims=("heatmap", "row", "column")),
        Field("sd", "float32", "Standard deviation over the images",
              unit="logit per cell", dims=("heatmap", "row", "column")),
        Field("images", "int64", "Images averaged", unit="images", dims=("heatmap",)),
        Field("subjects", "int64", "Their subjects", unit="subjects", dims=("heatmap",)),
        Field("mean_image", "float32", "Mean of the explained images, as a background",
              unit="grey value", dims=("size", "size")),
    ),
    example=_example_mean_heatmaps,
)  # fmt: skip
