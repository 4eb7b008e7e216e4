"""What the levels of evidence are computed from, and the parts of it they are looked for in."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.associations.estimate import Adjustment
from cxrcore.covariates import design
from cxrcore.evaluation.bootstrap import patient_weights
from cxrcore.evaluation.strata import AGE_BANDS, with_strata
from cxrcore.evaluation.table import columns_of
from cxrcore.maps import ModelAttributions
from cxrcore.model import Model, ModelKey, groups, primary
from data_contracts.cohort import LABEL_PREFIX, SPLITS, tasks_of

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


#: Of each split, for what is fitted to features, judged by many erasers or compared image by image:
#: more patients make it slower, and hardly more certain.
MOST_PATIENTS = 10_000


@dataclass(frozen=True)
class Draws:
    """How many random draws each null is judged by."""

    surrogates: int = 4999
    """Moran surrogates of a map."""
    permutations: int = 999
    """Shuffles of the patients."""

    @property
    def costly(self) -> int:
        """Shuffles where each needs a pass over all images, or an eraser of its own."""
        return min(self.permutations, 499)


@dataclass(frozen=True)
class Images:
    """Some labelled test images of a model, or rows of the cohort where no model is involved."""

    frame: pl.DataFrame
    names: pl.Series
    """The patients of the resample weights, sorted."""

    @cached_property
    def subject(self) -> Indices:
        """(n,) column of each image's patient in the weights."""
        return columns_of(self.frame["subject_id"], self.names)

    @cached_property
    def band(self) -> Indices:
        """(n,) number of the age band; the last one: unknown."""
        band = self.frame["age_band"].replace_strict(
            {name: i for i, name in enumerate(AGE_BANDS)}, default=len(AGE_BANDS),
            return_dtype=pl.Int64,
        )  # fmt: skip
        return band.fill_null(len(AGE_BANDS)).to_numpy().astype(np.intp)

    def regressors(self, adjustment: Adjustment, *tasks: str) -> Floats:
        """Ones alone, or the covariates without the labels of `tasks`, which are compared.

        Within the classes of the first of them each class has covariates of its own.
        """
        if adjustment in ("crude", "matched"):
            return np.ones((self.frame.height, 1))
        found = design(self.frame, leave_out=[LABEL_PREFIX + task for task in tasks])
        if adjustment == "adjusted":
            return found
        inside = np.eye(len(self.categories(tasks[0])))[self.label(tasks[0])]
        crossed = (inside[:, :, None] * found[:, None, :]).reshape(len(found), -1)
        return np.asarray(crossed[:, crossed.any(axis=0)])

    def fewest(self, task: str) -> int | None:
        """Patients of the smallest class of a task among the images; None without such a label."""
        label = LABEL_PREFIX + task
        if label not in self.frame.columns:
            return None
        counts = self.frame.drop_nulls(label).group_by(label).agg(pl.col("subject_id").n_unique())
        return int(counts["subject_id"].min() or 0)  # type: ignore[arg-type]

    def label(self, task: str) -> Indices:
        """(n,) class of each image, which must be known."""
        return self.frame[LABEL_PREFIX + task].to_physical().to_numpy().astype(np.intp)

    def categories(self, task: str) -> list[str]:
        """Names of a task's classes."""
        return cast(pl.Enum, self.frame.schema[LABEL_PREFIX + task]).categories.to_list()

    def where(self, mask: NDArray[np.bool_]) -> Images:
        """Some of the images."""
        return replace(self, frame=self.frame.filter(mask))

    def of_few(self, seed: int) -> Images:
        """The images of a seeded choice of at most `MOST_PATIENTS` of each split."""
        rng, kept = np.random.default_rng([seed, *b"patients"]), list[pl.Series]()
        for split in SPLITS:
            patients = self.frame.filter(pl.col("split") == split)["subject_id"].unique().sort()
            rows = rng.permutation(len(patients))[:MOST_PATIENTS]
            kept.append(patients[np.sort(rows)])
        return self.where(self.frame["subject_id"].is_in(pl.concat(kept).implode()).to_numpy())

    def with_label(self, task: str) -> Images:
        """The images whose class of a task is known."""
        return replace(self, frame=self.frame.drop_nulls(LABEL_PREFIX + task))


