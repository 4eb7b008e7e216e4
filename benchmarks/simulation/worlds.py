"""Worlds: what the networks of each task see, and what of it is shared with the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

TASKS = {
    "mortality": ("survived", "died"),
    "gender": ("F", "M"),
    "insurance": ("Medicaid", "Medicare", "Other"),
}
REFERENCE = "mortality"
GRID = 9
#: Largest evidence of a class in a map cell, per unit of its feature, in SDs of the noise.
_CONTRAST = 0.6


@dataclass(frozen=True)
class Study:
    """How large a drawn analysis is."""

    tasks: Mapping[str, tuple[str, ...]]
    """By task its classes."""
    splits: Mapping[str, int]
    """By split its patients."""
    models: Mapping[str, tuple[int, str]]
    """By name the seed and the control of the models of every task."""
    idle: int
    """Features beside those that the head reads."""


#: Small, so that many can be drawn.
SMALL = Study(
    TASKS, {"train": 300, "val": 40, "test": 260},
    {"main": (0, "none"), "permuted-labels": (0, "permuted-labels")}, 60,
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """What the labels depend on, and what the networks see."""

    description: str
    sees: float = 1.4
    """Mean of the feature of the true class, in SDs: an AUROC of 0.92 of two classes. 0: blind."""
    aged: tuple[str, ...] = ()
    """Tasks whose labels follow age, and whose networks see age in place of the label."""
    with_reference: tuple[str, ...] = ()
    """Tasks whose networks look at the place where the reference's does."""
    risks: tuple[str, ...] = ()
    """Attributes that the reference's label follows."""
    used: tuple[str, ...] = ()
    """Attributes that the reference's network sees and uses."""
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By level of evidence the attributes that share with the reference; no others do."""


WORLDS = {
    "unrelated": World("each network reads its label, at a place drawn for it alone"),
    "blind": World("no network knows its label", sees=0.0),
    "same-place": World(
        "insurance is read where mortality is", with_reference=("insurance",),
        shared={"attribution": ("insurance",)},
    ),
    "confounded": World(
        "mortality and insurance follow age, and both networks read age at one place",
        aged=(REFERENCE, "insurance"), with_reference=("insurance",),
    ),
    "associated": World(
        "mortality follows insurance, but its network reads mortality alone",
        risks=("insurance",), shared={"label": ("insurance",)},
    ),
    "used": World(
        "mortality follows insurance, and its network reads both",
        risks=("insurance",), used=("insurance",),
        shared=dict.fromkeys(("label", "score", "representation", "use"), ("insurance",)),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Patients:
    """One image each."""

    age: Floats
    """(n,) years."""
    is_ap: NDArray[np.bool_]
    split: NDArray[np.str_]
    labels: Mapping[str, Indices]
    anatomy: Floats
    """(n,) how much of every map lies where all chests are alike."""


@dataclass(frozen=True)
class Network:
    """What one network gives for every image."""

    features: Floats
    """(n, d)"""
    logits: Floats
    """(n, k), linear in the features."""
    maps: Floats
    """(n, k, rows, columns)"""


def patients(world: World, study: Study, rng: np.random.Generator) -> Patients:
    """Patients with a label of every task."""
    tasks, splits = study.tasks, study.splits
    n = sum(splits.values())
    age = rng.uniform(40, 80, n)
    labels = {t: rng.integers(0, len(c), n) for t, c in tasks.items() if t != REFERENCE}
    for task in (t for t in world.aged if t != REFERENCE):
        labels[task] = _equal_classes(2 * _standard(age) + rng.logistic(size=n), len(tasks[task]))
    risk = 2.0 * _standard(age) if REFERENCE in world.aged else np.zeros(n)
    risk = risk + sum(1.5 * _standard(labels[t]) for t in world.risks)
    labels[REFERENCE] = _equal_classes(risk + rng.logistic(size=n), 2)
    split = rng.permutation(np.repeat(list(splits), list(splits.values())))
    return Patients(age, rng.random(n) < 0.5, split, labels, rng.normal(3, 1, n))


def place(rng: np.random.Generator) -> Floats:
    """Row and column of evidence, anywhere in the central 60 % of the grid."""
    return np.asarray(rng.uniform(0.2, 0.8, 2) * GRID - 0.5)


def network(
    world: World, study: Study, of: Patients, task: str, at: Floats, rng: np.random.Generator, *,
    permuted: bool,
) -> Network:  # fmt: skip
    """The network of a task that looks at a place; with labels `permuted` it learned nothing."""
    n, k = len(of.age), len(study.tasks[task])
    # What follows age, or an attribute, speaks for the last class and against the first.
    direction = np.linspace(-1, 1, k)
    truth = np.eye(k)[of.labels[task]]
    if task in world.aged:
        truth = 0.6 * _standard(of.age)[:, None] * direction
    own = rng.normal(size=(n, k)) + (0 if permuted else world.sees) * truth
    uses = () if permuted or task != REFERENCE else world.used
    seen = [_standard(of.labels[t]) + 0.5 * rng.normal(size=n) for t in uses]
    logits = own + 0.7 * sum((s[:, None] * direction for s in seen), start=np.zeros((n, k)))
    features = np.column_stack([own, *seen, rng.normal(size=(n, study.idle))])
    centred = own - own.mean(axis=1, keepdims=True)
    # The weights of the head differ between classes where all chests are alike, too.
    chest = of.anatomy[:, None] * rng.normal(1, 0.3, k)
    maps = (
        chest[:, :, None, None] * _blob(np.array([GRID - 1, GRID - 1]) / 2, 2.5)
        + _CONTRAST * centred[:, :, None, None] * _blob(at, 1.2)
        + _smooth(rng.normal(size=(n, k, GRID, GRID)))
    )
    return Network(features, logits, maps)


def _equal_classes(latent: Floats, classes: int) -> Indices:
    """Equally frequent classes along a latent value (n,)."""
    return np.digitize(latent, np.quantile(latent, np.arange(1, classes) / classes))


def _standard(values: NDArray[np.number]) -> Floats:
    return np.asarray((values - values.mean()) / values.std())


def _blob(at: Floats, width: float) -> Floats:
    row, column = np.mgrid[:GRID, :GRID]
    return np.asarray(np.exp(-((row - at[0]) ** 2 + (column - at[1]) ** 2) / (2 * width**2)))


def _smooth(noise: Floats) -> Floats:
    """Noise of SD 1 whose neighbouring cells are alike."""
    distance = np.subtract.outer(np.arange(GRID), np.arange(GRID))
    kernel = np.exp(-(distance**2) / 2)
    kernel /= np.sqrt((kernel**2).sum(axis=1, keepdims=True))
    return np.asarray(kernel @ noise @ kernel.T)
