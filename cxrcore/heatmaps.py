"""Averaged attribution maps: mean, class difference and spread, by class and subgroup."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxrcore.maps import Maps, blocks

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GroupSums:
    """Running sums of maps over groups of images, in float64."""

    images: Floats
    """(g,) images of each group."""
    total: Floats
    """(g, k, h, w) sum of their maps."""
    square: Floats
    """(g, k, h, w) sum of their squared maps."""


def group_sums(maps: Maps, members: NDArray[np.bool_]) -> GroupSums:
    """Sums of maps (n, k, h, w) over groups; `members` (g, n) says which image is in which."""
    total = np.zeros((len(members), int(np.prod(maps.shape[1:]))))
    square = np.zeros_like(total)
    for rows, block in blocks(maps):
        inside = members[:, rows].astype(np.float64)
        total += inside @ block
        square += inside @ block**2
    new = (len(members), *maps.shape[1:])
    return GroupSums(
        members.sum(axis=1).astype(np.float64), total.reshape(new), square.reshape(new)
    )


@dataclass(frozen=True)
class SubgroupMaps:
    """Averaged maps of one subgroup, a row per class: each (k, h, w); NaN without images."""

    mean: Floats
    class_difference: Floats
    sd: Floats


def subgroup_maps(
    maps: Maps, target: NDArray[np.intp], members: NDArray[np.bool_]
) -> list[SubgroupMaps]:
    """Mean, class difference and spread of maps (n, k, h, w) in each of `members` (s, n).

    The difference of class c is the mean of c's map over the images whose true class `target`
    (n,) is c, less its mean over the others. The spread is the standard deviation over images
    (divisor n).
    """
    classes = maps.shape[1]
    of_class = target == np.arange(classes)[:, None]
    sums = group_sums(maps, (members[:, None, :] & of_class).reshape(-1, len(target)))
    out = []
    for s in range(len(members)):
        rows = slice(s * classes, (s + 1) * classes)
        images, total = sums.images[rows], sums.total[rows]
        mean = _quotient(total.sum(axis=0), images.sum())
        spread = _quotient(sums.square[rows].sum(axis=0), images.sum()) - mean**2
        difference = difference_of_sums(images[None], total[None])[0]
        out.append(SubgroupMaps(mean, difference, np.sqrt(np.maximum(spread, 0))))
    return out


def difference_of_sums(images: Floats, total: Floats) -> Floats:
    """Class-difference maps (r, k, ...) from weighted sums over the images of each true class.

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
