"""Models, maps and cohort brought together: what the summary artifacts hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore import comparison, evaluation
from cxrcore.bootstrap import Advance, part_of
from data_contracts.cohort import LABEL_PREFIX
from data_contracts.errors import ArtifactError
from data_contracts.store import Arrays, Table

#: For each split its subjects, sorted, and their resample weights (replicates, subjects).
Resamples = Mapping[str, tuple[pl.Series, NDArray[np.uint8]]]


@dataclass(frozen=True)
class Model:
    """One trained model by what it says of every image."""

    task: str
    name: str
    classes: tuple[str, ...]
    predictions: pl.DataFrame
    """PREDICTIONS with the strata of `evaluation.with_strata`."""
    history: pl.DataFrame
    """TRAINING_HISTORY."""


@dataclass(frozen=True)
class Summary:
    """What the summary artifacts hold."""

    metrics: pl.DataFrame
    heatmaps: Mapping[str, Any]
    associations: pl.DataFrame
    left_out: int
    """Replicates without a value, over all metrics."""


def models(
    predictions: Sequence[Table], histories: Sequence[Table], cohort: pl.DataFrame
) -> list[Model]:
    """The models behind these tables, in the order of the cohort's labels.

    Raises `ArtifactError` for predictions without a training history.
    """
    history = {t.header.attributes["task"]: t.frame for t in histories}
    found = []
    for table in predictions:
        facts = table.header.attributes
        if facts["task"] not in history:
            raise ArtifactError(
                f"{table.path} has no training history beside it; "
                f"run `cxr train-task --task {facts['task']} --force`"
            )
        strata = evaluation.with_strata(table.frame, cohort)
        classes = tuple(facts["classes"])
        found.append(Model(facts["task"], facts["name"], classes, strata, history[facts["task"]]))
    order = {c: i for i, c in enumerate(cohort.columns)}
    return sorted(found, key=lambda m: (order.get(LABEL_PREFIX + m.task, len(order)), m.task))


def _require_test_split(maps: Sequence[Arrays]) -> None:
    for one in maps:
        if one.header.attributes["split"] != "test":
            raise ArtifactError(
                f"{one.path} explains the {one.header.attributes['split']} split; "
                "run `cxr explain --split test` for this task"
            )


def views(maps: Sequence[Arrays], known: Sequence[Model]) -> dict[str, comparison.Explained]:
    """The maps of each task beside its predictions, in the order of `known`.

    Raises `ArtifactError` when maps and predictions do not fit, or the grids differ.
    """
    files = {m.header.attributes["task"]: m for m in maps}
    found = {
        model.task: comparison.explained(
            model.task, model.name, model.classes, model.predictions,
            files[model.task].read("image_id").tolist(), _reader(files[model.task]),
            files[model.task].shape("cam"),
        )
        for model in known
        if model.task in files
    }  # fmt: skip
    comparison.one_grid(list(found.values()))
    return found


def _reader(arrays: Arrays) -> Callable[[int, int], NDArray[Any]]:
    return lambda start, stop: arrays.read("cam", slice(start, stop))


def metrics(known: Sequence[Model], drawn: Resamples, advance: Advance) -> tuple[pl.DataFrame, int]:
    """METRICS of all models, and how many replicates were left out in all."""
    frames, left_out = [], 0
    for model in known:
        frame, missing = evaluation.evaluate(
            model.task, model.name, model.classes, model.predictions, drawn,
            part_of(advance, 1 / len(known)),
        )  # fmt: skip
        frames.append(frame)
        left_out += missing
    return pl.concat(frames), left_out


def heatmaps(
    found: Mapping[str, comparison.Explained],
    background: NDArray[np.floating],
    advance: Advance,
) -> dict[str, Any]:
    """MEAN_HEATMAPS of all tasks, by dataset; `background` is the mean radiograph."""
    rows = []
    for one in found.values():
        rows += comparison.heatmap_rows(one)
        advance(1 / len(found))
    grid = next(iter(found.values())).shape[2:]
    maps = {
        n: np.array([r[n] for r in rows], np.float32).reshape(-1, *grid)
        for n in ("mean", "contrast", "sd")
    }
    text = {n: [r[n] for r in rows] for n in ("task", "model", "class", "stratum", "level")}
    counts = {n: np.array([r[n] for r in rows], dtype=np.int64) for n in ("images", "subjects")}
    return text | maps | counts | {"mean_image": background}


def summarise(
    cohort: pl.DataFrame,
    known: Sequence[Model],
    maps: Sequence[Arrays],
    reference: str,
    replicates: int,
    seed: int,
    advance: Advance,
) -> Summary:
    """Measure every model, average its maps, and compare tasks with `reference`.

    `maps` are the attributions, open. Raises `ArtifactError` when predictions and maps do not
    fit, or maps have different grids or explain another split than test.
    """
    _require_test_split(maps)
    drawn = evaluation.split_weights([m.predictions for m in known], replicates, seed)
    found = views(maps, known)
    measured, left_out = metrics(known, drawn, part_of(advance, 0.8))
    averaged = heatmaps(found, maps[0].read("mean_image"), part_of(advance, 0.1))
    compared = comparison.associations(
        reference, cohort, found, drawn["test"], seed, part_of(advance, 0.1)
    )
    return Summary(measured, averaged, compared, left_out)


def heatmap_records(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """MEAN_HEATMAPS as one record per heatmap."""
    names = [n for n in arrays if n != "mean_image"]
    return [{n: arrays[n][i] for n in names} for i in range(len(arrays["task"]))]