@dataclass(frozen=True)
class Inputs:
    """Cohort, models and maps, the resamples of the test patients, and the settings."""

    reference: str
    cohort: pl.DataFrame
    models: Sequence[Model]
    attributions: Mapping[ModelKey, ModelAttributions]
    features: Callable[[ModelKey], NDArray[np.floating] | None]
    """Of a model the features (n, d) in the order of its predictions; None: there are none."""
    with_features: Container[ModelKey]
    """The models that have features."""
    names: pl.Series
    """The patients of the test split, sorted."""
    weights: NDArray[np.uint8]
    """(r, patients) their resamples."""
    reasons: Mapping[ModelKey, str]
    draws: Draws
    seed: int

    @cached_property
    def attributes(self) -> list[str]:
        """The other tasks that have labels, in the order of the cohort."""
        return [task for task in tasks_of(self.cohort.columns) if task != self.reference]

    @cached_property
    def primary(self) -> Mapping[str, Model]:
        """By task the model that stands for it."""
        return primary(self.models)

    @cached_property
    def cohort_images(self) -> Images:
        """Every image of the cohort, its patients in the order of `cohort_weights`."""
        new = with_strata(self.cohort.select("image_id"), self.cohort).select(
            "image_id", "age_band"
        )
        frame = self.cohort.join(new, on="image_id", how="left", maintain_order="left")
        return Images(frame, frame["subject_id"].unique().sort())

    @cached_property
    def cohort_weights(self) -> NDArray[np.uint8]:
        """As many resamples of all patients of the cohort as there are of the test patients."""
        patients = len(self.cohort_images.names)
        return patient_weights(patients, len(self.weights), self.seed, "cohort")

    def of_task(self, task: str) -> list[Model]:
        """The models of a task that predict classes; the primary one first."""
        found = [m for m in self.models if m.task == task and m.kind == "classes"]
        first = self.primary.get(task)
        return sorted(found, key=lambda m: m is not first)

    def trainings(self, task: str) -> list[Model]:
        """The primary model of a task and those that differ from it in the seed alone."""
        first, group = self.primary.get(task), groups(self.models)
        return [m for m in self.of_task(task) if first and group[m.key] == group[first.key]]

    def images(self, model: Model, predictions: pl.DataFrame) -> Images:
        """Some of a model's predictions with the columns of the cohort; `row` in its features."""
        new = [c for c in self.cohort.columns if c not in predictions.columns]
        order = model.predictions.select("image_id").with_row_index("row")
        joined = predictions.join(order, on="image_id", how="left", maintain_order="left").join(
            self.cohort.select("image_id", *new), on="image_id", how="left", maintain_order="left"
        )
        return Images(joined, self.names)

    def test_images(self, model: Model) -> Images:
        """The labelled test images of a model, with the columns of the cohort."""
        return self.images(model, model.labelled("test"))

    def pairs(self, usable: Container[ModelKey]) -> Iterator[tuple[str, Model, Model]]:
        """Attribute, reference network and other network of each comparison of two networks.

        The primary reference network meets every network of the other tasks and of its own;
        trainings that differ in the seed meet those of the same seed; controls of the reference
        meet the primary network of each attribute.
        """
        ours = [m for m in self.of_task(self.reference) if m.key in usable]
        first = self.primary.get(self.reference)
        if first is None or first not in ours:
            return
        of_seed = {m.seed: m for m in self.trainings(self.reference) if m in ours}
        for attribute in self.attributes:
            others = [m for m in self.of_task(attribute) if m.key in usable]
            trainings = self.trainings(attribute)
            for theirs in others:
                alone = theirs not in trainings or theirs is self.primary.get(attribute)
                yield attribute, first if alone else of_seed.get(theirs.seed, first), theirs
            if others and others[0] is self.primary.get(attribute):
                yield from ((attribute, m, others[0]) for m in ours if m.is_control)
        yield from ((self.reference, first, m) for m in ours if m is not first)
