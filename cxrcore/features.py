"""Features of networks, read in the order of their predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cxrcore.model import Model, ModelKey
from data_contracts.errors import ArtifactError
from data_contracts.store import Arrays


def features_of(
    artifacts: Sequence[Arrays], known: Sequence[Model]
) -> Callable[[ModelKey], NDArray[np.floating] | None]:
    """Reads a model's features (n, d) in the order of its predictions, None if there are none."""
    facts = [arrays.header.attributes for arrays in artifacts]
    by_key = {(f["task"], f["name"]): a for f, a in zip(facts, artifacts, strict=True)}
    predictions = {model.key: model.predictions for model in known}
    finite = set[ModelKey]()

    def read(key: ModelKey) -> NDArray[np.floating] | None:
        if (arrays := by_key.get(key)) is None:
            return None
        task, name = key
        again = f"run `cxr train-task --task {task} --name {name} --force`"
        images, wanted = arrays.read("image_id").tolist(), predictions[key]["image_id"].to_list()
        found = arrays.read("features")
        if images != wanted:
            rows = {image: row for row, image in enumerate(images)}
            if missing := sum(image not in rows for image in wanted):
                raise ArtifactError(
                    f"the features of {task} ({name}) lack {missing} of {len(wanted)} images of "
                    f"its predictions; {again}"
                )
            found = found[[rows[image] for image in wanted]]
        if key not in finite:
            if bad := int((~np.isfinite(found)).any(axis=1).sum()):
                raise ArtifactError(
                    f"the features of {task} ({name}) are not finite for {bad} of {len(found)} "
                    f"images; {again}"
                )
            finite.add(key)
        return found

    return read
