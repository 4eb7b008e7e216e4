"""Averaged attribution maps: mean, contrast and spread, by class and stratum, as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Reads rows [start, stop) of maps: (b, k, h, w), any float type.
ReadMaps = Callable[[int, int], NDArray[np.floating]]

_BLOCK_VALUES = 1 << 22


@dataclass(frozen=True)
class GroupSums:
    """Running sums of maps over groups of images, in float64."""

    images: Floats
    """(g,) images of each group."""
    total: Floats
    """(g, k, h, w) sum of their maps."""
    square: Floats
    """(g, k, h, w) sum of their squared maps."""


def map_blocks(
    read: ReadMaps, shape: tuple[int, ...], at_most: int | None = None
) -> Iterator[tuple[slice, Floats]]:
    """Maps of shape (n, k, h, w) in blocks of bounded size, as float64 (b, k * h * w).

    `at_most` bounds the images of a block further.
    """
    n, values = shape[0], int(np.prod(shape[1:]))
    step = max(1, min(_BLOCK_VALUES // max(1, values), at_most or n))
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        yield rows, read(rows.start, rows.stop).astype(np.float64).reshape(-1, values)


def group_sums(read: ReadMaps, shape: tuple[int, ...], members: NDArray[np.bool_]) -> GroupSums:
    """Sums of maps (n, k, h, w) over groups; `members` (g, n) says which image is in which."""
    total = np.zeros((len(members), int(np.prod(shape[1:]))))
    square = np.zeros_like(total)
    for rows, maps in map_blocks(read, shape):
        inside = members[:, rows].astype(np.float64)
        total += inside @ maps
        square += inside @ maps**2
    new = (len(members), *shape[1:])
    return GroupSums(
        members.sum(axis=1).astype(np.float64), total.reshape(new), square.reshape(new)
    )


@dataclass(frozen=True)
class Heatmaps:
    """Maps of one stratum, a row per class: each (k, h, w); NaN where there is no image."""

    mean: Floats
    contrast: Floats
    sd: Floats


def stratum_maps(
    read: ReadMaps,
    shape: tuple[int, ...],
    target: NDArray[np.intp],
    strata: NDArray[np.bool_],
    subject: NDArray[np.intp],
    smallest: int,
) -> list[Heatmaps]:
    """Mean, contrast and spread of maps (n, k, h, w) in each of `strata` (s, n).

    contrast of class c = mean of c's map over the images whose true class `target` (n,) is c,
    minus its mean over the others. A mean over fewer than `smallest` patients is NaN. The
    spread is the standard deviation over images (divisor n).
    """
    classes = shape[1]
    of_class = target == np.arange(classes)[:, None]
    members = (strata[:, None, :] & of_class).reshape(-1, len(target))
    sums = group_sums(read, shape, members)
    patients = np.array([len(np.unique(subject[m])) for m in members]).reshape(-1, classes)
    out = []
    for s in range(len(strata)):
        rows = slice(s * classes, (s + 1) * classes)
        images, total = sums.images[rows], sums.total[rows]
        whole = len(np.unique(subject[strata[s]])) >= smallest
        mean = _quotient(total.sum(axis=0), images.sum() if whole else 0)
        spread = _quotient(sums.square[rows].sum(axis=0), images.sum() if whole else 0) - mean**2
        contrast = contrast_of_sums(images[None], total[None])[0]
        others = [len(np.unique(subject[strata[s] & (target != c)])) for c in range(classes)]
        contrast[np.minimum(patients[s], others) < smallest] = np.nan
        out.append(Heatmaps(mean, contrast, np.sqrt(np.maximum(spread, 0))))
    return out


def contrast_of_sums(images: Floats, total: Floats) -> Floats:
    """Contrast maps (r, k, ...) from the (weighted) sums over the images of each true class.

    `images` (r, k) are the classes' weights, `total` (r, k true class, k map's class, ...)
    the sums of their maps. NaN where one side is empty.
    """
    classes = np.arange(images.shape[1])
    own = total[:, classes, classes]
    rest, others = total.sum(axis=1) - own, images.sum(axis=1, keepdims=True) - images
    counts = (np.where(n > 0, n, np.nan) for n in (images, others))
    own_n, rest_n = (n.reshape(*n.shape, *(1,) * (own.ndim - 2)) for n in counts)
    return np.asarray(own / own_n - rest / rest_n)


def _quotient(total: Floats, images: float) -> Floats:
    return total / images if images else np.full(total.shape, np.nan)
