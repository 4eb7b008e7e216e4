"""The report: one static HTML file that stands alone, for people who never saw the code."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from cxrcore.associations import prognosis
from cxrcore.associations.verdict import ALPHA
from cxrcore.reporting import checks, facts, figures, methods, tables
from cxrcore.reporting.content import Content
from cxrcore.reporting.drawing import draw
from data_contracts import cohort_tables, disclosure, titles
from data_contracts.cohort import COHORT
from data_contracts.cohort_description import COHORT_FLOW
from data_contracts.predictions import PREDICTIONS
from data_contracts.store import write_text


def write(folder: Path, content: Content) -> Path:
    """Write `report.html`, its figures and every number as CSV into `folder`; return the page."""
    page, found = folder / "report.html", content.found
    for name in ("models", "metrics", "curves", "associations", "verdicts", "orders"):
        write_text(folder / "tables" / f"{name}.csv", getattr(found, name).write_csv())
    with figures.style():
        drawn = draw(content, folder / "figures")
    write_text(page, html(content, drawn))
    return page


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
    trainings: Any = found.verdicts["trainings"].max() or 1
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
        trainings=trainings,
        alpha=ALPHA,
        methods=methods.methods(content.headers, content.origin.config, least),
        checks=[
            *checks.data_checks(content.cohort, content.flow, content.known),
            *checks.network_checks(
                found.metrics, found.models, trainings, content.headers[PREDICTIONS.name]
            ),
        ],
        evidence=[r for r in evidence if r["evidence_level"] != prognosis.LEVEL],
        prognosis=tables.prognosis_table(found.associations),
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
