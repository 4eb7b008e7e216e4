"""What `explain` writes: raw class activation maps."""

from __future__ import annotations

from typing import Any

from data_contracts.vocabulary import Contract, Field


def _example_attributions() -> dict[str, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    n = 4
    return {
        "image_id": [f"image{i:02d}" for i in range(8, 8 + n)],
        "cam": rng.normal(size=(n, 2, 3, 3)).astype(np.float16),
        "logits": rng.normal(size=(n, 2)).astype(np.float32),
        "mean_image": rng.uniform(0, 255, size=(32, 32)).astype(np.float32),
    }


ATTRIBUTIONS = Contract(
    name="attributions",
    version="1.0",
    kind="arrays",
    path_template="models/{task}/{name}/attributions.h5",
    description=(
        "Raw Grad-CAM maps of every class, before ReLU, scaling and up-sampling, for one split"
    ),
    fields=(
        Field("image_id", "string", "Key into the cohort", dims=("image",)),
        Field("cam", "float16", "Map of the class's logit over the last feature map, signed",
              unit="logit per cell", dims=("image", "class", "row", "column")),
        Field("logits", "float32", "Logits of the explained pass",
              unit="logit", dims=("image", "class")),
        Field("mean_image", "float32", "Mean of the explained images, as a background",
              unit="grey value", dims=("size", "size")),
    ),
    attributes=(
        Field("task", "string", "The task: a label column of the cohort"),
        Field("name", "string", "Tells models of one task apart"),
        Field("classes", "string", "Classes in the order of the maps", dims=("class",)),
        Field("split", "string", "The split that was explained"),
        Field("method", "string", "Attribution method"),
        Field("layer", "string", "Name of the layer whose activations are weighted"),
        Field("input_size", "int32", "Side of the square input", unit="pixel"),
    ),
    example=_example_attributions,
    example_attributes={
        "task": "gender", "name": "main", "classes": ["F", "M"], "split": "test",
        "method": "gradcam", "layer": "layer4", "input_size": 32,
    },
)  # fmt: skip
