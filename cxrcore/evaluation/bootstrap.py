"""Bootstrap over patients: resample weights and percentile intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

from cxrcore.evaluation.metrics import lanes
from cxrcore.threads import side_by_side

#: A statistic of weighted images: weights (r, n) to values (r,); NaN where it is undefined.
Statistic = Callable[[NDArray[Any]], NDArray[np.float64]]

#: Told of each share of a work that is done; the shares of a whole add up to 1.
Advance = Callable[[float], object]

#: Large enough that sorting the scores for every block does not count.
_CHUNK_VALUES = 1 << 25
_DRAWN_AT_ONCE, _IMAGES_AT_ONCE = 1 << 18, 256


def patient_weights(subjects: int, replicates: int, seed: int, key: str) -> NDArray[np.uint8]:
    """How often each subject is drawn in each resample: (replicates, subjects).

    Every row draws `subjects` of them with replacement. The draws depend on `seed` and `key`
    only, so statistics of different models on the same subjects are paired.
    """
    from cxrcore.evaluation import kernels

    rng = np.random.default_rng([seed, *key.encode()])
    weights = np.empty((replicates, subjects), dtype=np.uint8)
    rows = max(1, _DRAWN_AT_ONCE // max(1, subjects))
    for start in range(0, replicates, rows):
        block = weights[start : start + rows]
        # Half the bytes of the default type, and the same numbers.
        kernels.count(rng.integers(0, subjects, block.shape, dtype=np.uint32), block)
    return weights


def image_weights(
    weights: NDArray[np.uint8], subject: NDArray[np.intp]
) -> Iterator[NDArray[np.uint8]]:
    """The weights of images, some replicates at a time: blocks (r, n) of bounded size.

    `subject` (n,) is each image's column in `weights`: an image is drawn with its patient.
    """
    rows = max(1, _CHUNK_VALUES // max(1, len(subject)))
    for start in range(0, len(weights), rows):
        # Several times as fast as indexing.
        yield np.take(weights[start : start + rows], subject, axis=1)


def weighted_sums(columns: NDArray[np.float64], weights: NDArray[Any]) -> NDArray[np.float64]:
    """Sums (r, c) of columns (n, c) under each set of weights (r, n)."""
    out = np.zeros((len(weights), columns.shape[1]))
    # Weights of a few images at a time are converted in the cache.
    for start in range(0, len(columns), _IMAGES_AT_ONCE):
        part = slice(start, start + _IMAGES_AT_ONCE)
        out += weights[:, part].astype(np.float64) @ columns[part]
    return out


def part_of(advance: Advance, share: float) -> Advance:
    """As `advance`, for a part that is `share` of the whole."""
    return lambda done: advance(share * done)


def resample(
    statistic: Statistic, weights: NDArray[np.uint8], subject: NDArray[np.intp]
) -> NDArray[np.float64]:
    """The statistic in every replicate (replicates,)."""
    blocks = image_weights(weights, subject)
    return np.concatenate([np.empty(0), *(statistic(block) for block in blocks)])


@dataclass(frozen=True)
class Part:
    """Statistics of some images that are computed together."""

    subject: NDArray[np.intp]
    """(n,) each image's column in the weights of patients."""
    statistics: Callable[[NDArray[Any]], NDArray[np.float64]]
    """Weights (n, m) to values (s, m)."""


def resample_parts(
    parts: Sequence[Part], weights: NDArray[np.uint8], advance: Advance = lambda _: None
) -> list[NDArray[np.float64]]:
    """The statistics of every part in every replicate (s, replicates), side by side on the cores.

    Their order and number of threads change no value.
    """
    found: list[list[NDArray[np.float64]]] = [[] for _ in parts]
    for block in lanes(weights):

        def values(part: Part, drawn: NDArray[Any] = block) -> NDArray[np.float64]:
            return part.statistics(np.take(drawn, part.subject, axis=0))

        for of_part, value in zip(found, side_by_side(values, parts), strict=True):
            of_part.append(value)
        advance(block.shape[1] / len(weights))
    return [np.concatenate(of_part, axis=1) for of_part in found]


