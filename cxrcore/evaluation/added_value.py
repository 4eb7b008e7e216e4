"""What an image adds to what is known without it: age, gender and view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.covariates import CATEGORIES, design
from cxrcore.evaluation.delong import interval, macro_auroc_influence, p_of
from cxrcore.evaluation.strata import log_odds, matrix
from cxrcore.model import Model
from data_contracts.added_value import QUANTITIES
from data_contracts.cohort import LABEL_PREFIX

Floats = NDArray[np.float64]
Row = dict[str, Any]


def added_value(model: Model, cohort: pl.DataFrame) -> list[Row]:
    """Rows of ADDED_VALUE of one network before anything is suppressed; none without classes.

    A logistic regression on metadata is fitted to the training split. A second one, of its log
    odds and the network's logits, is fitted to the validation split, which the network was not
    trained on. Both are judged on the test split by the AUROC, macro beyond two classes; their
    intervals and the p of no gain follow from DeLong's variance over patients.
    """
    if model.kind != "classes":
        return []
    own = LABEL_PREFIX + model.task
    known = [c for c in ("age", *CATEGORIES) if c in cohort.columns and c != own]
    new = [c for c in cohort.columns if c not in model.predictions.columns]
    images = model.predictions.drop_nulls("target").join(
        cohort.select("image_id", *new), on="image_id", how="left", maintain_order="left"
    )
    facts = model.columns | {"metadata": ", ".join(c.removeprefix(LABEL_PREFIX) for c in known)}
    split = images["split"].cast(pl.String).to_numpy()
    target = images["target"].to_numpy().astype(np.intp)
    test = images.filter(split == "test")
    subject = np.unique(test["subject_id"].to_numpy(), return_inverse=True)[1]
    counts = {"images": test.height, "subjects": test["subject_id"].n_unique()}
    if reason := _too_few(split, target, images["subject_id"].to_numpy(), model.classes):
        return [facts | counts | _row(q) | {"reason": reason} for q in QUANTITIES]
    metadata = _fitted(design(images, [own]), target, split == "train")
    stacked = np.column_stack([metadata, matrix(images["logits"])])
    both = _fitted(stacked, target, split == "val")
    held = split == "test"
    measured = _compared(metadata[held], both[held], target[held], subject)
    return [facts | counts | row for row in measured]


def _row(quantity: str, value: float | None = None, **numbers: float | None) -> Row:
    empty = {"low": None, "high": None, "p": None, "reason": None}
    return {"quantity": quantity, "value": value} | empty | numbers


def _too_few(
    split: NDArray[Any], target: NDArray[np.intp], subject: NDArray[Any], classes: Sequence[str]
) -> str:
    for part in ("train", "val", "test"):
        for c, name in enumerate(classes):
            if len(np.unique(subject[(split == part) & (target == c)])) < 2:
                return f"fewer than two {part} patients of class {name}"
    return ""


def _fitted(x: Floats, target: NDArray[np.intp], fit: NDArray[np.bool_]) -> Floats:
    """Log odds (n, k) of every image by a logistic regression on the images in `fit`."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    regression.fit(x[fit], target[fit])
    return log_odds(regression.predict_log_proba(x))


def _compared(
    metadata: Floats, both: Floats, target: NDArray[np.intp], subject: NDArray[np.intp]
) -> list[Row]:
    (base, own), (more, its) = (
        macro_auroc_influence(odds, target, subject) for odds in (metadata, both)
    )
    gain, change = more - base, its - own
    return [
        _row(QUANTITIES[0], base, **interval(base, own, 0)),
        _row(QUANTITIES[1], more, **interval(more, its, 0)),
        _row(QUANTITIES[2], gain, **interval(gain, change, -1), p=p_of(gain, change)),
    ]
