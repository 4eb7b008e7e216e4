"""From a cohort's label column to the targets of one task."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data_contracts.cohort import LABEL_PREFIX, SPLITS, tasks_of
from data_contracts.errors import ArtifactError, SourceError, UsageError

UNLABELLED = -1


@dataclass(frozen=True)
class Targets:
    """What one task says of every image of a store, in the store's order."""

    task: str
    classes: tuple[str, ...]
    values: NDArray[np.int64]
    """(n,) index of the class, `UNLABELLED` where the task has no label."""
    splits: NDArray[np.str_]
    """(n,) train, val or test."""
    subjects: NDArray[np.str_]
    """(n,) patient."""

    def rows(self, split: str) -> NDArray[np.int64]:
        """Rows of a split that have a label."""
        return np.flatnonzero((self.splits == split) & (self.values != UNLABELLED))


def targets_of(cohort: pl.DataFrame, task: str, image_ids: Sequence[str]) -> Targets:
    """The targets of `task` for the images of a store.

    Raises `UsageError` for a task the cohort lacks, `SourceError` when a split lacks classes to
    learn from, and `ArtifactError` when the store holds images that the cohort does not know.
    """
    column = LABEL_PREFIX + task
    if column not in cohort.columns:
        tasks = tasks_of(cohort.columns)
        near = difflib.get_close_matches(task, tasks, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(tasks) or 'none'}"
        raise UsageError(f"--task {task}: the cohort has no such label; {hint}")
    dtype = cohort.schema[column]
    assert isinstance(dtype, pl.Enum)
    order = pl.DataFrame({"image_id": list(image_ids)}, schema={"image_id": pl.String})
    frame = order.join(cohort, on="image_id", how="left", maintain_order="left")
    if frame["split"].null_count():
        raise ArtifactError("the image store holds images of another cohort; run `cxr preprocess`")
    values = frame[column].to_physical().cast(pl.Int64).fill_null(UNLABELLED).to_numpy()
    targets = Targets(
        task=task,
        classes=tuple(dtype.categories.to_list()),
        values=values,
        splits=frame["split"].cast(pl.String).to_numpy().astype(np.str_),
        subjects=frame["subject_id"].to_numpy().astype(np.str_),
    )
    _refuse_missing_classes(targets)
    return targets


def predictions_frame(
    image_ids: Sequence[str], targets: Targets, logits: NDArray[np.float32]
) -> pl.DataFrame:
    """Logits (n, k) and their softmax beside the targets, as the predictions contract has it."""
    values = pl.Series(targets.values, dtype=pl.Int8)
    lists = pl.List(pl.Float32)
    return pl.DataFrame(
        {
            "image_id": list(image_ids),
            "subject_id": targets.subjects.tolist(),
            "split": pl.Series(targets.splits.tolist(), dtype=pl.Enum(SPLITS)),
            "target": values.set(values == UNLABELLED, None),
            "logits": pl.Series(logits.tolist(), dtype=lists),
            "probabilities": pl.Series(softmax(logits).tolist(), dtype=lists),
        }
    )


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float32)


def permuted(targets: Targets, seed: int) -> Targets:
    """The null model's targets: labels of train and val shuffled over images, test untouched."""
    rng = np.random.default_rng([seed, 0x5EED])
    values = targets.values.copy()
    for split in ("train", "val"):
        rows = targets.rows(split)
        values[rows] = values[rng.permutation(rows)]
    return Targets(targets.task, targets.classes, values, targets.splits, targets.subjects)


def class_weights(targets: Targets) -> NDArray[np.float32]:
    """Weight of each class in the training loss: inverse to its frequency, mean 1 over images."""
    counts = np.bincount(targets.values[targets.rows("train")], minlength=len(targets.classes))
    weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
    return np.asarray(weights, dtype=np.float32)


def _refuse_missing_classes(targets: Targets) -> None:
    for split in SPLITS:
        counts = np.bincount(targets.values[targets.rows(split)], minlength=len(targets.classes))
        present = int((counts > 0).sum())
        if split == "train" and present < len(targets.classes):
            listed = ", ".join(f"{c} {n}" for c, n in zip(targets.classes, counts, strict=True))
            raise SourceError(
                f"label_{targets.task} cannot be trained: the train split has {listed} images; "
                "widen the cohort or leave this task out"
            )
        if not counts.sum():
            raise SourceError(
                f"label_{targets.task}: the {split} split has no labelled image; widen the cohort"
            )
