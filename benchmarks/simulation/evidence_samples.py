"""Samples of the levels of evidence: patients, labels, networks' log-odds, features and maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

from benchmarks.simulation.map_samples import places, regions
from benchmarks.simulation.samples import Drawn, Sample, Stated, stated, weights_of, with_intercept
from cxrcore.associations.cka import cka
from cxrcore.associations.erasure import erasure_loss
from cxrcore.associations.estimate import Adjustment, Estimate
from cxrcore.associations.evidence import joined
from cxrcore.associations.label import label_estimates
from cxrcore.associations.linear_head import FitImages, HeldOutImages
from cxrcore.associations.probe import probe_auroc, probe_gain, probe_scores
from cxrcore.associations.prognosis import follow_up, prognosis_estimates, survival_by_quarter
from cxrcore.associations.score import score_estimates
from cxrcore.evaluation.bootstrap import percentile_interval, resample
from cxrcore.evaluation.metrics import auroc

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

OUTCOME, GROUPS = ("survived", "died"), ("a", "b", "c")
_FEATURES = 12
_TRAIN = 400
_DAYS = np.array([100.0, 300.0])
#: Of what networks of the same settings know, from one training to the next.
_TRAINING_SD = 0.15


def _group(age: Floats, aged: float, rng: np.random.Generator) -> Indices:
    """A class of three that follows age."""
    return np.asarray((np.outer(age, [-aged, 0, aged]) + rng.gumbel(size=(len(age), 3))).argmax(1))


def label(drawn: Drawn) -> Iterator[Stated]:
    """The outcome follows age, and with an effect the last group."""
    rng, n = drawn.rng, drawn.patients
    age = rng.normal(size=n)
    group = _group(age, drawn.aged, rng)
    odds = -0.3 + 0.8 * drawn.aged * age + 0.9 * drawn.effect * (group == 2)
    died = (rng.random(n) < expit(odds)).astype(np.intp)
    yield from stated("label", label_estimates(
        died, group, (OUTCOME, GROUPS), with_intercept(age), np.arange(n), weights_of(drawn),
        drawn.permutations, drawn.seed,
    ))  # fmt: skip


def score(drawn: Drawn) -> Iterator[Stated]:
    """The log-odds follow outcome and age, and with an effect the last group."""
    rng, n = drawn.rng, drawn.patients
    age = rng.normal(size=n)
    group, died = _group(age, drawn.aged, rng), rng.integers(0, 2, n)
    log_odds = 0.7 * drawn.aged * age + 0.6 * drawn.effect * (group == 2) + rng.normal(size=n)
    if drawn.effect or drawn.aged:
        log_odds += died
    yield from stated("score", score_estimates(
        log_odds, group, GROUPS, died, with_intercept(age), np.arange(n), weights_of(drawn),
        drawn.permutations, drawn.seed,
    ))  # fmt: skip


def _features(
    n: int, drawn: Drawn, rng: np.random.Generator
) -> tuple[tuple[Floats, Floats], Indices, Floats]:
    """Two networks' features of the same patients, their groups, and covariates."""
    age = rng.normal(size=n)
    group = _group(age, drawn.aged, rng)
    both = []
    for knows in (1.2 * drawn.effect, 0.5 * drawn.effect):
        x = rng.normal(size=(n, _FEATURES))
        x[:, :3] += knows * np.eye(3)[group]
        x[:, 3] += drawn.aged * age
        both.append(x)
    return (both[0], both[1]), group, with_intercept(age)


def representation(drawn: Drawn) -> Iterator[Stated]:
    """Probes fitted on the same train patients in every draw; without an effect on others too."""
    fit = np.random.default_rng(3) if drawn.effect else drawn.rng
    train, test = _features(_TRAIN, drawn, fit), _features(drawn.patients, drawn, drawn.rng)
    group, known = (np.concatenate([train[i], test[i]]) for i in (1, 2))
    everyone = np.arange(len(group))
    rows, held_out = everyone[:_TRAIN], everyone[_TRAIN:]
    subject, weights = np.arange(drawn.patients), weights_of(drawn)
    for regressors in (None, known):
        ours, theirs = (
            probe_scores(np.concatenate(x), [group], everyone, rows, held_out, 0, regressors)[0]
            for x in zip(train[0], test[0], strict=True)
        )
        inside = None if regressors is None else regressors[held_out]
        yield from stated("representation", probe_auroc(
            ours, test[1], subject, weights, drawn.seed, inside, min(199, drawn.permutations)
        ))  # fmt: skip
        adjustment: Adjustment = "crude" if regressors is None else "adjusted"
        yield from stated(
            "representation", probe_gain(ours, theirs, test[1], subject, weights, adjustment)
        )


