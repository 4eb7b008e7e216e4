"""Who is in the collection: the patients' facts, and the plan of the whole population.

Everything is decided here, from the seed alone, before a single image is rendered; the workers
that render them have nothing left to choose that another part needs to know.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cxrcore.synthetic.encounters import arrive, make_subject, standard_age
from cxrcore.synthetic.presets import PRESETS, TRAITS, PresetName
from cxrcore.synthetic.records import Ids, Subject

#: Shares of the subjects that differ from the rest in one way; nobody differs in two.
KINDS = {
    "withheld": 0.04,  # in the radiograph tables only
    "under_age": 0.01,
    "no_admission": 0.01,
    "after_discharge": 0.015,  # studied after the last discharge: no mortality label
    "long_after_discharge": 0.005,  # as before, and no admission within a year
    "between_admissions": 0.03,  # studied in no stay: no mortality label
    "emergency": 0.08,  # studied within 24 hours before the admission
    "race_conflict": 0.02,
    "race_partly_unknown": 0.03,
    "race_unknown": 0.01,
    "race_other": 0.015,
    "several_studies": 0.12,
    "lateral_only": 0.005,
    "view_unstated": 0.01,  # ViewPosition is blank, the view code is not
    "damaged": 0.01,  # the first image's pixel data end early
}


SLOTS = 4
"""No subject has more studies or admissions than this."""


def plan(preset: PresetName, subjects: int, seed: int) -> list[Subject]:
    """The population of a collection, sorted by `subject_id`.

    Each subject's encounters come from a generator of (seed, its number), so that it depends
    neither on the order of work nor on the preset; the preset decides the labels.
    """
    kinds = assign_kinds(np.random.default_rng([seed, 0]), subjects)
    arrivals = [arrive(seed, i, kind) for i, kind in enumerate(kinds)]
    ages = np.array([arrival.age for arrival in arrivals])
    labels = assign_labels(np.random.default_rng([seed, 1]), ages, preset)
    ids = _assign_ids(np.random.default_rng([seed, 2]), subjects)
    return [
        make_subject(arrivals[i], (seed, 4, i), kinds[i], labels[i], ids[i])
        for i in range(subjects)
    ]


def assign_kinds(rng: np.random.Generator, subjects: int) -> list[str]:
    """A kind for every subject, in the shares of `KINDS`; all others are "plain"."""
    counts = {kind: round(share * subjects) for kind, share in KINDS.items()}
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    kinds += ["plain"] * (subjects - len(kinds))
    return [kinds[i] for i in rng.permutation(subjects)]


def assign_labels(
    rng: np.random.Generator, ages: npt.NDArray[np.int_], preset: PresetName
) -> list[dict[str, str]]:
    """The class of every task for every subject, in the shares of `TRAITS`; `ages` in years.

    A Gaussian copula: each task has a latent normal variable, of the preset's correlation with
    mortality's or with age, and its classes are cut at the quantiles of their cumulated shares.
    """
    planted, subjects = PRESETS[preset], len(ages)
    by_age = planted.driver == "age"
    driver = standard_age(ages) if by_age else rng.standard_normal(subjects)
    columns: dict[str, list[str]] = {}
    for task, trait in TRAITS.items():
        tie = planted.tie(task)
        latent = tie * driver + np.sqrt(1 - tie**2) * rng.standard_normal(subjects)
        columns[task] = _cut(latent, trait.classes, trait.shares)
    return [{task: column[i] for task, column in columns.items()} for i in range(subjects)]


def _cut(
    latent: npt.NDArray[np.float64], classes: tuple[str, ...], shares: tuple[float, ...]
) -> list[str]:
    rank = latent.argsort().argsort()
    number = np.searchsorted(np.cumsum(shares[:-1]), (rank + 0.5) / len(latent))
    return [classes[n] for n in number]


def _assign_ids(rng: np.random.Generator, subjects: int) -> list[Ids]:
    """Numbers that look like MIMIC's: subjects 1…, studies 5…, admissions 2…, of 8 digits."""
    own = np.sort(rng.choice(10_000_000, subjects, replace=False)) + 10_000_000
    studies = rng.choice(10_000_000, (subjects, SLOTS), replace=False) + 50_000_000
    stays = rng.choice(10_000_000, (subjects, SLOTS), replace=False) + 20_000_000
    return [
        Ids(int(s), tuple(map(int, a)), tuple(map(int, b)))
        for s, a, b in zip(own, studies, stays, strict=True)
    ]
