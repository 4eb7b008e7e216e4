"""Samples of patients on which statistics of the report are computed, so that they can be counted.

A sample takes so many patients at random and yields what is stated of them. `effect` 1 plants
something, 0 nothing; where labels and networks follow age, `aged` says how much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from cxrcore.associations.estimate import Adjustment, Estimate
from cxrcore.evaluation.added_value import added_value, metadata_baseline
from cxrcore.evaluation.bootstrap import patient_weights
from cxrcore.evaluation.curves import curves_of
from cxrcore.evaluation.delong import interval, macro_auroc_influence
from cxrcore.evaluation.differences import differences
from cxrcore.evaluation.table import evaluate, split_weights
from cxrcore.model import Model
from cxrcore.replication import interval as interval_of_difference
from data_contracts.disclosure.subgroups import Disclosure

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

EVERYTHING = Disclosure(0, set(), set())
#: A calibration curve's bins each hold at least so many patients of either class.
_DEFAULT = Disclosure(11, set(), set())
#: Abscissae at which the bands of curves are looked at.
_POINTS = {"roc": (10, 30, 90), "precision_recall": (20, 50, 80)}
_KINDS = {2: "two classes", 3: "three classes"}


@dataclass(frozen=True)
class Drawn:
    """How large a sample is, and what it is drawn by."""

    rng: np.random.Generator
    patients: int
    effect: float
    aged: float
    replicates: int
    permutations: int

    @property
    def seed(self) -> int:
        """Of the resamples and permutations."""
        return int(self.rng.integers(2**31))


@dataclass(frozen=True)
class Stated:
    """One statistic, and its true value where the sample knows it."""

    statistic: str
    value: float
    low: float | None
    high: float | None
    p: float | None = None
    adjustment: Adjustment = "crude"
    truth: float | None = None


Sample = Callable[[Drawn], Iterator[Stated]]


def stated(level: str, found: Iterator[Estimate] | list[Estimate]) -> Iterator[Stated]:
    """Estimates of a level of evidence."""
    for e in found:
        name = f"{level}: {e.statistic}, {e.adjustment.replace('_', ' ')}"
        if e.null and level == "use":
            name = f"{name}, {e.null}"
        yield Stated(name, e.value, e.low, e.high, e.p, e.adjustment)


def with_intercept(age: Floats) -> Floats:
    """A column of ones and age: (n, 2)."""
    return np.stack([np.ones_like(age), age], axis=1)


def weights_of(drawn: Drawn) -> NDArray[np.uint8]:
    """Resample weights of a sample's patients: (replicates, patients)."""
    return patient_weights(drawn.patients, drawn.replicates, drawn.seed, "sample")


def classified(drawn: Drawn, classes: int, knows: float, *, patients: int | None = None) -> Model:
    """A calibrated network's test predictions, two radiographs of every patient.

    Each class's log-odds rise by what the network knows of it; the errors of a patient's
    radiographs go together. Its threshold comes of the same 200 validation patients in every draw.
    """
    val = _predictions(np.random.default_rng(1), 200, classes, knows, "val")
    test = _predictions(drawn.rng, patients or drawn.patients, classes, knows, "test")
    names = tuple("abc"[:classes])
    table = pl.concat([val, test])
    return Model("task", "main", 0, "none", "classes", names, "", "", table, pl.DataFrame())


