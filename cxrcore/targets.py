"""From a column of the cohort to the targets of one task: the classes of a label, or a value."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.permutation import PatientPermutations
from data_contracts.cohort import LABEL_PREFIX, SPLITS, tasks_of
from data_contracts.errors import ArtifactError, SourceError, UsageError
from data_contracts.predictions import PREDICTIONS

UNLABELLED = -1


@dataclass(frozen=True)
class Targets:
    """What one task says of every image of a store, in the store's order."""

    task: str
    classes: tuple[str, ...]
    """Names of the network's outputs: the classes, or the value's own name."""
    values: NDArray[Any]
    """(n,) index of the class, `UNLABELLED` where there is none; or the value, then NaN."""
    splits: NDArray[np.str_]
    """(n,) train, val or test."""
    subjects: NDArray[np.str_]
    """(n,) patient."""
    kind: Literal["classes", "value"] = "classes"

    @cached_property
    def is_labelled(self) -> NDArray[np.bool_]:
        """(n,) whether the target of an image is known."""
        known = np.isfinite(self.values) if self.kind == "value" else self.values != UNLABELLED
        return np.asarray(known)

    def rows(self, split: str) -> NDArray[np.int64]:
        """Rows of a split that have a label."""
        return np.flatnonzero((self.splits == split) & self.is_labelled)

    @cached_property
    def scale(self) -> tuple[float, float]:
        """Mean and standard deviation of a value over the training images."""
        known = self.values[self.rows("train")].astype(np.float64)
        return float(known.mean()), float(known.std())

    def standardised(self) -> NDArray[np.float32]:
        """(n,) a value less its mean, over its standard deviation."""
        mean, sd = self.scale
        return np.asarray((self.values - mean) / sd, dtype=np.float32)


def targets_of(cohort: pl.DataFrame, task: str, image_ids: Sequence[str]) -> Targets:
    """The targets of `task` for the images of a store: a label, or a number such as `age`.

    Raises `UsageError` for a task the cohort lacks, `SourceError` when a split lacks what is
    needed to learn, and `ArtifactError` when the store holds images that the cohort does not know.
    """
    column = LABEL_PREFIX + task
    numbers = [c for c, t in cohort.schema.items() if t.is_numeric()]
    if column not in cohort.columns and task not in numbers:
        tasks = [*tasks_of(cohort.columns), *numbers]
        near = difflib.get_close_matches(task, tasks, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(tasks) or 'none'}"
        raise UsageError(f"--task {task}: the cohort has no such label; {hint}")
    order = pl.DataFrame({"image_id": list(image_ids)}, schema={"image_id": pl.String})
    frame = order.join(cohort, on="image_id", how="left", maintain_order="left")
    if frame["split"].null_count():
        raise ArtifactError("the image store holds images of another cohort; run `cxr preprocess`")
    splits = frame["split"].cast(pl.String).to_numpy().astype(np.str_)
    subjects = frame["subject_id"].to_numpy().astype(np.str_)
    if column in cohort.columns:
        classes, values = _classes(frame[column])
        targets = Targets(task, classes, values, splits, subjects)
        _require_classes(targets)
    else:
        known = frame[task].cast(pl.Float32).fill_null(np.nan).to_numpy()
        targets = Targets(task, (task,), known, splits, subjects, "value")
        _require_values(targets)
    return targets


def _classes(label: pl.Series) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The classes of a label column, and each row's index in them."""
    assert isinstance(label.dtype, pl.Enum)
    values = label.to_physical().cast(pl.Int64).fill_null(UNLABELLED).to_numpy()
    return tuple(label.dtype.categories.to_list()), values


def predictions_frame(
    image_ids: Sequence[str], targets: Targets, outputs: NDArray[np.float32]
) -> pl.DataFrame:
    """Outputs (n, k) beside the targets, as the predictions contract has it."""
    n, lists = len(image_ids), pl.List(pl.Float32)
    classes = targets.kind == "classes"
    known = pl.Series(targets.is_labelled)
    columns = {
        "target": pl.Series(targets.values, dtype=pl.Int8) if classes else None,
        "value": None if classes else pl.Series(targets.values, dtype=pl.Float32),
        "logits": pl.Series(outputs.tolist(), dtype=lists) if classes else None,
        "probabilities": pl.Series(softmax(outputs).tolist(), dtype=lists) if classes else None,
        "predicted_value": None if classes else pl.Series(_unscaled(targets, outputs)),
    }
    frame = pl.DataFrame(
        {
            "image_id": list(image_ids),
            "subject_id": targets.subjects.tolist(),
            "split": pl.Series(targets.splits.tolist(), dtype=pl.Enum(SPLITS)),
        }
    )
    types = pl.DataFrame(PREDICTIONS.example()).schema
    frame = frame.with_columns(
        pl.Series(name, [None] * n if c is None else c, dtype=types[name])
        for name, c in ({"labels": None} | columns).items()
    )
    return frame.with_columns(pl.when(known).then(pl.col("target", "value")))


def _unscaled(targets: Targets, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """A value's outputs (n, 1) in the unit of its column: (n,)."""
    mean, sd = targets.scale
    return np.asarray(outputs[:, 0] * sd + mean, dtype=np.float32)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float32)


def permuted(targets: Targets, seed: int) -> Targets:
    """The null model's targets: labels of train and val shuffled over patients, test untouched.

    A patient's images keep one label sequence together (`PatientPermutations`).
    """
    rng = np.random.default_rng([seed, 0x5EED])
    values = targets.values.copy()
    for split in ("train", "val"):
        rows = targets.rows(split)
        values[rows] = values[rows[PatientPermutations(targets.subjects[rows]).draw(rng)]]
    return replace(targets, values=values)


def class_weights(targets: Targets) -> NDArray[np.float32]:
    """Weight of each class in the training loss: inverse to its frequency, mean 1 over images."""
    counts = np.bincount(targets.values[targets.rows("train")], minlength=len(targets.classes))
    return inverse_frequency(counts).astype(np.float32)


def inverse_frequency(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weights n / (k n_c) of k classes, from their images n_c and all n."""
    return np.asarray(counts.sum() / (len(counts) * np.maximum(counts, 1)))


def _require_classes(targets: Targets) -> None:
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


def _require_values(targets: Targets) -> None:
    for split in SPLITS:
        if not len(targets.rows(split)):
            raise SourceError(
                f"{targets.task}: the {split} split has no image with a value; widen the cohort"
            )
    if targets.scale[1] == 0:
        raise SourceError(f"{targets.task} is the same in all training images; nothing to learn")
