"""A linear probe: what a network's frozen features know of an attribute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit, logit

from cxrcore.associations.estimate import (
    Adjustment,
    Estimate,
    Floats,
    beside_null,
)
from cxrcore.covariates import residual_maker, residuals
from cxrcore.evaluation.bootstrap import percentile_interval, resample
from cxrcore.evaluation.chance import ranked_auroc
from cxrcore.evaluation.metrics import Weights, auroc, auroc_of
from cxrcore.permutation import PatientPermutations

Indices = NDArray[np.intp]

#: Ridge penalties per row of standardised features, strongest first: ties go to the stronger.
_PENALTIES = np.logspace(2, -4, 9)
_FOLDS = 5


def probe_scores(
    features: NDArray[np.floating], targets: Sequence[Indices], subject: Indices, train: Indices,
    test: Indices, seed: int, regressors: Floats | None = None,
) -> list[Floats]:  # fmt: skip
    """Scores (test rows, classes) of linear probes for the classes of `targets` (n,), one each.

    Ridge regression of each class against the rest, on `features` (n, d) standardised on the
    rows `train`; each class's penalty has the best AUROC over inner folds of whole patients.
    Scores rank images and are no probabilities. A class without a train row has NaN scores.

    `regressors` (n, q), with an intercept, make it the probe beyond the covariates: it is fitted
    on what they leave of the train features (Frisch & Waugh 1933), and they are regressed out of
    the scores on the test rows themselves, so that no error of the train fit is left.

    Raises:
        ValueError: a patient in both `train` and `test`, or features that are not finite.
    """
    if np.isin(subject[test], subject[train]).any():
        raise ValueError("a patient is among both the train and the test rows of the probe")
    x, scale = _standardised(
        finite(features[train]), None if regressors is None else regressors[train]
    )
    each = [np.eye(int(target.max()) + 1)[target[train]] for target in targets]
    one_hot = np.concatenate(each, axis=1)
    present = np.asarray(one_hot.any(axis=0))
    fold = _patient_folds(subject[train], seed)
    weights = np.full((features.shape[1], len(present)), np.nan)
    weights[:, present] = _ridge_weights(x, one_hot[:, present], fold) / scale[:, None]
    scores = finite(features[test]).astype(np.float64) @ weights
    if regressors is not None:
        scores[:, present] = residuals(scores[:, present], regressors[test])
    return np.split(scores, np.cumsum([classes.shape[1] for classes in each])[:-1], axis=1)


def finite(features: NDArray[np.floating]) -> NDArray[np.floating]:
    """The features (n, d) themselves; ValueError names how many rows are not finite."""
    bad = int((~np.isfinite(features)).any(axis=1).sum())
    if bad:
        raise ValueError(f"features of {bad} of {len(features)} images are not finite")
    return features


def _standardised(
    features: NDArray[np.floating], regressors: Floats | None
) -> tuple[NDArray[np.float32], Floats]:
    """Features (or what the regressors leave of them) in units of their scale (d,)."""
    x = features.astype(np.float64)
    x -= x.mean(axis=0)
    spread = x.std(axis=0)
    if regressors is not None:
        x = residuals(x, regressors)
    scale = x.std(axis=0)
    # What is constant, or constant but for rounding once the covariates are known, is no feature.
    constant = scale <= 1e-6 * spread
    x[:, constant], scale[constant] = 0, 1
    return (x / scale).astype(np.float32), scale


def _patient_folds(subject: Indices, seed: int) -> Indices:
    names, patient = np.unique(subject, return_inverse=True)
    return np.asarray(np.random.default_rng(seed).permutation(len(names)) % _FOLDS)[patient]


def _ridge_weights(x: NDArray[np.float32], one_hot: Floats, fold: Indices) -> Floats:
    """Weights (d, classes), each class with the penalty that the inner folds choose for it.

    The folds' Gram matrices are all that is needed: one pass over the features. Of fewer rows than
    features only the directions that the rows span have weights, the same at less expense.
    """
    if len(x) < x.shape[1]:
        left, size, right = np.linalg.svd(x.astype(np.float64), full_matrices=False)
        return np.asarray(right.T @ _ridge_weights((left * size).astype(np.float32), one_hot, fold))
    y = one_hot - one_hot.mean(axis=0)
    parts = [fold == f for f in range(_FOLDS)]
    grams, crosses = [], []
    for part in parts:
        rows = x[part].astype(np.float64)
        grams.append(rows.T @ rows)
        crosses.append(rows.T @ y[part])
    gram, cross = sum(grams), sum(crosses)
    gained = np.zeros((len(_PENALTIES), y.shape[1]))
    for part, g, c in zip(parts, grams, crosses, strict=True):
        held, rows = one_hot[part] == 1, int((~part).sum())
        penalised = [_ridge(gram - g, cross - c, rows * penalty) for penalty in _PENALTIES]
        scores = x[part].astype(np.float64) @ np.concatenate(penalised, axis=1)
        for column, score in enumerate(scores.T):
            i, k = divmod(column, y.shape[1])
            # A fold without the class, or without the rest, says nothing.
            gained[i, k] += np.nan_to_num(auroc_of(score, held[:, k]), nan=0.5)
    best = gained.argmax(axis=0)
    weights = np.empty((x.shape[1], y.shape[1]))
    for i in np.unique(best):
        weights[:, best == i] = _ridge(gram, cross[:, best == i], len(x) * _PENALTIES[i])
    return weights


def _ridge(gram: Floats, cross: Floats, penalty: float) -> Floats:
    """Weights (d, classes) from XᵀX (d, d) and XᵀY (d, classes)."""
    factor = cho_factor(gram + penalty * np.eye(len(gram)), overwrite_a=True, check_finite=False)
    return np.asarray(cho_solve(factor, cross, check_finite=False))


def macro_auroc(scores: Floats, target: Indices, weights: Weights) -> Floats:
    """Mean over classes of each one's AUROC against the rest (r,); of two, that of the last.

    `scores` (n, classes), `target` (n,), `weights` (r, n); NaN where a class is not drawn.
    """
    each = [auroc(scores[:, c], target == c, weights) for c in _judged(scores)]
    return np.asarray(np.mean(each, axis=0))


def macro_auroc_of(scores: Floats, target: Indices) -> float:
    """As `macro_auroc` with equal weights."""
    return float(np.mean([auroc_of(scores[:, c], target == c) for c in _judged(scores)]))


def _judged(scores: Floats) -> Sequence[int]:
    return [1] if scores.shape[1] == 2 else range(scores.shape[1])


def without_images(scores: Floats, target: Indices) -> str:
    """Why an AUROC of `scores` (n, classes) is not defined; empty: it is."""
    if not np.isfinite(scores).all():
        return "a class has no image to train on"
    if len(np.unique(target)) < max(2, scores.shape[1]):
        return "a class has no test image"
    return ""


def probe_auroc(
    scores: Floats, target: Indices, subject: Indices, weights: NDArray[np.uint8], seed: int,
    regressors: Floats | None = None, draws: int = 199,
) -> list[Estimate]:  # fmt: skip
    """Macro AUROC of a probe's `scores` (n, classes) on test rows with the classes `target` (n,).

    `subject` (n,) is each row's column in `weights` (r, subjects). Interval and null both hold the
    fitted probe fixed: they speak of other patients, not of another fit on other train patients.
    The null "shuffled patients" gives each patient another's classes: the scores know nothing of
    the class. With `regressors` (n, q) of the test rows, the ones that `probe_scores` had, the null
    "shuffled residuals" shuffles what they leave of the scores and regresses again (Freedman &
    Lane 1983): the scores know no more of the class than the covariates do.
    """
    base = Estimate("probe_auroc", np.nan, len(np.unique(subject)))
    null = "shuffled patients"
    if regressors is not None:
        base, null = replace(base, adjustment="adjusted"), "shuffled residuals"
    if reason := without_images(scores, target):
        return [replace(base, reason=reason)]
    rng, patients = np.random.default_rng(seed), PatientPermutations(subject)
    orders = (patients.draw(rng) for _ in range(draws))
    if regressors is None:
        of_classes = ranked_auroc(scores)
        shuffled = np.array([of_classes(target[rows]) for rows in orders])
    else:
        shuffled = _of_shuffled_residuals(scores, target, orders, residual_maker(regressors))
    value = macro_auroc_of(scores, target)
    resampled = resample(partial(macro_auroc, scores, target), weights, subject)
    base = replace(base, value=value)
    return [beside_null(base, _auroc_interval(value, resampled, target), shuffled, null)]


def _of_shuffled_residuals(
    scores: Floats, target: Indices, orders: Iterable[Indices], leave: Callable[[Floats], Floats]
) -> Floats:
    """Macro AUROC (draws,) of scores in other orders, after the regressors are taken out again."""
    judged = list(_judged(scores))
    columns = np.ascontiguousarray(scores[:, judged].T)
    found = []
    for order in orders:
        left = np.ascontiguousarray(leave(columns[:, order].T).T)
        pairs = zip(left, judged, strict=True)
        found.append(np.mean([auroc_of(score, target == c) for score, c in pairs]))
    return np.array(found)


def _auroc_interval(
    value: float, resampled: Floats, target: Indices
) -> tuple[float | None, float | None]:
    """95 % interval, normal on the logit scale with the bootstrap's standard error.

    Percentiles fall short near 1 (15 positives, AUROC .92: coverage .87 against .94 here). Values
    are kept half a pair of images away from 0 and 1.
    """
    if percentile_interval(resampled)[0] is None:
        return None, None
    few = np.bincount(target).min()
    edge = 0.5 / (few * (len(target) - few))
    middle, drawn = (logit(np.clip(v, edge, 1 - edge)) for v in (value, resampled))
    margin = 1.96 * float(np.nanstd(drawn))
    return float(expit(middle - margin)), float(expit(middle + margin))


def probe_gain(
    scores: Floats, baseline: Floats, target: Indices, subject: Indices,
    weights: NDArray[np.uint8], adjustment: Adjustment = "crude",
) -> list[Estimate]:  # fmt: skip
    """Macro AUROC of `scores` less that of another network's probe on the same test rows.

    Arguments as in `probe_auroc`. The interval is of the paired bootstrap over patients. The null
    "equal AUROC" (two-sided) has the bootstrap's differences moved to mean 0 as its draws (Efron &
    Tibshirani 1993, sec. 16.4): unlike swapping the two networks' scores, it asks only that the
    AUROCs are equal, not that the scores are distributed alike.
    """
    base = Estimate("probe_auroc_gain", np.nan, len(np.unique(subject)), adjustment)
    if reason := without_images(scores, target) or without_images(baseline, target):
        return [replace(base, reason=reason)]

    def gain(drawn: Weights) -> Floats:
        ours, theirs = macro_auroc(scores, target, drawn), macro_auroc(baseline, target, drawn)
        return np.asarray(ours - theirs)

    resampled = resample(gain, weights, subject)
    base = replace(base, value=float(gain(np.ones((1, len(target))))[0]), resampled=resampled)
    null = resampled - np.nanmean(resampled)
    interval = percentile_interval(resampled)[:2]
    return [beside_null(base, interval, null, "equal AUROC", "two-sided")]
