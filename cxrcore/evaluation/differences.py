"""How far apart two models predict: differences of their test AUROC, paired by patient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.evaluation.delong import TooFewPatientsError, auroc_influence, interval, p_of
from cxrcore.evaluation.strata import log_odds, matrix
from cxrcore.model import Model
from data_contracts.disclosure.subgroups import Disclosure

#: Why a difference has no value, and why it has none but a value.
TOO_FEW = "fewer than two test patients of a class"
SEPARATED = "AUROCs of 0 or 1 tell nothing of their error"


@dataclass(frozen=True)
class _Area:
    """An AUROC, and what each test patient adds to its error; NaN: it has none."""

    value: float
    influence: NDArray[np.float64]
    """(patients,) of all test patients of the study, 0 for those without a label."""


def differences(known: Sequence[Model], rule: Disclosure) -> list[dict[str, Any]]:
    """Rows of DIFFERENCES: every two models of targets with classes, the earlier minus the later.

    Both AUROCs, of one task or of two, vary with the same patients, so each patient's influence on
    the difference is the difference of the influences; `delong` has the variance. Beyond two
    classes the AUROC is the mean over them, and models of one task are compared class by class
    too. An AUROC of 0 or 1 counts as without error; of two of them there is no interval and no p.
    """
    measured = [model for model in known if model.kind == "classes"]
    tested = {model.key: model.labelled("test") for model in measured}
    patients = pl.concat([t["subject_id"] for t in tested.values()] or [pl.Series([""])])
    patients = patients.unique().sort()
    subject = {
        key: np.asarray(patients.search_sorted(t["subject_id"]), dtype=np.intp)
        for key, t in tested.items()
    }
    seen = {key: np.bincount(of, minlength=len(patients)) > 0 for key, of in subject.items()}
    areas = {
        model.key: dict(_areas(model, tested[model.key], subject[model.key], len(patients)))
        for model in measured
    }
    rows = []
    for one, other in combinations(measured, 2):
        both = int((seen[one.key] | seen[other.key]).sum())
        for metric in areas[one.key] if one.task == other.task else ["auroc"]:
            hidden = any(
                rule.hides((*model.key, "test", "all", "all"), metric.partition(":")[2])
                for model in (one, other)
            )
            rows.append(
                one.columns
                | {"other_task": other.task, "other_name": other.name, "metric": metric}
                | _difference(areas[one.key][metric], areas[other.key][metric], both, hidden)
            )
    return rows


def _areas(
    model: Model, test: pl.DataFrame, subject: NDArray[np.intp], patients: int
) -> Iterator[tuple[str, _Area]]:
    nothing = _Area(np.nan, np.zeros(patients))
    target = test["target"].to_numpy().astype(np.intp)
    odds = log_odds(matrix(test["logits"])) if test.height else np.empty((0, len(model.classes)))
    chosen = [1] if len(model.classes) == 2 else range(len(model.classes))
    each = {}
    for c in chosen:
        try:
            value, influence = auroc_influence(odds[:, c], target == c, subject)
        except TooFewPatientsError:
            each[model.classes[c]] = nothing
            continue
        whole = np.zeros(patients)
        whole[: len(influence)] = influence
        each[model.classes[c]] = _Area(value, whole)
    found = list(each.values())
    yield (
        "auroc",
        _Area(
            float(np.mean([a.value for a in found])), np.mean([a.influence for a in found], axis=0)
        ),
    )
    if len(found) > 1:
        yield from ((f"auroc:{name}", area) for name, area in each.items())


def _difference(one: _Area, other: _Area, patients: int, hidden: bool) -> dict[str, Any]:
    empty = dict.fromkeys(("value", "low", "high", "p", "subjects"))
    value, influence = one.value - other.value, one.influence - other.influence
    if hidden:
        return empty | {"suppressed": True, "reason": None}
    if not np.isfinite(value):
        return empty | {"subjects": patients, "suppressed": False, "reason": TOO_FEW}
    if not (one.influence.any() or other.influence.any()):
        return empty | {
            "value": value,
            "subjects": patients,
            "suppressed": False,
            "reason": SEPARATED,
        }
    return {
        "value": value, **interval(value, influence, -1), "p": p_of(value, influence),
        "subjects": patients, "suppressed": False, "reason": None,
    }  # fmt: skip
