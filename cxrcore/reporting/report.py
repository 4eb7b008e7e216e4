"""The report: one static HTML file that stands alone, for people who never saw the code."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cxrcore.associations import prognosis
from cxrcore.associations.maps import rms_over_classes
from cxrcore.mean_heatmaps import records
from cxrcore.model import ModelKey
from cxrcore.reporting import facts, figures, forest, ladder, map_figures, survival_figure, tables
from cxrcore.summary import Summary
from data_contracts import cohort_tables, disclosure, titles
from data_contracts.cohort import COHORT
from data_contracts.cohort_description import COHORT_FLOW
from data_contracts.header import Header
from data_contracts.store import Provenance, write_text


@dataclass(frozen=True)
class Content:
    """Everything that the report shows, as the contracts have it."""

    reference: str
    flow: pl.DataFrame
    characteristics: pl.DataFrame
    rejects: Sequence[pl.DataFrame]
    """A table per shard."""
    headers: Mapping[str, Sequence[Header]]
    """Of the inputs, by contract."""
    histories: Mapping[ModelKey, pl.DataFrame]
    found: Summary
    truth: pl.DataFrame | None
    """SYNTHETIC_TRUTH when the patients are synthetic."""
    origin: Provenance
    """The settings and inputs of the aggregation."""

    @property
    def primary(self) -> dict[str, str]:
        """By task the name of the model that stands for it."""
        return dict(self.found.models.filter("primary").select("task", "name").iter_rows())

    @property
    def heatmaps(self) -> list[dict[str, Any]]:
        """Of the models that stand for their tasks."""
        chosen = set(self.primary.items())
        return [r for r in records(self.found.heatmaps) if (r["task"], r["name"]) in chosen]


def write(folder: Path, content: Content) -> Path:
    """Write `report.html`, its figures and every number as CSV into `folder`; return the page."""
    page, found = folder / "report.html", content.found
    for name in ("models", "metrics", "curves", "associations", "verdicts", "orders"):
        write_text(folder / "tables" / f"{name}.csv", getattr(found, name).write_csv())
    with figures.style():
        drawn = draw(content, folder / "figures")
    write_text(page, html(content, drawn))
    return page


def draw(content: Content, folder: Path) -> dict[str, Path]:
    """Draw every figure that the content allows into `folder`; name to PNG."""
    found, maps = content.found, content.heatmaps
    background = found.heatmaps["mean_image"]
    curves = tables.of_primary(found.curves, found.models)
    tasks = list(content.primary)
    drawn = {
        "roc": figures.roc_figure(curves, _areas(found), tasks),
        "training": figures.training_figure(
            {task: content.histories[task, name] for task, name in content.primary.items()}
        ),
    }
    for task in dict.fromkeys(r["task"] for r in maps):
        rows = [r for r in maps if r["task"] == task]
        drawn[f"heatmaps-{task}"] = map_figures.class_maps_figure(task, rows, background)
    if len(differences := rms_of_differences(maps)) > 1:
        patients = {r["task"]: int(r["subjects"]) for r in maps if r["stratum"] == "all"}
        drawn["rms-of-differences"] = map_figures.rms_figure(differences, patients, background)
    if (answer := ladder.ladder_figure(found.associations, found.verdicts)) is not None:
        drawn["ladder"] = answer
    of_reference = curves.filter(task=content.reference)
    for task in tasks:
        rows = forest.subgroup_rows(found.metrics, found.models, task)
        if (plot := forest.forest_figure(rows)) is not None:
            drawn[f"forest-{task}"] = plot
    if (survival := survival_figure.survival_figure(of_reference)) is not None:
        drawn["survival"] = survival
    return {name: figures.save(figure, folder, name) for name, figure in drawn.items()}


def rms_of_differences(maps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """For each task the root mean square over classes of its class-difference maps (h, w)."""
    whole = [r for r in maps if r["stratum"] == "all"]
    out = {}
    for task in dict.fromkeys(r["task"] for r in whole):
        each = [r["class_difference"] for r in whole if r["task"] == task]
        stack = np.stack(each).astype(np.float64)
        out[task] = rms_over_classes(stack.reshape(len(stack), -1)).reshape(stack.shape[1:])
    return out


def _areas(found: Summary) -> dict[str, str]:
    """The test AUROC of each task, and of each of its classes, as text."""
    whole = found.metrics.filter(pl.col("metric").str.starts_with("auroc"), split="test",
                                 stratum="all")  # fmt: skip
    rows = tables.of_primary(whole, found.models).iter_rows(named=True)
    return {f"{r['task']} {r['metric'].partition(':')[2]}".strip(): tables.value(r) for r in rows}


def html(content: Content, drawn: Mapping[str, Path]) -> str:
    """The report as one page; `drawn` are the PNG files of `draw`, embedded."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = content.found
    environment = Environment(
        loader=PackageLoader("cxrcore.reporting"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    page = environment.get_template("report.html.j2")
    least = found.min_cell_count
    evidence = tables.evidence_table(found.associations, divided=False)
    reasons = found.models.filter(pl.col("primary") & ~pl.col("interpretable"))
    return page.render(
        content=content,
        pictures={name: _picture(path) for name, path in drawn.items()},
        suppression=disclosure.explanation(least) if least else "",
        facts=_facts(content),
        software=facts.software(),
        tasks=list(content.primary),
        flow=cohort_tables.flow_table(content.flow),
        table_one=cohort_tables.table_one(content.characteristics),
        rejects=cohort_tables.reject_table(pl.concat(content.rejects), least),
        performance=tables.performance_table(found.metrics, found.models),
        models=tables.models_table(found.metrics, found.models),
        strata=tables.strata_table(found.metrics, found.models),
        levels={name: titles.LEVELS[name] for name in titles.LEVELS
                if (found.verdicts["evidence_level"] == name).any()},
        verdicts=tables.verdict_table(found.verdicts),
        orders={name: tables.order_text(found.orders, found.verdicts, name)
                for name in titles.LEVELS},
        trainings=found.verdicts["trainings"].max() or 1,
        evidence=[r for r in evidence if r["evidence_level"] != prognosis.LEVEL],
        prognosis=[r for r in evidence if r["evidence_level"] == prognosis.LEVEL],
        horizon=round(prognosis.HORIZON),
        no_survival=why_no_survival(content),
        divided=tables.evidence_table(found.associations, divided=True),
        reasons=dict(reasons.select("task", "reason").iter_rows()),
        nothing_to_compare=why_nothing_to_compare(content),
        planted=_planted(content),
    )  # fmt: skip


def _picture(path: Path) -> dict[str, Any]:
    """A PNG file as a data address, and the width to show it at, in CSS pixels."""
    data = path.read_bytes()
    return {
        "src": "data:image/png;base64," + base64.b64encode(data).decode(),
        "width": int.from_bytes(data[16:20]) * 96 // figures.DPI,
    }


def _facts(content: Content) -> list[tuple[str, str]]:
    (cohort,), (flow,) = content.headers[COHORT.name], content.headers[COHORT_FLOW.name]
    return facts.study_facts(
        cohort, flow, content.characteristics, content.found.models,
        content.origin.config.get("author"), content.origin.created,
    )  # fmt: skip


def _planted(content: Content) -> cohort_tables.Rows:
    # The truth ranks by similarity to mortality.
    truth = content.truth if content.reference == "mortality" else None
    auroc = tables.test_auroc(content.found.metrics, content.found.models)
    return tables.planted_table(truth, auroc, content.found.verdicts)


def why_nothing_to_compare(content: Content) -> str:
    """Why there is nothing to compare; empty when there is."""
    mapped = list(dict.fromkeys(row["task"] for row in content.heatmaps))
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


def why_no_survival(content: Content) -> str:
    """Why there are no survival curves, where there are none."""
    if content.reference not in content.primary:
        return f"there is no network of {content.reference}"
    if not content.found.associations.filter(evidence_level=prognosis.LEVEL).height:
        return "the cohort has no follow-up"
    return "too few patients died or left observation to disclose them"
