"""The report: one static HTML file that stands alone, for people who never saw the code.

The same as PDF, for those who hand it on.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from cxrcore.associations import prognosis
from cxrcore.associations.verdict import ALPHA
from cxrcore.reporting import facts, figures, ladder, tables
from cxrcore.reporting.about import about
from cxrcore.reporting.checklists import as_yaml
from cxrcore.reporting.content import Content
from cxrcore.reporting.drawing import draw
from cxrcore.reporting.pdf import pdf
from data_contracts import cohort_tables, disclosure, titles
from data_contracts.attributions import LUNG_FRAME
from data_contracts.cohort_tables import count
from data_contracts.images import IMAGE_REJECTS
from data_contracts.store import atomic_write, write_text

_TABLES = (
    "models", "metrics", "crossed_metrics", "added_value", "differences", "curves",
    "associations", "verdicts", "orders", "region_evidence",
)  # fmt: skip


def write(folder: Path, content: Content) -> Path:
    """Write `report.html` and `.pdf`, its figures, every number as CSV and reporting guidelines.

    All into `folder`; returns the page.
    """
    page, found = folder / "report.html", content.found
    shown = {name: getattr(found, name) for name in _TABLES} | {
        "replication": content.replication, "flow": content.flow,
        "characteristics": content.characteristics, "training": _training(content),
    }  # fmt: skip
    for name, frame in shown.items():
        write_text(folder / "tables" / f"{name}.csv", frame.write_csv())
    with figures.style():
        drawn = draw(content, folder / "figures")
    study = about(content)
    write_text(
        folder / "checklists.yaml", as_yaml(study["checklists"], sections(content.reference))
    )
    text = html(content, study, drawn)
    with atomic_write(page.with_suffix(".pdf")) as partial:
        partial.write_bytes(pdf(text))
    write_text(page, text)
    return page


def sections(reference: str) -> dict[str, str]:
    """The sections of the page in their order: place and title."""
    return {
        "answer": "Answer",
        "cohort": "Study cohort",
        "performance": "Prediction performance",
        "maps": "Where the networks find their evidence",
        "evidence": f"How much evidence the attributes share with {reference}",
        "prognosis": "Prognosis",
        "limits": "Limits",
        "methods": "Appendix: methods",
        "checks": "Appendix: checks",
        "items": "Appendix: reporting guidelines",
        "provenance": "Appendix: provenance",
    }


def html(content: Content, study: Mapping[str, Any], drawn: Mapping[str, Path]) -> str:
    """The report as one page; `study` is `about`, `drawn` the PNG files of `draw`, embedded."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("cxrcore.reporting"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    pictures = {name: _picture(path) for name, path in drawn.items()}
    return environment.get_template("report.html.j2").render(
        content=content, sections=sections(content.reference), pictures=pictures, **study,
        **_cohort(content), **_performance(content), **_evidence(content),
        aligned=alignment_text(content.aligned_heatmaps), frame=LUNG_FRAME,
    )  # fmt: skip


def _cohort(content: Content) -> dict[str, Any]:
    least = content.found.min_cell_count
    return {
        "suppression": disclosure.explanation(least) if least else "",
        "flow": cohort_tables.flow_table(content.flow),
        "table_one": cohort_tables.table_one(content.characteristics),
        "rejects": cohort_tables.reject_table(pl.concat(content.rejects), least),
        "near_duplicates": cohort_tables.near_duplicates(
            content.headers.get(IMAGE_REJECTS.name, []), least
        ),
    }


def _performance(content: Content) -> dict[str, Any]:
    metrics, models = content.found.metrics, content.found.models
    reasons = models.filter(pl.col("primary") & ~pl.col("interpretable"))
    return {
        "tasks": list(content.primary),
        "performance": tables.performance_table(metrics, models),
        "models": tables.models_table(metrics, models),
        "differences": tables.differences_table(content.found.differences, models),
        "added": tables.added_value_table(content.found.added_value, models),
        "strata": tables.strata_table(metrics, models),
        "reasons": dict(reasons.select("task", "reason").iter_rows()),
    }


def _evidence(content: Content) -> dict[str, Any]:
    found = content.found
    of_levels = found.associations.filter(pl.col("evidence_level") != prognosis.LEVEL)
    asked = set(found.verdicts["evidence_level"])
    return {
        "verdicts": tables.verdict_table(found.verdicts),
        "levels": {name: text for name, text in titles.LEVELS.items() if name in asked},
        "orders": {name: tables.order_text(found.orders, found.verdicts, name)
                   for name in titles.LEVELS},
        "evidence": tables.evidence_table(of_levels, divided=False),
        "divided": tables.evidence_table(of_levels, divided=True),
        "absent_rungs": facts.listed(
            ladder.absent_rungs(found.associations, found.verdicts, found.models)
        ),
        "nothing_to_compare": why_nothing_to_compare(content),
        "replication": tables.replication_table(content.replication),
        "planted": _planted(content),
        "alpha": ALPHA,
        "prognosis": tables.prognosis_table(found.associations),
        "horizon": round(prognosis.HORIZON),
        "no_survival": why_no_survival(content),
    }  # fmt: skip


def _training(content: Content) -> pl.DataFrame:
    """The history of every model, by task and name."""
    return pl.concat(
        m.history.select(pl.lit(m.task).alias("task"), pl.lit(m.name).alias("name"), pl.all())
        for m in content.known
    )


def _picture(path: Path) -> dict[str, Any]:
    """A PNG file as a data address, and the size to show it at, in CSS pixels."""
    data = path.read_bytes()
    width, height = (int.from_bytes(data[i : i + 4]) * 96 // figures.DPI for i in (16, 20))
    source = "data:image/png;base64," + base64.b64encode(data).decode()
    return {"src": source, "width": width, "height": height}


def _planted(content: Content) -> cohort_tables.Rows:
    # The truth ranks by similarity to mortality.
    truth = content.truth if content.reference == "mortality" else None
    auroc = tables.test_auroc(content.found.metrics, content.found.models)
    return tables.planted_table(truth, auroc, content.found.verdicts)


def alignment_text(maps: Sequence[Mapping[str, Any]]) -> str:
    """How many images of each task are aligned; empty where no maps are.

    `maps` are records of ALIGNED_HEATMAPS.
    """
    counts = {r["task"]: (int(r["images"]), int(r["without_box"])) for r in maps}
    told = [
        f"{count(images)} of {count(images + rest)} images of {task}" if rest >= 0
        else f"all but a few images of {task} ({disclosure.SUPPRESSED})"
        for task, (images, rest) in counts.items()
    ]  # fmt: skip
    return facts.listed(told)


def why_nothing_to_compare(content: Content) -> str:
    """Why there is nothing to compare; empty when there is."""
    if content.reference not in content.primary:
        return f"There is no network of the reference task {content.reference} to compare with."
    mapped = list(dict.fromkeys(row["task"] for row in content.heatmaps))
    if content.reference not in mapped:
        return (
            f"There are no attribution maps of the reference task {content.reference} "
            f"(only of {', '.join(mapped)}), so maps were not compared."
        )
    if len(mapped) < 2:
        return (
            f"Only {content.reference} has attribution maps: there is nothing to compare them with."
        )
    return ""


def why_no_survival(content: Content) -> str:
    """Why there are no survival curves, where there are none."""
    if content.reference not in content.primary:
        return f"there is no network of {content.reference}"
    if not content.found.associations.filter(evidence_level=prognosis.LEVEL).height:
        return "the cohort has no follow-up"
    return "too few patients died or left observation to disclose them"