def _predictions(
    rng: np.random.Generator, patients: int, classes: int, knows: float, split: str
) -> pl.DataFrame:
    target = np.repeat(rng.integers(0, classes, patients), 2)
    noise = np.repeat(rng.normal(size=(patients, classes)), 2, axis=0)
    noise = np.sqrt(0.5) * (noise + rng.normal(size=noise.shape))
    # Gaussian evidence x of unit variance around `knows` has log-odds `knows` times x.
    evidence = knows * np.eye(classes)[target] + noise
    n = len(target)
    return pl.DataFrame({
        "image_id": [f"{split}{i}" for i in range(n)],
        "subject_id": np.char.mod(f"{split}%07d", np.arange(n) // 2),
        "split": [split] * n, "view": ["PA"] * n, "age_band": ["40-59"] * n,
        "target": target.astype(np.int8), "labels": [None] * n, "value": [None] * n,
        "logits": pl.Series(knows * evidence), "predicted_value": [None] * n,
    }).with_columns(pl.col("logits").reshape((n, classes)).arr.to_list())  # fmt: skip


def metrics(drawn: Drawn) -> Iterator[Stated]:
    """The table of metrics, of two and of three classes."""
    for classes, kind in _KINDS.items():
        model = classified(drawn, classes, 1.2)
        resamples = split_weights([model.predictions], drawn.replicates, drawn.seed)
        for row in evaluate(model, resamples):
            if (row["split"], row["stratum"]) == ("test", "all") and ":" not in row["metric"]:
                name = f"metrics: {row['metric']}, {kind}"
                yield Stated(name, row["value"], row["low"], row["high"])


def bands(drawn: Drawn) -> Iterator[Stated]:
    """Curves at some abscissae. A calibrated network's share in a bin is the bin's prediction."""
    model = classified(drawn, 2, 1.2)
    resamples = split_weights([model.predictions], drawn.replicates, drawn.seed)
    for row in curves_of(model, resamples, _DEFAULT):
        kind, point = row["curve"], row["point"]
        if row["split"] != "test" or point not in _POINTS.get(kind, (0, 1)):
            continue
        where = f"bin {point + 1}" if kind == "calibration" else f"at {row['x']:.1f}"
        truth = row["x"] if kind == "calibration" else None
        yield Stated(f"curves: {kind}, {where}", row["y"], row["low"], row["high"], truth=truth)


def paired(drawn: Drawn) -> Iterator[Stated]:
    """Differences of AUROC between two networks, and one AUROC by its influences."""
    knows = 1.0 + 0.3 * drawn.effect
    for classes, kind in _KINDS.items():
        one = classified(drawn, classes, knows)
        rng = np.random.default_rng(drawn.seed)
        test = one.labelled("test")
        target = test["target"].to_numpy()
        other = np.eye(classes)[target] + rng.normal(size=(len(target), classes))
        logits = pl.Series(other).reshape((len(target), classes)).arr.to_list()
        two = replace(one, name="other", predictions=test.with_columns(logits=logits))
        (row,) = differences([one, two], EVERYTHING)[:1]
        yield Stated(f"differences: auroc, {kind}", row["value"], row["low"], row["high"], row["p"])
        odds = np.stack(test["logits"].to_list())
        odds = odds - odds.mean(axis=1, keepdims=True)
        value, influence = macro_auroc_influence(odds, target, np.arange(len(target)) // 2)
        ends = interval(value, influence, 0)
        yield Stated(f"two variables: auroc, {kind}", value, ends["low"], ends["high"])


def beyond_metadata(drawn: Drawn) -> Iterator[Stated]:
    """What the image adds to age and view: regressions of the same patients, others to test."""
    fitted = np.random.default_rng(2)
    sizes = {"train": (fitted, 600), "val": (fitted, 400), "test": (drawn.rng, drawn.patients)}
    age, target, logits = (
        np.concatenate(columns)
        for columns in zip(*(_aged(*size, drawn.effect) for size in sizes.values()), strict=True)
    )
    n = len(age)
    ids = [f"i{i}" for i in range(n)]
    split = np.repeat(list(sizes), [patients for _, patients in sizes.values()])
    predictions = pl.DataFrame({
        "image_id": ids, "subject_id": ids, "split": split, "target": target.astype(np.int8),
        "logits": pl.Series(np.stack([-logits, logits], axis=1)).reshape((n, 2)).arr.to_list(),
    })  # fmt: skip
    empty = pl.DataFrame()
    model = Model("t", "main", 0, "none", "classes", ("a", "b"), "", "", predictions, empty)
    view = np.where(np.arange(n) % 2, "AP", "PA")
    cohort = pl.DataFrame({"image_id": ids, "age": age, "view": view})
    baseline = metadata_baseline(model, cohort)
    for row in added_value(model, baseline) if baseline else ():
        name = f"beyond metadata: {row['quantity']}"
        yield Stated(name, row["value"], row["low"], row["high"], row["p"])


def _aged(rng: np.random.Generator, patients: int, effect: float) -> tuple[Floats, Indices, Floats]:
    """Ages, classes that follow them, and logits that know `effect` of the class."""
    age = rng.uniform(20, 90, patients)
    target = (rng.random(patients) < expit((age - 55) / 20)).astype(np.intp)
    return age, target, 0.8 * effect * target + rng.normal(size=patients)


def two_collections(drawn: Drawn) -> Iterator[Stated]:
    """The difference of two collections' AUROCs, the second of half as many patients."""
    found = []
    for knows, patients in ((1.2, drawn.patients), (0.8, drawn.patients // 2)):
        model = classified(drawn, 2, knows, patients=patients)
        resamples = split_weights([model.predictions], drawn.replicates, drawn.seed)
        rows = evaluate(model, resamples)
        found.append(next(r for r in rows if (r["split"], r["metric"]) == ("test", "auroc")))
    ends = interval_of_difference(*found)
    value = found[0]["value"] - found[1]["value"]
    yield Stated("replication: difference", value, ends["low"], ends["high"])


SAMPLES: Mapping[str, Sample] = {
    "metrics": metrics, "curves": bands, "differences": paired,
    "beyond metadata": beyond_metadata, "replication": two_collections,
}  # fmt: skip
