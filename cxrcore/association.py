"""How far two tasks' views overlap: similarity of attribution maps, and of labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxrcore.bootstrap import image_weights
from cxrcore.heatmaps import ReadMaps, contrast_of_sums, map_blocks

Floats = NDArray[np.float64]

_CHUNK_VALUES = 1 << 22


@dataclass(frozen=True)
class Maps:
    """One task's raw maps and true classes, of images in an order shared between tasks."""

    read: ReadMaps
    shape: tuple[int, ...]
    """(n, k, h, w)"""
    target: NDArray[np.intp]
    """(n,) index of the true class."""


def pearson(a: Floats, b: Floats) -> Floats:
    """Pearson's r over the last axis; NaN where one side does not vary."""
    a, b = a - a.mean(axis=-1, keepdims=True), b - b.mean(axis=-1, keepdims=True)
    norm = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    r = np.divide((a * b).sum(axis=-1), norm, out=np.full(norm.shape, np.nan), where=norm > 0)
    return np.asarray(r)


def magnitude(maps: Floats) -> Floats:
    """Root mean square over the classes: (..., k, cells) to (..., cells). Has no sign."""
    return np.asarray(np.sqrt((maps * maps).mean(axis=-2)))


def class_sums(
    maps: Maps, weights: NDArray[np.uint8], subject: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Weighted images (r, k) and sums of maps (r, k true class, k map's class, cells).

    `weights` (r, subjects) are resample weights, `subject` (n,) each image's column in them.
    """
    classes, cells = maps.shape[1], int(np.prod(maps.shape[2:]))
    images = np.zeros((len(weights), classes))
    total = np.zeros((len(weights), classes, classes * cells))
    for rows, block in map_blocks(maps.read, maps.shape, _CHUNK_VALUES // len(weights)):
        target = maps.target[rows]
        for c in range(classes):
            drawn = weights[:, subject[rows][target == c]].astype(np.float64)
            images[:, c] += drawn.sum(axis=1)
            total[:, c] += drawn @ block[target == c]
    return images, total.reshape(len(weights), classes, classes, cells)


def similarity(
    reference: Maps, attribute: Maps, weights: NDArray[np.uint8], subject: NDArray[np.intp]
) -> dict[str, Floats]:
    """Each statistic of map similarity under every set of weights: name to (r,).

    - pearson_of_contrast_maps: r over cells of the magnitudes (root mean square over a task's
      classes) of the contrast maps: whether the evidence lies in the same place.
    - signed_pearson_of_contrast_maps (two classes each): r of the last classes' contrast maps;
      positive where the same places speak for both last classes.
    - pearson_of_means: r of the magnitudes of the mean maps over all images.
    """
    found: dict[str, list[Floats]] = {}
    cells = sum(int(np.prod(m.shape[1:])) * m.shape[1] for m in (reference, attribute))
    rows = max(1, _CHUNK_VALUES // cells)
    for start in range(0, len(weights), rows):
        block = weights[start : start + rows]
        sums = [class_sums(m, block, subject) for m in (reference, attribute)]
        for name, values in _similarity_of_sums(*sums).items():
            found.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in found.items()}


def _similarity_of_sums(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> dict[str, Floats]:
    contrasts = [contrast_of_sums(*sums) for sums in (a, b)]
    means = [total.sum(axis=1) / images.sum(axis=1)[:, None, None] for images, total in (a, b)]
    found = {"pearson_of_contrast_maps": pearson(*map(magnitude, contrasts))}
    if contrasts[0].shape[1] == contrasts[1].shape[1] == 2:
        found["signed_pearson_of_contrast_maps"] = pearson(contrasts[0][:, -1], contrasts[1][:, -1])
    return found | {"pearson_of_means": pearson(*map(magnitude, means))}


def per_image_similarity(reference: Maps, attribute: Maps) -> Floats:
    """Pearson's r between the two models' maps of the same image: (n,).

    An image's map is the magnitude of its class maps after their mean over the classes was
    taken away: what moves all logits alike changes no probability.
    """
    step = min(_CHUNK_VALUES // int(np.prod(m.shape[1:])) for m in (reference, attribute))
    blocks = [map_blocks(m.read, m.shape, max(1, step // 2)) for m in (reference, attribute)]
    classes = reference.shape[1], attribute.shape[1]
    found = [
        pearson(_centred_magnitude(a, classes[0]), _centred_magnitude(b, classes[1]))
        for (_, a), (_, b) in zip(*blocks, strict=True)
    ]
    return np.concatenate(found)


def _centred_magnitude(block: Floats, classes: int) -> Floats:
    of_class = block.reshape(len(block), classes, -1)
    return magnitude(of_class - of_class.mean(axis=1, keepdims=True))


def cramers_v(tables: Floats, corrections: int = 1) -> Floats:
    """Bias-corrected Cramér's V of contingency tables (t, a, b) (Bergsma 2013).

    `corrections` is how often the expected excess of phi-squared is taken away: once for a
    sample, twice for a resample of it, which carries the excess of both draws. NaN when a
    margin has one level only.
    """
    n = tables.sum(axis=(1, 2))
    row, column = tables.sum(axis=2), tables.sum(axis=1)
    levels = (row > 0).sum(axis=1), (column > 0).sum(axis=1)
    expected = row[:, :, None] * column[:, None, :] / n[:, None, None]
    excess = np.divide(
        (tables - expected) ** 2, expected, out=np.zeros_like(tables), where=expected > 0
    )
    freedom = (levels[0] - 1) * (levels[1] - 1) / (n - 1)
    phi = np.maximum(0, excess.sum(axis=(1, 2)) / n - corrections * freedom)
    room = np.minimum(*(k - (k - 1) ** 2 / (n - 1) for k in levels)) - 1
    return np.asarray(
        np.sqrt(np.divide(phi, room, out=np.full(len(n), np.nan), where=(freedom > 0) & (room > 0)))
    )


def label_tables(
    a: NDArray[np.intp], b: NDArray[np.intp], shape: tuple[int, int],
    weights: NDArray[np.uint8], subject: NDArray[np.intp],
) -> Floats:  # fmt: skip
    """Contingency tables (r, *shape) of two labels under resample weights.

    An image counts as 1 / (images of its patient): every patient counts once.
    """
    share = 1 / np.bincount(subject)[subject]
    cell = np.zeros((len(a), shape[0] * shape[1]))
    cell[np.arange(len(a)), a * shape[1] + b] = share
    counts = [block @ cell for block in image_weights(weights, subject)]
    return np.concatenate(counts).reshape(-1, *shape)
