"""Models, maps and cohort brought together: what the summary artifacts hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from cxrcore import aligned_heatmaps, mean_heatmaps
from cxrcore.associations import associations
from cxrcore.associations.disclosed import disclosed
from cxrcore.associations.inputs import Draws, Inputs
from cxrcore.associations.region_evidence import region_evidence
from cxrcore.associations.survival_curves import survival_curves
from cxrcore.associations.verdict import sentence
from cxrcore.evaluation import strata, table
from cxrcore.evaluation.added_value import added_value, metadata_baseline, metadata_predictions
from cxrcore.evaluation.bootstrap import Advance, part_of
from cxrcore.evaluation.chance import against_chance
from cxrcore.evaluation.crossed import crossed_metrics
from cxrcore.evaluation.curves import curves_of
from cxrcore.evaluation.differences import differences
from cxrcore.features import features_of
from cxrcore.interpretation import not_interpretable
from cxrcore.maps import ModelAttributions, attributions_of
from cxrcore.model import Model, ModelKey, groups, primary
from cxrcore.threads import one_at_a_time, one_blas_thread, side_by_side
from data_contracts.added_value import ADDED_VALUE
from data_contracts.associations import ASSOCIATIONS, ORDERS, VERDICTS
from data_contracts.cohort import SPLITS
from data_contracts.crossed_metrics import CROSSED_METRICS
from data_contracts.differences import DIFFERENCES
from data_contracts.disclosure import is_small
from data_contracts.disclosure.subgroups import Disclosure, disclosure_of, hidden_ratios
from data_contracts.region_evidence import REGION_EVIDENCE
from data_contracts.store import Arrays
from data_contracts.summary import CURVES, METRIC_NUMBERS, METRICS, MODELS
from data_contracts.vocabulary import Contract

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Settings:
    """How a summary is computed."""

    replicates: int
    """Resamples of the patient bootstrap."""
    draws: Draws
    seed: int
    min_cell_count: int
    """Fewer patients are not disclosed; 0: all are."""


@dataclass(frozen=True)
class Summary:
    """What the summary artifacts hold; small numbers of patients are suppressed in all of it."""

    models: pl.DataFrame
    metrics: pl.DataFrame
    crossed_metrics: pl.DataFrame
    added_value: pl.DataFrame
    metadata_predictions: pl.DataFrame
    differences: pl.DataFrame
    curves: pl.DataFrame
    heatmaps: Mapping[str, Any]
    aligned_heatmaps: Mapping[str, Any]
    region_evidence: pl.DataFrame
    associations: pl.DataFrame
    verdicts: pl.DataFrame
    orders: pl.DataFrame
    sentence: str
    """What the verdicts say together."""
    min_cell_count: int


@one_blas_thread()
def summarise(
    cohort: pl.DataFrame,
    known: Sequence[Model],
    maps: Sequence[Arrays],
    features: Sequence[Arrays],
    reference: str,
    settings: Settings,
    advance: Advance,
) -> Summary:
    """Measure every model, average its maps, and compare tasks with `reference`.

    `maps` are the attributions of one method on the test split, `features` those of every image,
    open. Raises `ArtifactError` when predictions and maps or features do not fit.
    """
    resamples = table.split_weights(
        [m.predictions for m in known], settings.replicates, settings.seed
    )
    explained = attributions_of(maps, known)
    advance = one_at_a_time(advance)
    of_model = part_of(advance, 0.2 / len(known))
    measured = side_by_side(lambda m: table.evaluate(m, resamples, of_model), known)
    reasons = {
        model.key: not_interpretable(model.task, model.kind, found)
        for model, found in zip(known, against_chance(known, settings.seed), strict=True)
    }
    # The networks of a task have the same images, and one baseline.
    first = {model.task: model for model in reversed(known)}
    tried = side_by_side(lambda task: metadata_baseline(first[task], cohort), list(first))
    baselines = {task: found for task, found in zip(first, tried, strict=True) if found}
    added = side_by_side(
        lambda m: added_value(m, baselines[m.task]), [m for m in known if m.task in baselines]
    )
    counts = _counts(known)
    rule = disclosure_of(counts, settings.min_cell_count)
    points = side_by_side(lambda m: list(curves_of(m, resamples, rule)), known)
    advance(0.05)
    averaged = mean_heatmaps.mean_heatmaps(explained, "test", reasons, part_of(advance, 0.05))
    names, weights = resamples["test"]
    inputs = Inputs(
        reference, cohort, known, {one.model.key: one for one in explained},
        features_of(features, known), {_key(a) for a in features}, names, weights, reasons,
        settings.draws, settings.seed,
    )  # fmt: skip
    points.append(list(survival_curves(inputs, rule)))
    regions = region_evidence(inputs, rule)
    advance(0.05)
    found = associations(inputs, part_of(advance, 0.65))
    shown = disclosed(found, rule)
    return Summary(
        _frame(MODELS, _model_rows(known, explained, reasons)),
        _frame(METRICS, _disclosed_metrics(list(chain(*measured)), rule)),
        _frame(CROSSED_METRICS, crossed_metrics(known, counts, rule)),
        _frame(ADDED_VALUE, [_disclosed_added_value(row, rule) for row in chain(*added)]),
        metadata_predictions(baselines),
        _frame(DIFFERENCES, differences(known, rule)),
        _frame(CURVES, list(chain(*points))),
        mean_heatmaps.as_arrays(
            [mean_heatmaps.disclosed(row, rule) for row in averaged],
            _background(maps, explained, rule),
        ),
        aligned_heatmaps.as_arrays(
            aligned_heatmaps.aligned_heatmaps(explained, reasons, rule),
            aligned_heatmaps.background(maps, explained, settings.min_cell_count),
        ),
        _frame(REGION_EVIDENCE, regions),
        _frame(ASSOCIATIONS, shown.rows),
        _frame(VERDICTS, shown.verdicts),
        _frame(ORDERS, shown.orders),
        sentence([r for r in shown.verdicts if not r["suppressed"]], reference),
        settings.min_cell_count,
    )


def _key(arrays: Arrays) -> ModelKey:
    return arrays.header.attributes["task"], arrays.header.attributes["name"]


def _model_rows(
    known: Sequence[Model], explained: Sequence[ModelAttributions], reasons: Mapping[ModelKey, str]
) -> Rows:
    first, chosen = groups(known), primary(known)
    mapped = {one.model.key for one in explained}
    return [
        model.columns | {
            "primary": chosen.get(model.task) is model, "group": first[model.key],
            "target_kind": model.kind, "classes": ", ".join(model.classes),
            "architecture": model.architecture, "epochs": model.history.height,
            "has_maps": model.key in mapped, "interpretable": not reasons[model.key],
            "reason": reasons[model.key] or None,
        }
        for model in known
    ]  # fmt: skip


def _counts(known: Sequence[Model]) -> pl.DataFrame:
    """The patients of every subgroup of every model; one decision is made about all of them."""
    rows: list[tuple[Any, ...]] = []
    for model in known:
        classes = model.classes if model.kind == "classes" else ()
        for split in SPLITS:
            labelled = model.labelled(split)
            found = list(strata.subgroups(labelled, model.task, divided=split == "test"))
            if split == "test":
                found += strata.target_subgroups(labelled, classes, model.threshold)
            for counted in strata.subgroup_counts(labelled, classes, found):
                rows.append((*model.key, split, *counted))
    names_ = ["task", "name", "split", "stratum", "level", "class", "subjects"]
    return pl.DataFrame(rows, schema=names_, orient="row")


def _disclosed_metrics(rows: Rows, rule: Disclosure) -> Rows:
    ratios = ((_subgroup(r), r["metric"], *r["ratio_of"]) for r in rows if r["ratio_of"])
    small = hidden_ratios(ratios, rule.least)
    out = []
    for row in rows:
        where, metric = _subgroup(row), row["metric"]
        hidden = rule.hides(where, metric.partition(":")[2]) or (where, metric) in small
        kept = {name: value for name, value in row.items() if name != "ratio_of"}
        out.append(
            kept | {"suppressed": hidden} | (dict.fromkeys(METRIC_NUMBERS) if hidden else {})
        )
    return out


def _disclosed_added_value(row: dict[str, Any], rule: Disclosure) -> dict[str, Any]:
    hidden = rule.hides((row["task"], row["name"], "test", "all", "all"))
    numbers = ("value", "low", "high", "p", "images", "subjects")
    return row | {"suppressed": hidden} | (dict.fromkeys(numbers) if hidden else {})


def _subgroup(row: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    return row["task"], row["name"], row["split"], row["stratum"], row["level"]


def _background(
    maps: Sequence[Arrays], explained: Sequence[ModelAttributions], rule: Disclosure
) -> Any:
    """The mean radiograph of the explained images, unless few patients are in it."""
    image = maps[0].read("mean_image")
    patients = explained[0].images["subject_id"].n_unique() if explained else 0
    return image * np.nan if is_small(patients, rule.least) else image


def _frame(contract: Contract, rows: Rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=pl.DataFrame(contract.example()).schema)
