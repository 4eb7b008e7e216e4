"""Renders the planted markers, and says where they lie."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cxrcore.synthetic.phantom import NOISE, Plane, Pose, body_frame, inside
from cxrcore.synthetic.presets import TRAITS, Marker

#: Of a mark that does not move with the body.
_AT_REST = Pose((0.0, 0.0), (1.0, 1.0), 0.0)


def render_markers(
    image: Plane, pose: Pose, labels: Mapping[str, str], markers: Mapping[str, Marker]
) -> Plane:
    """`image` (n, n) with each task's marker, in the look of its label's class."""
    for task, label in labels.items():
        if task in markers:
            number = TRAITS[task].classes.index(label)
            image = image + _render(markers[task], number, pose, image.shape[0])
    return image


def shown(subject_id: int, labels: Mapping[str, str], agreement: float) -> dict[str, str]:
    """The classes that a patient's markers show, in all images alike.

    For each task the patient's own class with probability `agreement`, else any class by chance.
    """
    found = {}
    for task, label in labels.items():
        rng = np.random.default_rng([subject_id, *task.encode()])
        own, other = rng.random() < agreement, rng.choice(TRAITS[task].classes)
        found[task] = label if own else str(other)
    return found


def strength(marker: Marker) -> float:
    """The marker's peak contrast in units of the quantum noise."""
    return marker.contrast / NOISE


def covered(marker: Marker, pose: Pose, size: int) -> Plane:
    """1 where a pixel's centre lies within the marker's radius, else 0: (size, size)."""
    return np.asarray(np.hypot(*_local(marker, pose, size)) <= 1, dtype=np.float32)


def _local(marker: Marker, pose: Pose, size: int) -> tuple[Plane, Plane]:
    """Coordinates around the marker's centre, in units of its radius."""
    u, v = body_frame(pose if marker.frame == "body" else _AT_REST, size)
    return (u - np.float32(marker.centre[0])) / np.float32(marker.radius), (
        v - np.float32(marker.centre[1])
    ) / np.float32(marker.radius)


def _render(marker: Marker, number: int, pose: Pose, size: int) -> Plane:
    """The change of grey value by class `number` of the marker."""
    x, y = _local(marker, pose, size)
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
