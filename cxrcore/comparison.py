"""From maps and labels to the rows of MEAN_HEATMAPS and ASSOCIATIONS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore import association
from cxrcore.bootstrap import (
    Advance,
    correlation_interval,
    image_weights,
    part_of,
    patient_weights,
    percentile_interval,
)
from cxrcore.evaluation import AGE_BANDS, columns_of, log_odds, matrix, validation_threshold
from cxrcore.heatmaps import ReadMaps, stratum_maps
from cxrcore.metrics import weighted_mean
from data_contracts.cohort import LABEL_PREFIX, VIEWS
from data_contracts.errors import ArtifactError
from data_contracts.summary import LAYERS_OF_EVIDENCE, SMALLEST_CELL

Weights = NDArray[np.uint8]
OUTCOMES = ("true_positive", "false_positive", "false_negative", "true_negative")


@dataclass(frozen=True)
class Explained:
    """One model's maps on the labelled images of its explained split."""

    task: str
    model: str
    classes: tuple[str, ...]
    images: pl.DataFrame
    """Predictions with strata, a row per labelled image; `row` is its row in the maps."""
    read: ReadMaps
    shape: tuple[int, ...]
    """Of all maps: (n, k, h, w)."""
    threshold: float | None

    def maps(self, rows: NDArray[np.intp]) -> tuple[ReadMaps, tuple[int, ...]]:
        """Reader and shape of the maps of `rows`, in that order."""

        def read(start: int, stop: int) -> NDArray[np.floating]:
            wanted = rows[start:stop]
            first = int(wanted.min())
            return self.read(first, int(wanted.max()) + 1)[wanted - first]

        return read, (len(rows), *self.shape[1:])


def explained(
    task: str,
    model: str,
    classes: Sequence[str],
    predictions: pl.DataFrame,
    image_ids: Sequence[str],
    read: ReadMaps,
    shape: tuple[int, ...],
) -> Explained:
    """Bring maps and predictions together by image; images without a label are left out.

    `predictions` carry the strata of `evaluation.with_strata`. Raises `ArtifactError` when
    maps and predictions do not have the same images or classes.
    """
    rows = pl.DataFrame({"image_id": list(image_ids), "row": np.arange(len(image_ids))})
    found = rows.join(predictions, on="image_id", how="inner", maintain_order="left")
    if found.height != len(image_ids) or shape[1] != len(classes):
        raise ArtifactError(
            f"the attributions of {task} ({model}) do not fit its predictions "
            f"({found.height} of {len(image_ids)} images found, {shape[1]} maps for {len(classes)} "
            f"classes); run `cxr explain --task {task} --name {model} --force`"
        )
    labelled = found.filter(pl.col("target").is_not_null())
    threshold = validation_threshold(predictions)
    return Explained(task, model, tuple(classes), labelled, read, shape, threshold)


def one_grid(everything: Sequence[Explained]) -> None:
    """Raise `ArtifactError` unless all maps have the same resolution: cells are compared."""
    grids = {e.task: "×".join(map(str, e.shape[2:])) for e in everything}
    if len(set(grids.values())) > 1:
        listed = ", ".join(f"{task} {grid}" for task, grid in grids.items())
        raise ArtifactError(
            f"the attributions have different grids ({listed}), which cannot be compared by cell; "
            "train and explain the tasks with one architecture, input size and output stride"
        )


def heatmap_rows(one: Explained) -> list[dict[str, Any]]:
    """A MEAN_HEATMAPS row per stratum, level and class, with mean, contrast and sd (h, w).

    Strata: all; true_class; outcome (two classes, at the threshold chosen on validation);
    view; age_band. Maps of fewer than `SMALLEST_CELL` patients are NaN.
    """
    images = one.images
    target = images["target"].to_numpy().astype(np.intp)
    subject = images["subject_id"].rank("dense").to_numpy().astype(np.intp)
    cells = [c for c in _strata(one, target) if c[2].any()]
    if not cells:
        return []
    read, shape = one.maps(images["row"].to_numpy())
    found = stratum_maps(
        read, shape, target, np.stack([c[2] for c in cells]), subject, SMALLEST_CELL
    )
    return [
        {
            "task": one.task, "model": one.model, "class": name, "stratum": stratum, "level": level,
            "mean": maps.mean[c], "contrast": maps.contrast[c], "sd": maps.sd[c],
            "images": int(inside.sum()), "subjects": len(np.unique(subject[inside])),
        }
        for (stratum, level, inside), maps in zip(cells, found, strict=True)
        for c, name in enumerate(one.classes)
    ]  # fmt: skip


def _strata(one: Explained, target: NDArray[np.intp]) -> list[tuple[str, str, NDArray[np.bool_]]]:
    cells = [("all", "all", np.ones(len(target), dtype=bool))]
    cells += [("true_class", name, target == c) for c, name in enumerate(one.classes)]
    if one.threshold is not None and len(target):
        called = log_odds(matrix(one.images["logits"]))[:, 1] >= one.threshold
        truth = target == 1
        inside = (truth & called, ~truth & called, truth & ~called, ~truth & ~called)
        cells += [("outcome", level, i) for level, i in zip(OUTCOMES, inside, strict=True)]
    for variable, levels in (("view", VIEWS), ("age_band", AGE_BANDS)):
        column = one.images[variable].cast(pl.String)
        cells += [(variable, v, (column == v).fill_null(False).to_numpy()) for v in levels]
    return cells


