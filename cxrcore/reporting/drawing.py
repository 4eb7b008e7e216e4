"""Draws every figure of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from cxrcore.associations.maps import rms_over_classes
from cxrcore.associations.region_evidence import region_boxes
from cxrcore.reporting import (
    figures,
    flow_figure,
    forest,
    ladder,
    map_figures,
    region_figure,
    survival_figure,
    tables,
)
from cxrcore.reporting.content import Content
from cxrcore.summary import Summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(content: Content, folder: Path) -> dict[str, Path]:
    """Draw every figure that the content allows into `folder`; name to PNG."""
    found, maps = content.found, content.heatmaps
    background = found.heatmaps["mean_image"]
    curves = tables.of_primary(found.curves, found.models)
    tasks = list(content.primary)
    drawn = {
        "flow": flow_figure.flow_figure(content.flow),
        "training": figures.training_figure(
            {m.task: m.history for m in content.known if content.primary.get(m.task) == m.name}
        ),
    }
    of_classes = found.models.filter("primary", target_kind="classes")["task"].to_list()
    if of_classes:
        drawn |= {
            "roc": figures.roc_figure(curves, _areas(found), of_classes),
            "precision-recall": figures.precision_recall_figure(
                curves, _prevalence(found), of_classes
            ),
            "calibration": figures.calibration_figure(curves, of_classes),
        }
    for task in dict.fromkeys(r["task"] for r in maps):
        rows = [r for r in maps if r["task"] == task]
        drawn[f"heatmaps-{task}"] = map_figures.class_maps_figure(task, rows, background)
    whole = [r for r in maps if r["stratum"] == "all"]
    if len(differences := rms_of_differences(whole)) > 1:
        drawn["rms-of-differences"] = map_figures.rms_figure(
            differences, _patients(whole), background
        )
    drawn |= _aligned(content)
    answer = ladder.ladder_figure(found.associations, found.verdicts, found.models)
    if answer is not None:
        drawn["ladder"] = answer
    of_reference = curves.filter(task=content.reference)
    for task in tasks:
        rows = forest.subgroup_rows(found.metrics, found.models, task)
        if (plot := forest.forest_figure(rows)) is not None:
            drawn[f"forest-{task}"] = plot
    if (survival := survival_figure.survival_figure(of_reference)) is not None:
        drawn["survival"] = survival
    return {name: figures.save(figure, folder, name) for name, figure in drawn.items()}


def _aligned(content: Content) -> dict[str, Figure]:
    """The maps in the frame of the lungs, and the share of evidence in its regions."""
    found, maps = content.found, content.aligned_heatmaps
    drawn = {}
    if maps:
        zones = [
            box for name, boxes in region_boxes().items() if "lungs" not in name for box in boxes
        ]
        drawn["aligned-differences"] = map_figures.rms_figure(
            rms_of_differences(maps), _patients(maps), found.aligned_heatmaps["mean_image"],
            "aligned", zones,
        )  # fmt: skip
    if (plot := region_figure.region_figure(found.region_evidence, found.models)) is not None:
        drawn["regions"] = plot
    return drawn


def _patients(maps: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {r["task"]: int(r["subjects"]) for r in maps}


def rms_of_differences(maps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """For each task the root mean square over classes of its undivided class differences (h, w)."""
    out = {}
    for task in dict.fromkeys(r["task"] for r in maps):
        each = [r["class_difference"] for r in maps if r["task"] == task]
        stack = np.stack(each).astype(np.float64)
        out[task] = rms_over_classes(stack.reshape(len(stack), -1)).reshape(stack.shape[1:])
    return out


def _areas(found: Summary) -> dict[str, str]:
    """The test AUROC of each task, and of each of its classes, as text."""
    return {name: tables.value(row) for name, row in _auroc_rows(found).items()}


def _prevalence(found: Summary) -> dict[str, float]:
    """The share of test images that are positive, by task and by class, where it is disclosed."""
    return {
        name: row["positives"] / row["images"]
        for name, row in _auroc_rows(found).items()
        if row["positives"] is not None and row["images"]
    }


def _auroc_rows(found: Summary) -> dict[str, dict[str, Any]]:
    """The test rows of the AUROC of each task, and of each of its classes: `task class`."""
    whole = found.metrics.filter(pl.col("metric").str.starts_with("auroc"), split="test",
                                 stratum="all")  # fmt: skip
    rows = tables.of_primary(whole, found.models).iter_rows(named=True)
    return {f"{r['task']} {r['metric'].partition(':')[2]}".strip(): r for r in rows}
