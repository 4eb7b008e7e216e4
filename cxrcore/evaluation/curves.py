"""Points of ROC, precision-recall and calibration curves, with patient-bootstrap bands."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from cxrcore.evaluation.bootstrap import (
    Statistic,
    at_least_exact,
    image_weights,
    percentile_interval,
)
from cxrcore.evaluation.metrics import lanes
from cxrcore.evaluation.strata import log_odds, matrix
from cxrcore.evaluation.table import Resamples, columns_of
from cxrcore.model import Model
from data_contracts.cohort import SPLITS
from data_contracts.disclosure import is_small
from data_contracts.disclosure.subgroups import Disclosure

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Abscissae of ROC and precision-recall curves. A fixed grid, so that bands are pointwise.
GRID = np.linspace(0, 1, 101)
MOST_BINS = 10
#: Resamples of a band; a percentile of a band is read from a picture.
BAND_REPLICATES = 400


def curves_of(model: Model, resamples: Resamples, rule: Disclosure) -> Iterator[dict[str, Any]]:
    """Rows of CURVES: every split and class that `rule` shows, bands on the test split."""
    if model.kind != "classes":
        return
    for split in SPLITS:
        labelled = model.labelled(split)
        if not labelled.height:
            continue
        names, drawn = resamples[split]
        subject = columns_of(labelled["subject_id"], names)
        logits = matrix(labelled["logits"])
        odds, chance = log_odds(logits), softmax(logits + model.prior_shift, axis=1)
        target = labelled["target"].to_numpy()
        weights = drawn[:BAND_REPLICATES] if split == "test" else None
        for c in [1] if len(model.classes) == 2 else range(len(model.classes)):
            positive = target == c
            hidden = rule.hides((*model.key, split, "all", "all"), model.classes[c])
            if hidden or positive.all() or not positive.any():
                continue
            where = model.columns | {"split": split, "class": model.classes[c]}
            found: dict[str, tuple[Floats, Statistic]] = {
                "roc": (GRID, partial(roc, odds[:, c], positive)),
                "precision_recall": (GRID, partial(precision_recall, odds[:, c], positive)),
                "calibration": calibration(chance[:, c], positive, subject, rule.least),
            }
            patients = len(np.unique(subject[positive]))
            # Of how many patients each point is a share; the ends of a ROC are none.
            shares_of = {
                "roc": np.where((GRID > 0) & (GRID < 1), patients, np.inf),
                "precision_recall": np.maximum(1, GRID * patients),
            }
            for kind, (x, curve) in found.items():
                of = shares_of.get(kind, np.full(len(x), np.inf))
                yield from _rows(where | {"curve": kind}, x, curve, weights, subject, of)


def _rows(
    where: dict[str, Any], x: Floats, curve: Statistic, weights: NDArray[np.uint8] | None,
    subject: NDArray[np.intp], patients: Floats,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """The points of a curve, each a share of so many `patients` (points,)."""
    y = curve(np.ones((1, len(subject))))[0]
    bands: Floats | None = None
    if weights is not None:
        bands = np.concatenate([curve(block) for block in image_weights(weights, subject)])
    for point in range(len(x)):
        low = high = None
        if bands is not None:
            low, high, _ = percentile_interval(bands[:, point])
            low, high = at_least_exact(y[point], low, high, patients[point])
        band = {"low": low, "high": high, "at_risk": None}
        yield where | {"point": point, "x": x[point], "y": y[point]} | band


def roc(scores: Floats, positive: Bools, weights: Floats) -> Floats:
    """Sensitivity at each 1 - specificity of `GRID`, for each set of weights: (r, grid).

    NaN where a set of weights leaves a class empty.
    """
    from cxrcore.evaluation import curve_kernels

    out = np.empty((len(weights), len(GRID)))
    curve_kernels.roc(*_sorted(scores, positive), np.ascontiguousarray(weights), GRID, out)
    out[:, 0] = np.where(np.isnan(out[:, 0]), np.nan, 0.0)
    return out


def precision_recall(scores: Floats, positive: Bools, weights: Floats) -> Floats:
    """Precision at the highest threshold that reaches each recall of `GRID`: (r, grid)."""
    from cxrcore.evaluation import curve_kernels

    out, recalls = np.empty((len(weights), len(GRID))), np.clip(GRID - 1e-12, 1e-12, None)
    drawn = np.ascontiguousarray(weights)
    curve_kernels.precision_recall(*_sorted(scores, positive), drawn, recalls, out)
    return out


def calibration(
    predicted: Floats, positive: Bools, subject: NDArray[np.intp], least: int
) -> tuple[Floats, Statistic]:
    """Mean predicted probability of each bin, and the observed share in it: (bins,), (r, bins).

    The bins end at quantiles, so equal predictions share a bin. There are as many, up to
    `MOST_BINS`, as leave no small number of patients of either class in any of them; none when
    not even two do.
    """
    for count in range(MOST_BINS, 1, -1):
        edges = np.quantile(predicted, np.linspace(0, 1, count + 1))
        bins = np.searchsorted(edges[1:-1], predicted)
        inside = [bins == b for b in np.unique(bins)]
        sides = [i & s for i in inside for s in (positive, ~positive)]
        if len(inside) > 1 and not any(
            is_small(len(np.unique(subject[side])), least) for side in sides
        ):
            number = np.unique(bins, return_inverse=True)[1]
            observed = partial(_shares, number, positive.astype(np.float64))
            return np.array([predicted[i].mean() for i in inside]), observed
    return np.empty(0), lambda weights: np.empty((len(weights), 0))


def _shares(bins: NDArray[np.intp], positive: Floats, weights: NDArray[Any]) -> Floats:
    """Weighted share of positives (r, bins) in each of the bins, numbered from 0: (n,)."""
    from cxrcore.evaluation import kernels

    out = np.empty((len(weights), int(bins.max()) + 1))
    done = 0
    for block in lanes(weights):
        sums = np.empty((out.shape[1], 3, block.shape[1]))
        kernels.node_sums(bins, positive, block, sums)
        all_, ours = sums[:, 0].T, sums[:, 1].T
        share = np.divide(ours, all_, out=np.full_like(ours, np.nan), where=all_ > 0)
        out[done : done + len(share)] = share
        done += len(share)
    return out


def _sorted(scores: Floats, positive: Bools) -> tuple[NDArray[np.intp], Bools, Bools]:
    """Images from the highest score down, their class, and the last of each run of ties."""
    order = np.argsort(-scores, kind="stable")
    return order, positive[order], np.append(np.diff(scores[order]) != 0, True)
