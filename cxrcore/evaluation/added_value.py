"""What an image adds to what is known without it: age, gender and view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.covariates import CATEGORIES, design
from cxrcore.evaluation.delong import interval, macro_auroc_influence, p_of
from cxrcore.evaluation.strata import log_odds, matrix
from cxrcore.model import Model
from data_contracts.added_value import METADATA_PREDICTIONS, QUANTITIES
from data_contracts.cohort import LABEL_PREFIX

Floats = NDArray[np.float64]
Row = dict[str, Any]


@dataclass(frozen=True)
class Baseline:
    """What metadata alone say of a task."""

    metadata: tuple[str, ...]
    """The columns of the cohort that it knows."""
    images: pl.DataFrame
    """Labelled images with the columns of the cohort."""
    log_odds: Floats | None
    """(n, k) of each class against the rest; None: not fitted."""
    reason: str
    """Why it was not fitted; empty: it was."""


def metadata_baseline(model: Model, cohort: pl.DataFrame) -> Baseline | None:
    """A logistic regression on metadata, fitted to the training split of a network's images.

    None where the task has no classes. It depends on the images and their labels alone, so it is
    the same for every network of a task.
    """
    if model.kind != "classes":
        return None
    own = LABEL_PREFIX + model.task
    known = [c for c in ("age", *CATEGORIES) if c in cohort.columns and c != own]
    new = [c for c in cohort.columns if c not in model.predictions.columns]
    labelled = model.predictions.drop_nulls("target")
    images = labelled.select("image_id", "subject_id", "split", "target").join(
        cohort.select("image_id", *new), on="image_id", how="left", maintain_order="left"
    )
    split = images["split"].cast(pl.String).to_numpy()
    target = images["target"].to_numpy().astype(np.intp)
    reason = _too_few(split, target, images["subject_id"].to_numpy(), model.classes)
    odds = None if reason else _fitted(design(images, [own]), target, split == "train")
    return Baseline(tuple(c.removeprefix(LABEL_PREFIX) for c in known), images, odds, reason)


def metadata_predictions(baselines: Mapping[str, Baseline]) -> pl.DataFrame:
    """Content of METADATA_PREDICTIONS from the fitted baselines by task."""
    parts = [
        baseline.images.select(
            pl.lit(task).alias("task"), "image_id", "subject_id", "split", "target",
            pl.Series("log_odds", baseline.log_odds.tolist(), dtype=pl.List(pl.Float32)),
        )
        for task, baseline in baselines.items()
        if baseline.log_odds is not None
    ]  # fmt: skip
    schema = pl.DataFrame(METADATA_PREDICTIONS.example()).schema
    return pl.concat([pl.DataFrame(schema=schema), *(part.cast(schema) for part in parts)])


def added_value(model: Model, baseline: Baseline) -> list[Row]:
    """Rows of ADDED_VALUE of one network before anything is suppressed.

    A second logistic regression, of the baseline's log odds and the network's logits, is fitted to
    the validation split, which the network was not trained on. Both are judged on the test split
    by the AUROC, macro beyond two classes; their intervals and the p of no gain follow from
    DeLong's variance over patients.
    """
    images, metadata = baseline.images, baseline.log_odds
    split = images["split"].cast(pl.String).to_numpy()
    test = images.filter(split == "test")
    counts = {"images": test.height, "subjects": test["subject_id"].n_unique()}
    facts = model.columns | {"metadata": ", ".join(baseline.metadata)} | counts
    if metadata is None:
        return [facts | _row(q) | {"reason": baseline.reason} for q in QUANTITIES]
    target = images["target"].to_numpy().astype(np.intp)
    logits = images.select("image_id").join(
        model.predictions.select("image_id", "logits"), on="image_id", how="left",
        maintain_order="left",
    )  # fmt: skip
    stacked = np.column_stack([metadata, matrix(logits["logits"])])
    both = _fitted(stacked, target, split == "val")
    subject = np.unique(test["subject_id"].to_numpy(), return_inverse=True)[1]
    held = split == "test"
    return [facts | row for row in _compared(metadata[held], both[held], target[held], subject)]


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
