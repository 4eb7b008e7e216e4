"""What the curves of a model are made of, from its predictions. Defined as `aggregate` has them.

A score is the log odds of a class against the rest, and an image without a label does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from data_contracts.cohort_description import SMALLEST_CELL

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

#: Points of a curve that are drawn; a terminal shows no more.
MOST_POINTS = 500
MOST_BINS = 10


@dataclass(frozen=True)
class Scores:
    """Labelled images of one split: their targets and the model's logits."""

    classes: tuple[str, ...]
    subject: NDArray[np.uint32]
    """(n,) numbers that identify patients."""
    target: NDArray[np.int8]
    logits: Floats
    """(n, classes)."""


@dataclass(frozen=True)
class ModelCurves:
    """One class of one model against the rest."""

    positive: str
    images: int = 0
    subjects: int = 0
    positives: int = 0
    refusal: str = ""
    """Why there are no curves; empty when there are."""
    auroc: float | None = None
    roc: tuple[Sequence[float], Sequence[float]] = ((), ())
    """False and true positive rate, from (0, 0) to (1, 1)."""
    calibration: tuple[Sequence[float], Sequence[float]] = ((), ())
    """Mean predicted probability and observed share of each bin."""
    bins: Sequence[int] = ()
    """Images of each bin."""


def scores_of(predictions: pl.DataFrame, classes: Sequence[str]) -> dict[str, Scores]:
    """PREDICTIONS by split, without the names of images and patients."""
    import polars as pl

    labelled = predictions.filter(pl.col("target").is_not_null()).select(
        "target", "logits", pl.col("split").cast(pl.String),
        pl.col("subject_id").rank("dense").cast(pl.UInt32).alias("subject"),
    )  # fmt: skip
    out = {}
    for (split,), of_split in labelled.group_by("split", maintain_order=True):
        logits = of_split["logits"].list.to_array(len(classes)).to_numpy().astype(float)
        out[str(split)] = Scores(
            tuple(classes), of_split["subject"].to_numpy(), of_split["target"].to_numpy(), logits
        )
    return out


def first_class(classes: Sequence[str]) -> int:
    """The class that is shown first: the positive one of two, the first of more."""
    return 1 if len(classes) == 2 else 0


def model_curves(scores: Scores, of_class: int) -> ModelCurves:
    """ROC and calibration of a class against the rest; none where either has few patients."""
    import numpy as np

    positive = scores.target == of_class
    name = scores.classes[of_class]
    sizes = [len(np.unique(scores.subject[side])) for side in (positive, ~positive)]
    counts = ModelCurves(
        name, images=len(positive), subjects=len(np.unique(scores.subject)),
        positives=int(positive.sum()),
    )  # fmt: skip
    if min(sizes) < SMALLEST_CELL:
        side = f"in class {name}" if sizes[0] < SMALLEST_CELL else f"outside class {name}"
        return replace(counts, refusal=f"fewer than {SMALLEST_CELL} patients {side}")
    odds = log_odds(scores.logits)[:, of_class]
    chance = probabilities(scores.logits)[:, of_class]
    predicted, observed, bins = calibration(chance, positive, scores.subject)
    return replace(
        counts, auroc=auroc(odds, positive), roc=thinned(*roc(odds, positive)),
        calibration=(predicted, observed), bins=bins,
    )  # fmt: skip


def log_odds(logits: Floats) -> Floats:
    """Log odds of each class against the rest, from logits (n, classes)."""
    import numpy as np

    exponent = logits - logits.max(axis=1, keepdims=True)
    rest = np.exp(exponent) @ (1 - np.eye(logits.shape[1]))
    return np.asarray(exponent - np.log(np.maximum(rest, np.finfo(np.float64).tiny)))


def probabilities(logits: Floats) -> Floats:
    """Softmax of logits (n, classes)."""
    import numpy as np

    exponential = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponential / exponential.sum(axis=1, keepdims=True))


def auroc(scores: Floats, positive: Bools) -> float:
    """The Mann-Whitney statistic over its maximum; ties get the middle of their ranks."""
    import numpy as np

    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    n = int(positive.sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(positive) - n)))


def roc(scores: Floats, positive: Bools) -> tuple[Floats, Floats]:
    """False and true positive rate at every distinct threshold, from (0, 0) to (1, 1)."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    hit = positive[order]
    true, false = np.cumsum(hit)[ends] / hit.sum(), np.cumsum(~hit)[ends] / (~hit).sum()
    return np.append(0.0, false), np.append(0.0, true)


def thinned(x: Floats, y: Floats) -> tuple[list[float], list[float]]:
    """At most `MOST_POINTS` of the points, evenly taken, the ends among them."""
    import numpy as np

    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).round().astype(int))
    return x[kept].tolist(), y[kept].tolist()


def calibration(
    predicted: Floats, positive: Bools, subject: NDArray[Any]
) -> tuple[list[float], list[float], list[int]]:
    """Mean predicted probability, observed share and images of bins with equally many images.

    The bins end at quantiles, so equal predictions share a bin. There are as many of `MOST_BINS`
    as leave no bin with few patients; none when not even two do.
    """
    import numpy as np

    for count in range(MOST_BINS, 1, -1):
        edges = np.quantile(predicted, np.linspace(0, 1, count + 1))
        place = np.searchsorted(edges[1:-1], predicted)
        inside = [place == b for b in np.unique(place)]
        if len(inside) > 1 and all(len(np.unique(subject[i])) >= SMALLEST_CELL for i in inside):
            return (
                [float(predicted[i].mean()) for i in inside],
                [float(positive[i].mean()) for i in inside],
                [int(i.sum()) for i in inside],
            )
    return [], [], []