def attention_rows(
    reference: Explained, attribute: Explained, names: pl.Series, weights: Weights, advance: Advance
) -> list[dict[str, Any]]:
    """ASSOCIATIONS rows of the layer 'attention', over images with a map and a label for both.

    `names` are the subjects of the columns of `weights`.
    """
    both = reference.images.select("image_id", "subject_id", "row", "target").join(
        attribute.images.select("image_id", "row", "target"), on="image_id", maintain_order="left"
    )
    subject = columns_of(both["subject_id"], names)
    subjects = len(np.unique(subject))
    if subjects < SMALLEST_CELL:
        advance(1)
        return [
            _row(reference.task, attribute.task, "attention", "pearson_of_contrast_maps", subjects)
        ]
    a = association.Maps(*reference.maps(both["row"].to_numpy()), _indices(both["target"]))
    b = association.Maps(
        *attribute.maps(both["row_right"].to_numpy()), _indices(both["target_right"])
    )
    whole = np.ones((1, weights.shape[1]), dtype=np.uint8)
    values = association.similarity(a, b, whole, subject)
    images = association.per_image_similarity(a, b)
    advance(0.5)
    resampled = association.similarity(a, b, weights, subject)
    advance(0.5)
    varies = np.isfinite(images)
    if varies.any():
        values["pearson_per_image"] = images[varies].mean(keepdims=True)
        blocks = image_weights(weights, subject[varies])
        resampled["pearson_per_image"] = np.concatenate(
            [weighted_mean(images[varies], w) for w in blocks]
        )
    return [
        _row(reference.task, attribute.task, "attention", name, subjects, value[0], resampled[name])
        for name, value in values.items()
    ]


def label_row(
    reference: str, attribute: str, cohort: pl.DataFrame, replicates: int, seed: int
) -> dict[str, Any]:
    """The ASSOCIATIONS row of the layer 'label': Cramér's V over all patients with both labels."""
    columns = [LABEL_PREFIX + reference, LABEL_PREFIX + attribute]
    both = cohort.select("subject_id", *columns).drop_nulls()
    names = both["subject_id"].unique().sort()
    if len(names) < SMALLEST_CELL:
        return _row(reference, attribute, "label", "cramers_v", len(names))
    subject = columns_of(both["subject_id"], names)
    a, b = (both[c].to_physical().to_numpy().astype(np.intp) for c in columns)
    shape = (int(a.max()) + 1, int(b.max()) + 1)
    whole = np.ones((1, len(names)), dtype=np.uint8)
    drawn = patient_weights(len(names), replicates, seed, "cohort")
    value = association.cramers_v(association.label_tables(a, b, shape, whole, subject))
    tables = association.label_tables(a, b, shape, drawn, subject)
    resampled = association.cramers_v(tables, corrections=2)
    return _row(reference, attribute, "label", "cramers_v", len(names), value[0], resampled)


def associations(
    reference: str,
    cohort: pl.DataFrame,
    everything: Mapping[str, Explained],
    drawn: tuple[pl.Series, Weights],
    seed: int,
    advance: Advance,
) -> pl.DataFrame:
    """All rows of ASSOCIATIONS: every other label and every other task with maps, in order.

    Empty when the cohort does not label `reference`. No null model is tested: `p`, `p_holm`
    and `null` are null. `drawn` are the subjects of the explained split and their resample
    weights.
    """
    names, weights = drawn
    rows: list[dict[str, Any]] = []
    if LABEL_PREFIX + reference in cohort.columns:
        others = [
            c.removeprefix(LABEL_PREFIX) for c in cohort.columns if c.startswith(LABEL_PREFIX)
        ]
        for task in (t for t in others if t != reference):
            rows.append(label_row(reference, task, cohort, len(weights), seed))
    others = [task for task in everything if reference in everything and task != reference]
    for task in others:
        each = part_of(advance, 1 / len(others))
        rows += attention_rows(everything[reference], everything[task], names, weights, each)
    if not others:
        advance(1)
    numbers = dict.fromkeys(("value", "low", "high", "p", "p_holm"), pl.Float64)
    text = dict.fromkeys(("reference", "attribute", "statistic", "null"), pl.String)
    layer = {"layer_of_evidence": pl.Enum(LAYERS_OF_EVIDENCE)}
    return pl.DataFrame(rows, schema=text | layer | numbers | {"subjects": pl.Int64})


def _indices(target: pl.Series) -> NDArray[np.intp]:
    return target.to_numpy().astype(np.intp)


def _row(
    reference: str, attribute: str, layer: str, statistic: str, subjects: int,
    value: float = np.nan, resampled: NDArray[np.float64] | None = None,
) -> dict[str, Any]:  # fmt: skip
    low = high = None
    finite = bool(np.isfinite(value))
    if finite and resampled is not None:
        if layer == "attention":
            low, high, _ = correlation_interval(value, resampled)
        else:
            low, high, _ = percentile_interval(resampled)
    return {
        "reference": reference, "attribute": attribute, "layer_of_evidence": layer,
        "statistic": statistic, "value": float(value) if finite else None, "low": low, "high": high,
        "p": None, "p_holm": None, "null": None, "subjects": subjects,
    }  # fmt: skip
