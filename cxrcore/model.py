"""A trained model by what it predicts of every image, and which others it belongs with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.evaluation.strata import is_labelled, validation_threshold, with_strata
from cxrcore.targets import inverse_frequency
from data_contracts.cohort import LABEL_PREFIX
from data_contracts.errors import ArtifactError
from data_contracts.model import UNTRAINED
from data_contracts.store import Table

#: Task and name: what tells a model from every other one.
ModelKey = tuple[str, str]


@dataclass(frozen=True)
class Model:
    """One trained model."""

    task: str
    name: str
    seed: int
    control: str
    kind: str
    """Of its target: classes, multi-label or value."""
    classes: tuple[str, ...]
    architecture: str
    settings: str
    """Everything that it was trained with but the seed, as text."""
    predictions: pl.DataFrame
    """PREDICTIONS with the strata of `strata.with_strata`."""
    history: pl.DataFrame
    """TRAINING_HISTORY."""

    @property
    def key(self) -> ModelKey:
        return self.task, self.name

    @property
    def columns(self) -> dict[str, Any]:
        """The columns by which every summary names a model."""
        return {"task": self.task, "name": self.name, "seed": self.seed, "control": self.control}

    @property
    def is_control(self) -> bool:
        return self.control != "none"

    @cached_property
    def threshold(self) -> float | None:
        return validation_threshold(self.predictions)

    @cached_property
    def prior_shift(self) -> NDArray[np.float64]:
        """(k,) to add to the logits of classes so that they have the prevalence of training.

        Training weights classes to equal shares, so its probabilities belong to a balanced
        world. The log ratio of the priors, that of the training split to the balanced one, undoes
        it (Elkan 2001; Saerens 2002, doi 10.1162/089976602753284446). 0 for a model that was not
        trained, or without training images.
        """
        counts = np.zeros(len(self.classes), dtype=np.int64)
        if self.kind == "classes" and self.control not in UNTRAINED:
            trained = self.labelled("train")["target"].to_numpy().astype(np.int64)
            counts = np.bincount(trained, minlength=len(self.classes))
        if not counts.any():
            return np.zeros(len(self.classes))
        return np.asarray(-np.log(inverse_frequency(counts)))

    def labelled(self, split: str) -> pl.DataFrame:
        """Its predictions of the images of a split whose target is known."""
        return self.predictions.filter((pl.col("split") == split) & is_labelled())


def models(
    predictions: Sequence[Table], histories: Sequence[Table], cohort: pl.DataFrame
) -> list[Model]:
    """The models behind these tables: tasks in the order of the cohort's labels, controls last.

    Raises `ArtifactError` for predictions without a training history, or that are no numbers.
    """
    history = {_key(t.header.attributes): t.frame for t in histories}
    found = []
    for table in predictions:
        facts, config = table.header.attributes, table.header.config
        if _key(facts) not in history:
            raise ArtifactError(
                f"{table.path} has no training history beside it; run "
                f"`cxr train-task --task {facts['task']} --name {facts['name']} --force`"
            )
        if bad := _not_finite(table.frame):
            raise ArtifactError(
                f"{table.path}: the predictions of {bad} images are not finite; run "
                f"`cxr train-task --task {facts['task']} --name {facts['name']} --force` "
                "at a lower learning rate"
            )
        settings = {k: v for k, v in config.items() if k not in ("name", "seed")}
        found.append(Model(
            facts["task"], facts["name"], facts["seed"], facts["control"], facts["target_kind"],
            tuple(facts["classes"]), str(config.get("architecture", "")),
            json.dumps(settings, sort_keys=True), with_strata(table.frame, cohort),
            history[_key(facts)],
        ))  # fmt: skip
    order = {c: i for i, c in enumerate(cohort.columns)}

    def place(model: Model) -> tuple[Any, ...]:
        of_task = order.get(LABEL_PREFIX + model.task, len(order)), model.task
        return (*of_task, model.is_control, model.name != "main", model.name)

    return sorted(found, key=place)


def _not_finite(predictions: pl.DataFrame) -> int:
    """Images whose logits or predicted value are not finite."""
    logits = pl.col("logits").list.eval(~pl.element().is_finite()).list.any()
    value = ~pl.col("predicted_value").is_finite()
    bad = logits.fill_null(False) | value.fill_null(False)
    return predictions.filter(bad).height


def groups(known: Sequence[Model]) -> dict[ModelKey, str]:
    """By model the first name among those that differ from it in the seed alone."""
    first: dict[tuple[str, str], str] = {}
    for model in known:
        first.setdefault((model.task, model.settings), model.name)
    return {model.key: first[model.task, model.settings] for model in known}


def primary(known: Sequence[Model]) -> dict[str, Model]:
    """By task the model that stands for it where one is shown: the first that is no control."""
    chosen: dict[str, Model] = {}
    for model in known:
        if not model.is_control:
            chosen.setdefault(model.task, model)
    return chosen


def _key(attributes: Mapping[str, Any]) -> ModelKey:
    return attributes["task"], attributes["name"]
