"""Renders the planted markers, and says where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cxrcore.synthetic.phantom import NOISE, Plane, Pose, body_frame, inside
from cxrcore.synthetic.presets import TRAITS, Marker


def render_markers(image: Plane, pose: Pose, labels: Mapping[str, str]) -> Plane:
    """`image` (n, n) with the marker of every task, each in the look of its label's class."""
    u, v = body_frame(pose, image.shape[0])
    for task, label in labels.items():
        trait = TRAITS[task]
        image = image + _render(trait.marker, trait.classes.index(label), u, v)
    return image


def strength(marker: Marker) -> float:
    """The marker's peak contrast in units of the quantum noise."""
    return marker.contrast / NOISE


def _local(marker: Marker, u: Plane, v: Plane) -> tuple[Plane, Plane]:
    """Coordinates around the marker's centre, in units of its radius."""
    return (u - np.float32(marker.centre[0])) / np.float32(marker.radius), (
        v - np.float32(marker.centre[1])
    ) / np.float32(marker.radius)


def _render(marker: Marker, number: int, u: Plane, v: Plane) -> Plane:
    """The change of grey value by class `number` of the marker."""
    x, y = _local(marker, u, v)
    radius = np.hypot(x, y)
    if marker.appearance == "density":  # brighter or darker than its surroundings
        look = np.full_like(x, (-1.0, 1.0)[number])
    elif marker.appearance == "spot":  # a bright ring or a bright spot, of equal mean
        look = (-1.0, 1.0)[number] * np.cos(np.float32(1.5 * np.pi) * np.minimum(radius, 1))
    else:
        turn = number * np.pi / 3 + (np.pi / 6 if marker.appearance == "bar" else 0)
        across = x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))
        if marker.appearance == "grating":  # fine lines in one of three directions
            look = np.cos(np.float32(2 * np.pi / 0.45) * across)
        else:  # one broad bar between two dark ones, in one of three directions
            look = np.cos(np.float32(2 * np.pi / 1.2) * across)
    return np.asarray(
        np.float32(marker.contrast) * look * inside(1 - radius, 0.06), dtype=np.float32
    )


def regions(poses: Sequence[Pose], size: int) -> Plane:
    """Share of the images whose marker covers each pixel: (task, size, size), tasks as in `TRAITS`.

    The square frame of an image and that of the map are the same; a pixel is covered when its
    centre lies within the marker's radius.
    """
    covered = np.zeros((len(TRAITS), size, size), dtype=np.float32)
    for pose in poses:
        u, v = body_frame(pose, size)
        for task, trait in enumerate(TRAITS.values()):
            covered[task] += np.hypot(*_local(trait.marker, u, v)) <= 1
    return covered / max(len(poses), 1)


def overlap(first: Plane, second: Plane) -> float:
    """Intersection over union of two region maps, sum(min) / sum(max); 0 if both are empty."""
    union = float(np.maximum(first, second).sum())
    return float(np.minimum(first, second).sum()) / union if union else 0.0
