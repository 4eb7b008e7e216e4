"""Test AUROC of patients divided by two variables together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import polars as pl

from cxrcore.evaluation.delong import TooFewPatientsError, interval, macro_auroc_influence
from cxrcore.evaluation.strata import levels_of, log_odds, matrix
from cxrcore.model import Model
from data_contracts.disclosure.crossed import Crossed, Crossing, shown_crossings
from data_contracts.disclosure.subgroups import Disclosure
from data_contracts.summary import METRIC_NUMBERS


def crossed_metrics(
    known: Sequence[Model], counts: pl.DataFrame, rule: Disclosure
) -> list[dict[str, Any]]:
    """Rows of CROSSED_METRICS: of every network of a target with classes that is no control.

    `counts` is what `rule` was decided about. The intervals follow from DeLong's variance over
    patients; without two patients of each class there is none, and no value.
    """
    measured = [m for m in known if m.kind == "classes" and not m.is_control]
    crossed: dict[Crossing, Crossed] = {}
    for model in reversed(measured):
        crossed |= dict(_counted(model))
    shown = shown_crossings(counts, crossed, rule, "test")
    return [row for model in measured for row in _rows(model, shown)]


def _crossings(model: Model, test: pl.DataFrame) -> Iterator[tuple[str, str, Any]]:
    """Both variables, and the images (level, other level, mask) of each two levels that occur."""
    levels = levels_of(test, model.task)
    for one, other in combinations(levels, 2):
        pairs = product(levels[one].items(), levels[other].items())
        yield one, other, [(a, b, of_a & of_b) for (a, of_a), (b, of_b) in pairs]


def _counted(model: Model) -> Iterator[tuple[Crossing, Crossed]]:
    test = model.labelled("test")
    # Numbers are told apart much faster than names.
    subject, target = test["subject_id"].rank("dense").to_numpy(), test["target"].to_numpy()
    classes = {"": np.ones(len(target), dtype=bool)}
    classes |= {name: target == c for c, name in enumerate(model.classes)}
    for one, other, found in _crossings(model, test):
        yield (
            (model.task, one, other),
            {
                (a, b, c): len(np.unique(subject[inside & of_class]))
                for a, b, inside in found
                for c, of_class in classes.items()
            },
        )


def _rows(model: Model, shown: set[Crossing]) -> Iterator[dict[str, Any]]:
    test = model.labelled("test")
    odds = log_odds(matrix(test["logits"])) if test.height else np.empty((0, len(model.classes)))
    target = test["target"].to_numpy().astype(np.intp)
    subject = test["subject_id"].rank("dense").to_numpy().astype(np.intp) - 1
    for one, other, found in _crossings(model, test):
        hidden = (model.task, one, other) not in shown
        for a, b, inside in found:
            if inside.any():
                where = {"variable": one, "level": a, "other_variable": other, "other_level": b}
                numbers: dict[str, Any] = dict.fromkeys(METRIC_NUMBERS)
                if not hidden:
                    numbers |= _measured(odds[inside], target[inside], subject[inside])
                yield model.columns | where | numbers | {"suppressed": hidden}


def _measured(odds: Any, target: Any, subject: Any) -> dict[str, Any]:
    patients = np.unique(subject, return_inverse=True)
    counts = {
        "images": len(target), "subjects": len(patients[0]),
        "positives": int((target == 1).sum()) if odds.shape[1] == 2 else None,
    }  # fmt: skip
    try:
        value, influence = macro_auroc_influence(odds, target, patients[1])
    except TooFewPatientsError:
        return counts
    return counts | {"value": value} | interval(value, influence, 0)
