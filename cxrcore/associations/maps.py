"""Similarity of two networks' attribution maps on the same images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxrcore.heatmaps import difference_of_sums
from cxrcore.maps import Maps, blocks

Floats = NDArray[np.float64]

_CHUNK_VALUES = 1 << 22


@dataclass(frozen=True)
class TargetedMaps:
    """One task's raw maps and true classes, of images in an order shared between tasks."""

    maps: Maps
    target: NDArray[np.intp]
    """(n,) index of the true class."""


def pearson(a: Floats, b: Floats) -> Floats:
    """Pearson's r over the last axis; NaN where one side does not vary."""
    a, b = a - a.mean(axis=-1, keepdims=True), b - b.mean(axis=-1, keepdims=True)
    norm = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    r = np.divide((a * b).sum(axis=-1), norm, out=np.full(norm.shape, np.nan), where=norm > 0)
    return np.asarray(r)


def rms_over_classes(maps: Floats) -> Floats:
    """Root mean square over the classes: (..., k, cells) to (..., cells). Has no sign."""
    return np.asarray(np.sqrt((maps * maps).mean(axis=-2)))


def class_sums(
    one: TargetedMaps, weights: NDArray[np.uint8], subject: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Weighted images (r, k) and sums of maps (r, k true class, k map's class, cells).

    `weights` (r, subjects) are resample weights, `subject` (n,) each image's column in them.
    """
    classes, cells = one.maps.shape[1], int(np.prod(one.maps.shape[2:]))
    images = np.zeros((len(weights), classes))
    total = np.zeros((len(weights), classes, classes * cells))
    for rows, block in blocks(one.maps, _CHUNK_VALUES // len(weights)):
        target = one.target[rows]
        for c in range(classes):
            resampled = weights[:, subject[rows][target == c]].astype(np.float64)
            images[:, c] += resampled.sum(axis=1)
            total[:, c] += resampled @ block[target == c]
    return images, total.reshape(len(weights), classes, classes, cells)


def similarity(
    reference: TargetedMaps,
    attribute: TargetedMaps,
    weights: NDArray[np.uint8],
    subject: NDArray[np.intp],
) -> dict[str, Floats]:
    """Each statistic of map similarity under every set of weights: name to (r,).

    - pearson_of_class_differences: r over map cells of the root mean square over a task's
      classes of its class-difference maps: whether the evidence lies in the same place.
    - signed_pearson_of_class_differences (two classes each): r of the last classes' difference
      maps; positive where the same places support both last classes.
    - pearson_of_means: r of the root mean square over classes of the mean maps of all images.
    """
    found: dict[str, list[Floats]] = {}
    shapes = [m.maps.shape for m in (reference, attribute)]
    cells = sum(int(np.prod(shape[1:])) * shape[1] for shape in shapes)
    rows = max(1, _CHUNK_VALUES // cells)
    for start in range(0, len(weights), rows):
        block = weights[start : start + rows]
        sums = [class_sums(m, block, subject) for m in (reference, attribute)]
        for name, values in _similarity_of_sums(*sums).items():
            found.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in found.items()}


def _similarity_of_sums(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> dict[str, Floats]:
    differences = [difference_of_sums(*sums) for sums in (a, b)]
    means = [total.sum(axis=1) / images.sum(axis=1)[:, None, None] for images, total in (a, b)]
    found = {"pearson_of_class_differences": pearson(*map(rms_over_classes, differences))}
    if differences[0].shape[1] == differences[1].shape[1] == 2:
        found["signed_pearson_of_class_differences"] = pearson(
            differences[0][:, -1], differences[1][:, -1]
        )
    return found | {"pearson_of_means": pearson(*map(rms_over_classes, means))}


def per_image_similarity(reference: TargetedMaps, attribute: TargetedMaps) -> Floats:
    """Pearson's r between the two models' maps of the same image: (n,).

    An image's map is the root mean square of its class maps after their mean over the classes was
    taken away: what moves all logits alike changes no probability.
    """
    both = reference.maps, attribute.maps
    step = min(_CHUNK_VALUES // int(np.prod(m.shape[1:])) for m in both)
    streams = [blocks(m, max(1, step // 2)) for m in both]
    classes = [m.shape[1] for m in both]
    found = [
        pearson(_centred_rms(a, classes[0]), _centred_rms(b, classes[1]))
        for (_, a), (_, b) in zip(*streams, strict=True)
    ]
    return np.concatenate(found)


def _centred_rms(block: Floats, classes: int) -> Floats:
    of_class = block.reshape(len(block), classes, -1)
    return rms_over_classes(of_class - of_class.mean(axis=1, keepdims=True))
