"""What the report says of the study itself: facts, methods, checks, reporting guidelines."""

from __future__ import annotations

from typing import Any

import polars as pl

from cxrcore.reporting import checks, facts, methods, tables
from cxrcore.reporting.checklists import checklists
from cxrcore.reporting.content import Content
from data_contracts import titles
from data_contracts.cohort import COHORT, SPLITS
from data_contracts.cohort_description import COHORT_FLOW
from data_contracts.cohort_tables import count
from data_contracts.predictions import PREDICTIONS


def about(content: Content) -> dict[str, Any]:
    """The parts of the page that are about the study, by the name that the template has."""
    found, headers = content.found, content.headers
    fewest, most = _trainings(found.verdicts)
    said = methods.sentences(headers, content.origin.config, found.min_cell_count)
    (cohort,), (flow,) = headers[COHORT.name], headers[COHORT_FLOW.name]
    head = facts.study_facts(
        cohort, flow, content.characteristics, found.models,
        content.origin.config.get("author"), content.origin.created,
    )  # fmt: skip
    of_data = checks.data_checks(content.cohort, content.flow, content.known)
    of_networks = checks.network_checks(
        found.metrics, found.models, fewest, headers[PREDICTIONS.name]
    )
    known = said | _results(content) | {"facts": dict.fromkeys(facts.NAMES, "") | head,
                                        "split": of_data[0].found}  # fmt: skip
    return {
        "facts": head, "software": head["Software"], "methods": methods.paragraphs(said),
        "checks": [*of_data, *of_networks], "trainings": fewest, "most_trainings": most,
        "checklists": checklists(known),
    }  # fmt: skip


def _trainings(verdicts: pl.DataFrame) -> tuple[int, int]:
    """The fewest and the most seeds that a verdict rests on."""
    known = verdicts["trainings"].drop_nulls().to_list() or [1]
    return min(known), max(known)


def _results(content: Content) -> dict[str, Any]:
    """What the answers to reporting guidelines tell of the results."""
    found = content.found
    rows = tables.test_auroc(found.metrics, found.models)
    auroc = [f"{task} {tables.value(r)} ({tables.interval(r)})" for task, r in rows.items()]
    whole = content.characteristics.filter(variable="subjects", level="all")
    patients = dict(whole.select("split", "subjects").iter_rows())
    split = [f"{count(patients[s])} {s}" for s in SPLITS if s in patients]
    names = found.metrics.filter(~pl.col("metric").str.contains(":"), split="test")["metric"]
    return {
        "tasks": facts.listed(list(content.primary)), "reference": content.reference,
        "auroc": f"AUROC: {'; '.join(auroc)}." if auroc else "",
        "patients": f"Patients: {facts.listed(split)}." if split else "",
        "metrics": ", ".join(titles.metric(n) for n in names.unique(maintain_order=True)),
        "weighted": (found.models["target_kind"] == "classes").all(),
    }  # fmt: skip
