"""What `explain` writes: raw attribution maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.model import TARGET_KINDS
from data_contracts.vocabulary import Check, Contract, Field, Upgrade

if TYPE_CHECKING:
    from data_contracts.header import Header

#: Where the lungs lie in the common frame that images and maps are aligned to: top, left, bottom,
#: right, as shares of the side. Part of the contract: what is stored was moved to it.
LUNG_FRAME = (0.15, 0.15, 0.80, 0.85)


def _boxes_lie_inside(arrays: Any) -> bool:
    import numpy as np

    if "lung_box" not in arrays:
        return True
    box = arrays["lung_box"][()]
    top, left, bottom, right = box[np.isfinite(box).all(axis=1)].T
    return bool(
        ((top >= 0) & (left >= 0) & (top < bottom) & (left < right)).all()
        and (bottom <= 1).all()
        and (right <= 1).all()
    )


def _attributes_from_1(header: Header) -> dict[str, Any]:
    return {"target_kind": "classes", "unit": "logit per cell"} | header.attributes


def _example_attributions() -> dict[str, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    n = 4
    return {
        "image_id": [f"image{i:02d}" for i in range(8, 8 + n)],
        "maps": rng.normal(size=(n, 2, 3, 3)).astype(np.float16),
        "outputs": rng.normal(size=(n, 2)).astype(np.float32),
        "mean_image": rng.uniform(0, 255, size=(32, 32)).astype(np.float32),
        "lung_box": np.array([[0.2, 0.1, 0.8, 0.9]] * (n - 1) + [[np.nan] * 4], dtype=np.float32),
        "aligned_mean_image": rng.uniform(0, 255, size=(32, 32)).astype(np.float32),
    }


ATTRIBUTIONS = Contract(
    name="attributions",
    version="2.1",
    kind="arrays",
    path_template="models/{task}/{name}/attributions-{method}-{split}.h5",
    description=(
        "Raw attribution maps of every output, before ReLU, scaling and up-sampling, for one split"
    ),
    fields=(
        Field("image_id", "string", "Key into the cohort", dims=("image",)),
        Field("maps", "float16", "What each cell adds to the output, signed",
              unit="see the attribute unit", dims=("image", "class", "row", "column")),
        Field("outputs", "float32", "Outputs of the explained pass: logits, or the value",
              unit="logit, or unit of the value", dims=("image", "class")),
        Field("mean_image", "float32", "Mean of the explained images, as a background",
              unit="grey value", dims=("size", "size")),
        Field("lung_box", "float32",
              "Box around both lungs of each image: top, left, bottom, right; NaN: none was found",
              unit="share of the side", dims=("image", "4"), nullable=True),
        Field("aligned_mean_image", "float32",
              "Mean of the images with a lung box, each moved so that the box lies from "
              f"{LUNG_FRAME[0]:.2f} to {LUNG_FRAME[2]:.2f} of the side from the top and from "
              f"{LUNG_FRAME[1]:.2f} to {LUNG_FRAME[3]:.2f} from the left; NaN: there is none",
              unit="grey value", dims=("size", "size"), nullable=True),
    ),
    attributes=(
        Field("task", "string", "The task: a label of the cohort, or a column with a value"),
        Field("name", "string", "Distinguishes models of the same task"),
        Field("target_kind", "enum", "What the network predicts", categories=TARGET_KINDS),
        Field("classes", "string", "Names of the outputs in the order of the maps",
              dims=("class",)),
        Field("split", "string", "The split that was explained"),
        Field("method", "string", "Attribution method"),
        Field("layer", "string", "Name of the layer whose activations are weighted"),
        Field("unit", "string", "Unit of the maps"),
        Field("input_size", "int32", "Side of the square input", unit="pixel"),
    ),
    example=_example_attributions,
    example_attributes={
        "task": "gender", "name": "main", "target_kind": "classes", "classes": ["F", "M"],
        "split": "test", "method": "gradcam", "layer": "layer4", "unit": "logit per cell",
        "input_size": 32,
    },
    checks=(Check("lung boxes lie inside the square", _boxes_lie_inside),),
    upgrades={
        "1": Upgrade(
            _attributes_from_1,
            renamed={"maps": "cam", "outputs": "logits"},
            path_template="models/{task}/{name}/attributions.h5",
            keys={"method": "gradcam", "split": "test"},
        )
    },
)  # fmt: skip
