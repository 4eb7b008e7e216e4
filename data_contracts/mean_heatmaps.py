"""What `aggregate` writes of the maps: their averages by class, as they lie and aligned."""

from __future__ import annotations

from typing import Any

from data_contracts.attributions import LUNG_FRAME
from data_contracts.cohort_description import SUPPRESSION
from data_contracts.vocabulary import Contract, Field


def _example_mean_heatmaps() -> dict[str, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    two = {
        "task": "gender", "name": "main", "control": "none", "method": "gradcam",
        "split": "test", "stratum": "all", "level": "all", "reason": "", "unit": "logit per cell",
    }  # fmt: skip
    return {name: [value] * 2 for name, value in two.items()} | {
        "class": ["F", "M"],
        "seed": np.zeros(2, dtype=np.int64),
        "grid": np.full((2, 2), 3, dtype=np.int32),
        "mean": rng.normal(size=(2, 3, 3)).astype(np.float32),
        "class_difference": rng.normal(size=(2, 3, 3)).astype(np.float32),
        "sd": rng.uniform(size=(2, 3, 3)).astype(np.float32),
        "images": np.array([60, 60], dtype=np.int64),
        "subjects": np.array([60, 60], dtype=np.int64),
        "suppressed": np.zeros(2, dtype=bool),
        "interpretable": np.ones(2, dtype=bool),
        "mean_image": rng.uniform(0, 255, size=(32, 32)).astype(np.float32),
    }


def _text(name: str, description: str) -> Field:
    return Field(name, "string", description, dims=("heatmap",))


def _map(name: str, description: str) -> Field:
    return Field(name, "float32", f"{description}; NaN: none, or outside of the grid",
                 unit="see unit", dims=("heatmap", "row", "column"))  # fmt: skip


_MODEL = (
    _text("task", "The task"),
    _text("name", "Name of the model"),
    Field("seed", "int64", "Seed that it was trained with", unit="1", dims=("heatmap",)),
    _text("control", "Which null model this is, or none"),
    _text("method", "Attribution method"),
    _text("split", "The split that was explained"),
    _text("class", "The output that is explained"),
)
_MAPS = (
    _text("unit", "Unit of the maps"),
    Field("grid", "int32", "Rows and columns of the map, in the upper left of what is stored",
          unit="map cells", dims=("heatmap", "2")),
    _map("mean", "Mean raw map over the images"),
    _map("class_difference", "Mean over images of the class minus mean over the others"),
    _map("sd", "Standard deviation over the images"),
    Field("images", "int64", "Images averaged; -1: suppressed", unit="images",
          dims=("heatmap",)),
    Field("subjects", "int64", "Their patients; -1: suppressed", unit="patients",
          dims=("heatmap",)),
    Field("suppressed", "bool", "Whether map and numbers are withheld: few patients",
          dims=("heatmap",)),
    Field("interpretable", "bool", "Whether the model's maps may be interpreted",
          dims=("heatmap",)),
    _text("reason", "Why not; empty if they may"),
)  # fmt: skip

MEAN_HEATMAPS = Contract(
    name="mean_heatmaps",
    version="2.0",
    kind="arrays",
    path_template="summary/mean_heatmaps.h5",
    description="Averaged raw maps of each model, by class and stratum",
    fields=(
        *_MODEL,
        _text("stratum", "Variable the images are divided by; 'all': undivided"),
        _text("level", "Level of that variable; 'all': undivided"),
        *_MAPS,
        Field("mean_image", "float32",
              "Mean of the explained images, as a background; NaN: suppressed",
              unit="grey value", dims=("size", "size")),
    ),
    attributes=(SUPPRESSION,),
    example=_example_mean_heatmaps,
    example_attributes={"min_cell_count": 0},
)  # fmt: skip


def _example_aligned_heatmaps() -> dict[str, Any]:
    import numpy as np

    found = _example_mean_heatmaps()
    del found["stratum"], found["level"]
    return found | {"without_box": np.array([3, 3], dtype=np.int64)}


ALIGNED_HEATMAPS = Contract(
    name="aligned_heatmaps",
    version="1.0",
    kind="arrays",
    path_template="summary/aligned_heatmaps.h5",
    description=(
        "Averaged maps of each model by class, each image's map moved so that its lungs lie in a "
        "common frame; without rows where no image has a lung box"
    ),
    fields=(
        *_MODEL,
        *_MAPS,
        Field("without_box", "int64",
              "Images of the task that are left out, since no lungs were found; -1: suppressed, "
              "and then images and subjects are too",
              unit="images", dims=("heatmap",)),
        Field("mean_image", "float32",
              "Mean of the images that were moved so, as a background; NaN: suppressed, or none",
              unit="grey value", dims=("size", "size")),
    ),
    attributes=(
        SUPPRESSION,
        Field("lung_frame", "float64",
              "Where the lungs lie in the frame: top, left, bottom, right",
              unit="share of the side", dims=("4",)),
    ),
    example=_example_aligned_heatmaps,
    example_attributes={"min_cell_count": 0, "lung_frame": list(LUNG_FRAME)},
)  # fmt: skip