def percentile_interval(values: NDArray[np.float64]) -> tuple[float | None, float | None, int]:
    """2.5th and 97.5th percentile over the replicates, and how many replicates were left out.

    Replicates without a value (NaN: a class was not drawn) are left out. There is no
    interval when fewer than half of them remain.
    """
    usable = values[np.isfinite(values)]
    left_out = len(values) - len(usable)
    if not len(usable) or 2 * len(usable) < len(values):
        return None, None, left_out
    low, high = np.percentile(usable, [2.5, 97.5])
    return float(low), float(high), left_out


def logit_interval(
    value: float, values: NDArray[np.float64]
) -> tuple[float | None, float | None, int]:
    """As `percentile_interval`, for a share such as the AUPRC with its estimate `value`.

    Normal on the logit scale (Boyd, Eng & Page 2013, doi 10.1007/978-3-642-40994-3_29). No interval
    where the estimate is 0 or 1.
    """
    if not 0 < value < 1:
        return None, None, int((~np.isfinite(values)).sum())
    within = 1e-6
    return _normal_interval(value, np.clip(values, within, 1 - within), logit, expit)


def share_interval(
    value: float, values: NDArray[np.float64], patients: int
) -> tuple[float | None, float | None, int]:
    """As `logit_interval`, for a share of so many patients, such as a sensitivity; also 0 or 1."""
    if value not in (0, 1):
        return logit_interval(value, values)
    low, high, left_out = percentile_interval(values)
    return *at_least_exact(value, low, high, patients), left_out


def at_least_exact(
    value: float, low: float | None, high: float | None, patients: float
) -> tuple[float | None, float | None]:
    """The interval of a share, where it is 0 or 1 at least to Clopper and Pearson's end.

    All resamples of a share of 1 are 1. The end is that of none or all of `patients` (1934, doi
    10.1093/biomet/26.4.404).
    """
    if low is None or high is None or value not in (0, 1):
        return low, high
    far = 0.025 ** (1 / patients)
    return (min(low, far), high) if value else (low, max(high, 1 - far))


def log_interval(
    value: float, values: NDArray[np.float64]
) -> tuple[float | None, float | None, int]:
    """As `percentile_interval`, for a ratio such as the calibration slope with its estimate.

    Normal on the log scale; the percentiles where the estimate or a resample is not positive.
    """
    if not value > 0 or (values <= 0).any():
        return percentile_interval(values)
    return _normal_interval(value, values, np.log, np.exp)


def _normal_interval(
    value: float, values: NDArray[np.float64], to: Any, back: Any
) -> tuple[float | None, float | None, int]:
    """Normal on the scale that the functions `to` and `back` lead to and from.

    With the resamples' standard deviation, around the estimate less their bias.
    """
    usable = to(values[np.isfinite(values)])
    left_out = len(values) - len(usable)
    if len(usable) < 2 or 2 * len(usable) < len(values):
        return None, None, left_out
    margin = norm.ppf(0.975) * usable.std(ddof=1)
    centre = 2 * to(value) - usable.mean()
    return float(back(centre - margin)), float(back(centre + margin)), left_out


def correlation_interval(
    value: float, values: NDArray[np.float64]
) -> tuple[float | None, float | None, int]:
    """As `percentile_interval`, for a correlation of mean maps with its estimate `value`.

    A resample adds as much noise to mean maps as the sample has, which pulls its correlation
    towards 0, as the sample's own was pulled. Two intervals answer that: the percentiles on
    Fisher's z scale, moved so that their median is the estimate, and the percentiles
    reflected at the estimate (Davison & Hinkley 1997, basic bootstrap). Each falls short of
    95 % somewhere: the interval is what either of them holds.
    """
    low, high, left_out = percentile_interval(values)
    if low is None or high is None:
        return None, None, left_out
    within = 1 - 1e-12
    z, z_low, z_high, middle = np.arctanh(
        np.clip([value, low, high, np.nanmedian(values)], -within, within)
    )
    moved = np.tanh([z_low + z - middle, z_high + z - middle])
    return (
        max(-1.0, min(float(moved[0]), 2 * value - high)),
        min(1.0, max(float(moved[1]), 2 * value - low)),
        left_out,
    )
