"""The report: one static HTML file that stands alone, for people who never saw the code."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cxrcore import evaluation, reading
from cxrcore.association import magnitude
from cxrcore.reporting import figures, map_figures, tables
from cxrcore.summary import Model, Summary, heatmap_records
from data_contracts import cohort_tables
from data_contracts.header import package_version
from data_contracts.store import Provenance, write_text
from data_contracts.summary import SMALLEST_CELL


@dataclass(frozen=True)
class Content:
    """Everything the report tells of, as the contracts have it."""

    reference: str
    flow: pl.DataFrame
    characteristics: pl.DataFrame
    rejects: Sequence[pl.DataFrame]
    """A table per shard."""
    models: Sequence[Model]
    found: Summary
    truth: pl.DataFrame | None
    """SYNTHETIC_TRUTH when the patients are synthetic."""
    origin: Provenance
    """The settings and inputs of the aggregation."""


def write(folder: Path, content: Content) -> Path:
    """Draw the figures and write `report.html` into `folder`; return the page's path."""
    page = folder / "report.html"
    with figures.style():
        drawn = draw(content, folder / "figures")
    write_text(page, html(content, drawn))
    return page


def draw(content: Content, folder: Path) -> dict[str, Path]:
    """Draw every figure that the content allows into `folder`; name to PNG."""
    records = heatmap_records(content.found.heatmaps)
    background = content.found.heatmaps["mean_image"]
    drawn = {"roc": figures.roc_figure(_curves(content), "ROC on the test split")}
    drawn["training"] = figures.training_figure({m.task: m.history for m in content.models})
    for task in dict.fromkeys(content.found.heatmaps["task"]):
        rows = [r for r in records if r["task"] == task]
        drawn[f"heatmaps-{task}"] = map_figures.class_maps_figure(task, rows, background)
    if len(magnitudes := contrast_magnitudes(records)) > 1:
        patients = {r["task"]: r["subjects"] for r in records if r["stratum"] == "all"}
        drawn["magnitudes"] = map_figures.magnitude_figure(magnitudes, patients, background)
    judged = reading.judged(content.found.associations, content.found.metrics)
    attention = judged.filter(pl.col("layer_of_evidence").cast(pl.String) == "attention")
    if (forest := figures.similarity_figure(attention, content.reference)) is not None:
        drawn["similarity"] = forest
    return {name: figures.save(figure, folder, name) for name, figure in drawn.items()}


def contrast_magnitudes(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """For each task the root mean square over classes of its contrast maps (h, w)."""
    whole = [r for r in records if r["stratum"] == "all"]
    out = {}
    for task in dict.fromkeys(r["task"] for r in whole):
        maps = np.stack([r["contrast"] for r in whole if r["task"] == task]).astype(np.float64)
        out[task] = magnitude(maps.reshape(len(maps), -1)).reshape(maps.shape[1:])
    return out


def _curves(content: Content) -> dict[str, list[tuple[str, Any, Any]]]:
    curves = {}
    for model in content.models:
        test = model.predictions.filter(
            (pl.col("split") == "test") & pl.col("target").is_not_null()
        )
        lines: list[tuple[str, Any, Any]] = []
        target = test["target"].to_numpy()
        few = test["subject_id"].n_unique() < SMALLEST_CELL
        odds = evaluation.log_odds(evaluation.matrix(test["logits"])) if test.height else None
        chosen = range(len(model.classes)) if len(model.classes) > 2 else (1,)
        for c in chosen:
            if few or odds is None or len(np.unique(target == c)) < 2:
                continue
            name = "auroc" if len(model.classes) == 2 else f"auroc:{model.classes[c]}"
            value = reading.metric_of(content.found.metrics, model.task, name)
            label = f"{model.classes[c]} {figures.number(value['value'])} (n={test.height:,})"
            lines.append((label, *figures.roc_points(odds[:, c], target == c)))
        curves[model.task] = lines
    return curves


def html(content: Content, drawn: Mapping[str, Path]) -> str:
    """The report as one page; `drawn` are the PNG files of `draw`, embedded."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    associations = reading.judged(content.found.associations, content.found.metrics)
    metrics, tasks = content.found.metrics, [m.task for m in content.models]
    environment = Environment(
        loader=PackageLoader("cxrcore.reporting"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    page = environment.get_template("report.html.j2")
    return page.render(
        content=content,
        pictures={name: _picture(path) for name, path in drawn.items()},
        smallest=SMALLEST_CELL,
        version=package_version(),
        tasks=tasks,
        flow=cohort_tables.flow_table(content.flow),
        table_one=cohort_tables.table_one(content.characteristics),
        rejects=cohort_tables.reject_table(pl.concat(content.rejects)),
        readings=tables.reading_table(metrics),
        strata=tables.strata_table(metrics),
        overlap=tables.overlap_table(associations),
        agreement=reading.agreement(associations),
        unread={t: reason for t in tasks if (reason := reading.unread(metrics, t))},
        no_overlap=why_no_overlap(content),
        planted=_planted(content, associations),
    )


def _picture(path: Path) -> dict[str, Any]:
    """A PNG file as a data address, and the width to show it at, in CSS pixels."""
    data = path.read_bytes()
    return {
        "src": "data:image/png;base64," + base64.b64encode(data).decode(),
        "width": int.from_bytes(data[16:20]) * 96 // figures.DPI,
    }


def _planted(content: Content, associations: pl.DataFrame) -> cohort_tables.Rows:
    # The truth tells of nearness to mortality.
    truth = content.truth if content.reference == "mortality" else None
    return tables.planted_table(truth, content.found.metrics, associations)


def why_no_overlap(content: Content) -> str:
    """Why there is nothing to compare; empty when there is."""
    mapped = list(dict.fromkeys(content.found.heatmaps["task"]))
    if content.reference not in mapped:
        return (
            f"There are no attribution maps of the reference task '{content.reference}' "
            f"(only of {', '.join(mapped)}), so maps were not compared."
        )
    if len(mapped) < 2:
        return (
            f"Only '{content.reference}' has attribution maps: there is nothing to compare it with."
        )
    return ""
