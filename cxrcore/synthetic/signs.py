"""Draws the planted signs and tells where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cxrcore.synthetic.presets import TRAITS, Sign
from cxrcore.synthetic.thorax import NOISE, Plane, Pose, body_frame, inside


def draw_signs(image: Plane, pose: Pose, labels: Mapping[str, str]) -> Plane:
    """`image` (n, n) with the sign of every task, each in the look of its label's class."""
    u, v = body_frame(pose, image.shape[0])
    for task, label in labels.items():
        trait = TRAITS[task]
        image = image + _mark(trait.sign, trait.classes.index(label), u, v)
    return image


def strength(sign: Sign) -> float:
    """The sign's peak contrast in units of the quantum noise."""
    return sign.contrast / NOISE


def _local(sign: Sign, u: Plane, v: Plane) -> tuple[Plane, Plane]:
    """Coordinates around the sign's centre, in units of its radius."""
    return (u - np.float32(sign.centre[0])) / np.float32(sign.radius), (
        v - np.float32(sign.centre[1])
    ) / np.float32(sign.radius)


def _mark(sign: Sign, number: int, u: Plane, v: Plane) -> Plane:
    """The change of grey value by class `number` of the sign."""
    x, y = _local(sign, u, v)
    radius = np.hypot(x, y)
    if sign.mark == "density":  # brighter or darker than its surroundings
        look = np.full_like(x, (-1.0, 1.0)[number])
    elif sign.mark == "spot":  # a bright ring or a bright spot, of equal mean
        look = (-1.0, 1.0)[number] * np.cos(np.float32(1.5 * np.pi) * np.minimum(radius, 1))
    else:
        turn = number * np.pi / 3 + (np.pi / 6 if sign.mark == "bar" else 0)
        across = x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))
        if sign.mark == "grating":  # fine lines in one of three directions
            look = np.cos(np.float32(2 * np.pi / 0.45) * across)
        else:  # one broad bar between two dark ones, in one of three directions
            look = np.cos(np.float32(2 * np.pi / 1.2) * across)
    return np.asarray(np.float32(sign.contrast) * look * inside(1 - radius, 0.06), dtype=np.float32)


def regions(poses: Sequence[Pose], size: int) -> Plane:
    """Share of the images whose sign covers each pixel: (task, size, size), tasks as in `TRAITS`.

    The square frame of an image and that of the map are the same; a pixel is covered when its
    centre lies within the sign's radius.
    """
    covered = np.zeros((len(TRAITS), size, size), dtype=np.float32)
    for pose in poses:
        u, v = body_frame(pose, size)
        for task, trait in enumerate(TRAITS.values()):
            covered[task] += np.hypot(*_local(trait.sign, u, v)) <= 1
    return covered / max(len(poses), 1)


def overlap(first: Plane, second: Plane) -> float:
    """Intersection over union of two region maps, sum(min) / sum(max); 0 if both are empty."""
    union = float(np.maximum(first, second).sum())
    return float(np.minimum(first, second).sum()) / union if union else 0.0