def alike(drawn: Drawn) -> Iterator[Stated]:
    """Features that share three of twelve directions; CKA of the population is known."""
    rng, n, shared = drawn.rng, min(2000, drawn.patients), 0.7 * drawn.effect
    own = np.sqrt(1 - shared**2)
    both = rng.normal(size=(n, 3))
    x, y = (rng.normal(size=(n, _FEATURES)) for _ in range(2))
    for one in (x, y):
        one[:, :3] = shared * both + own * one[:, :3]
    (found,) = cka(x, y, np.arange(n), drawn.seed, draws=min(199, drawn.permutations))
    truth = 3 * shared**4 / _FEATURES
    name = "representation: debiased_cka, crude"
    yield Stated(name, found.value, found.low, found.high, found.p, truth=truth)


def use(drawn: Drawn) -> Iterator[Stated]:
    """A network that reads the group with an effect; fitted on the same patients every time."""
    fit = np.random.default_rng(4) if drawn.effect else drawn.rng
    (features, logits, _, group, known), held_out = (
        _network(n, drawn, rng) for n, rng in ((_TRAIN, fit), (drawn.patients, drawn.rng))
    )
    train = FitImages(features, logits, group, np.arange(_TRAIN), {"adjusted": known})
    test = HeldOutImages(*held_out[:3], np.arange(drawn.patients), weights_of(drawn))
    yield from stated("use", erasure_loss(train, test, drawn.seed, min(199, drawn.permutations)))


def _network(
    n: int, drawn: Drawn, rng: np.random.Generator
) -> tuple[Floats, Floats, Indices, Indices, Floats]:
    """Features, logits that read the fourth and with an effect the group's, outcome, group."""
    (x, _), group, known = _features(n, drawn, rng)
    head = x[:, 3] + x[:, 4] + 0.9 * drawn.effect * x[:, 2]
    died = (rng.random(n) < expit(1.3 * (head - head.mean()))).astype(np.intp)
    return x, np.stack([-head, head], axis=1) / 2, died, group, known


def prognosis(drawn: Drawn) -> Iterator[Stated]:
    """Death by log-odds and age, seen for a year, dated to 5 days."""
    rng, n = drawn.rng, drawn.patients
    age, sex = rng.uniform(18, 91, n).round(), rng.integers(0, 2, n)
    log_odds = rng.normal(size=n) + 0.02 * drawn.aged * (age - 55)
    rate = np.exp(0.5 * drawn.effect * log_odds + 0.03 * drawn.aged * (age - 55)) / 700
    death = 5 * np.ceil(rng.exponential(1 / rate) / 5)
    data = follow_up(log_odds, death, np.minimum(death, 500), age, sex, np.arange(n))
    found = prognosis_estimates(data, weights_of(drawn), drawn.permutations, drawn.seed)
    yield from stated("prognosis", found)
    curves = survival_by_quarter(data, _DAYS)
    for quarter in (min(curves), max(curves)):
        curve = curves[quarter]
        for at, day in enumerate(_DAYS):
            name = f"prognosis: survival at day {day:.0f}, quarter {quarter}"
            yield Stated(name, curve.survival[at], float(curve.low[at]), float(curve.high[at]))


def trainings(drawn: Drawn) -> Iterator[Stated]:
    """The mean AUROC over three trainings, each of which knows a little more or less."""
    rng, n = drawn.rng, drawn.patients
    target, noise = rng.random(n) < 0.4, rng.normal(size=n)
    weights, each = weights_of(drawn), []
    for _ in range(3):
        knows = 1 + _TRAINING_SD * rng.normal()
        scores = knows * target + np.sqrt(0.5) * (noise + rng.normal(size=n))
        one = resample(partial(auroc, scores, target), weights, np.arange(n))
        value = float(auroc(scores, target, np.ones((1, n)))[0])
        each.append(Estimate("probe_auroc", value, n, "crude", *percentile_interval(one)[:2]))
    found = joined(each)
    truth = float(norm.cdf(1 / np.sqrt(2 + _TRAINING_SD**2)))
    name = "several trainings: mean of three"
    yield Stated(name, found.value, found.low, found.high, truth=truth)


EVIDENCE_SAMPLES: Mapping[str, Sample] = {
    "label": label, "score": score, "representation": representation, "cka": alike, "use": use,
    "attribution": places, "regions": regions, "prognosis": prognosis,
    "trainings": trainings,
}  # fmt: skip
